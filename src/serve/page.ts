// The page at GET /: type a text, see what the model says and which model said it. One file without anything from elsewhere; the policy below
// lets nothing else run, so that a label that holds markup stays text.
import { contentPolicy } from '../base/content-policy.ts';

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #667085; --line: #dfe3e8; --paper: #fbfbfa; --card: #fff; --accent: #2f6f5e; --bar: #d5e8e1; --warn: #9a5b00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #98a2b3; --line: #2d3238; --paper: #131618; --card: #1b1f22; --accent: #6fc3aa; --bar: #23453b; --warn: #e0a458 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 42rem; margin: 0 auto; padding: 3rem 1.25rem }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0 0 1.5rem; letter-spacing: .01em }
h1 span { color: var(--soft); font-weight: 400 }
select, textarea { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .6rem .8rem }
textarea { width: 100%; min-height: 5.5rem; resize: vertical; display: block; font-size: 1.1rem }
:is(select, textarea):focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
select { padding: .3rem .6rem; margin-left: .4rem }
label[for=text] { display: block; color: var(--soft); font-size: .875rem; margin-bottom: .4rem }
#answer { min-height: 15rem; padding-top: 1.5rem }
#label { font-size: 1.7rem; font-weight: 650; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere }
ol { list-style: none; margin: 0; padding: 0 }
li { position: relative; display: flex; gap: 1rem; justify-content: space-between; padding: .35rem .7rem; margin-bottom: .3rem; border-radius: .4rem; overflow: hidden; overflow-wrap: anywhere }
li > * { position: relative }
li > i { position: absolute; inset: 0 auto 0 0; background: var(--bar); border-radius: .4rem; transition: width .2s }
li b { font-weight: 400; font-variant-numeric: tabular-nums; color: var(--soft) }
dl { display: grid; margin-top: 1rem; grid-template-columns: max-content 1fr; gap: .2rem 1rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .875rem }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
code { font: .85em ui-monospace, monospace }
.warn { color: var(--warn) }
@media (prefers-reduced-motion: reduce) { li > i { transition: none } }
`;

const script = `
const at = (id) => document.getElementById(id);
const make = (tag, text) => { const node = document.createElement(tag); if (text !== undefined) node.textContent = text; return node; };
const percent = (score) => (score * 100).toFixed(score < 0.0995 ? 1 : 0) + ' %';
let models = [], asked = 0, timer;

async function look() {
  try {
    models = (await (await fetch('/v1/models')).json()).models;
    const names = models.map((model) => model.name);
    const chosen = at('model').value;
    if ([...at('model').options].map((option) => option.value).join('/') !== names.join('/')) {
      at('model').replaceChildren(...names.map((name) => make('option', name)));
      if (names.includes(chosen)) at('model').value = chosen;
      at('model').hidden = names.length < 2;
    }
    showModel();
  } catch { at('facts').replaceChildren(make('dt', 'server'), Object.assign(make('dd', 'does not answer'), { className: 'warn' })); }
  setTimeout(look, 2000);
}

function showModel() {
  const model = models.find((one) => one.name === at('model').value) ?? models[0];
  at('name').textContent = model ? model.name + ' · ' + (model.stage ?? 'not loaded yet') : 'waiting for the first promotion';
  const rows = [];
  const row = (term, value, code) => { if (value) { const dd = make('dd'); dd.append(make(code ? 'code' : 'span', value)); rows.push(make('dt', term), dd); } };
  if (model?.digest) {
    row('model', model.digest, true);
    const when = model.promoted?.at ?? model.since;
    row('since', new Date(when).toLocaleString() + (model.promoted ? ' · ' + model.promoted.by : ''));
    row('decision', model.promoted?.subject);
    row('commit', (model.promoted?.commit ?? model.commit).slice(0, 12), true);
    row('labels', String(model.labels.length));
  }
  if (model?.trouble) row('trouble', model.trouble + (model.digest ? ': the model from before goes on answering' : ''));
  if (model?.trouble) rows.at(-1).className = 'warn';
  const shown = at('facts').dataset.digest;
  at('facts').replaceChildren(...rows);
  at('facts').dataset.digest = model?.digest ?? '';
  if (shown !== undefined && shown !== at('facts').dataset.digest) ask();
}

async function ask() {
  const text = at('text').value, name = at('model').value, mine = ++asked;
  if (text.trim() === '' || !name) { at('label').textContent = ''; at('ranks').replaceChildren(); return; }
  let answer;
  try {
    const response = await fetch('/v1/models/' + encodeURIComponent(name) + '/predict', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text, top: 5 }) });
    answer = await response.json();
  } catch { answer = { error: { what: 'the server does not answer' } }; }
  if (mine !== asked) return;
  at('label').textContent = answer.error ? '' : answer.label;
  at('ranks').replaceChildren(...(answer.error ? [make('li', answer.error.what)] : answer.top.map((entry) => {
    const item = make('li'), bar = make('i');
    bar.style.width = Math.max(0.5, entry.score * 100) + '%';
    item.append(bar, make('span', entry.label), make('b', percent(entry.score)));
    return item;
  })));
}

at('text').addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
at('model').addEventListener('change', () => { showModel(); ask(); });
look();
`;

/** The HTML of GET /. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plumbline: ask the model</title>
<style>${style}</style>
<main>
<h1>Plumbline <span id="name"></span> <select id="model" aria-label="model" hidden></select></h1>
<label for="text">Type a text; the model that is in the stage now answers.</label>
<textarea id="text" autofocus maxlength="20000" placeholder="I still have not received my new card"></textarea>
<section id="answer" aria-live="polite"><p id="label"></p><ol id="ranks"></ol></section>
<dl id="facts"></dl>
</main>
<script>${script}</script>
</html>
`;

/** Of the page: bars get their width by element.style, which a policy of style digests allows. */
export const pagePolicy = contentPolicy({ script, style });
