// How the page looks, in light and dark, on a phone and on a wide screen.
export const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b6572; --line: #d5dae0; --paper: #fbfbfa; --card: #fff; --accent: #24614f; --mark: #fde3b0; --bad: #a3261b; --good: #1d6b3a; --note: #7a4a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a3adba; --line: #353b42; --paper: #131618; --card: #1b1f22; --accent: #79cdb4; --mark: #5a4310; --bad: #ff9c90; --good: #86d9a3; --note: #ecb566 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 58rem; margin: 0 auto; padding: 1rem 1rem 9rem }
header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; justify-content: space-between; color: var(--soft); font-size: .9rem }
h1 { font-size: 1.05rem; margin: .4rem 0; color: var(--ink); overflow-wrap: anywhere }
progress { width: 100%; height: .4rem; accent-color: var(--accent) }
#row { outline: none; margin-top: 1rem }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; overflow-wrap: anywhere } h2 small { color: var(--soft); font-weight: 400; font-size: .85rem }
.column { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; margin-bottom: .5rem }
.column > span, .column > label { display: block; color: var(--soft); font-size: .8rem; overflow-wrap: anywhere }
.column p { margin: .1rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere }
.column.flagged { border-color: var(--note) }
mark { background: var(--mark); color: inherit; border-radius: .2rem; text-decoration: underline wavy var(--bad) 1px; padding: 0 .1em }
mark small { color: var(--note); font-size: .7rem; margin-left: .25em; text-decoration: none; display: inline-block }
ul { padding-left: 1.2rem; margin: .6rem 0 } li { overflow-wrap: anywhere } .error { color: var(--bad) } .warning { color: var(--note) }
del { color: var(--bad) } ins { color: var(--good) } #votes h3 { font-size: .95rem; margin: .8rem 0 .2rem }
textarea, input { width: 100%; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .4rem; padding: .4rem .6rem }
textarea { min-height: 3.2rem; resize: vertical }
:is(textarea, input, button, [role=option]):focus-visible { outline: 3px solid var(--accent); outline-offset: 1px }
dialog { width: min(34rem, calc(100vw - 2rem)); border: 1px solid var(--line); border-radius: .7rem; background: var(--paper); color: var(--ink); padding: 1rem }
dialog::backdrop { background: rgb(0 0 0 / .4) } dialog ul { list-style: none; padding: 0; max-height: 40vh; overflow: auto } [role=option] { padding: .3rem .6rem; border-radius: .3rem } [role=option][aria-selected=true] { background: var(--mark) }
nav { position: fixed; inset: auto 0 0 0; background: var(--card); border-top: 1px solid var(--line); padding: .5rem }
nav div { max-width: 58rem; margin: 0 auto; display: flex; flex-wrap: wrap; gap: .35rem }
button { font: inherit; font-size: .9rem; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: .4rem; padding: .3rem .6rem; cursor: pointer }
button:disabled { opacity: .45; cursor: default } kbd { font: .85em ui-monospace, monospace; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: .25rem; padding: 0 .3em; margin-right: .25em }
#said { min-height: 1.5rem; margin: .4rem auto 0; max-width: 58rem; font-size: .9rem } .bad { color: var(--bad) }
@media (max-width: 480px) { main { padding-bottom: 13rem } button { padding: .4rem .55rem } }
`;
