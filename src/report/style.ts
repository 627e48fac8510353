/** The style sheet of the HTML report. No address in it, nothing to fetch; the page's policy allows exactly these bytes. */
export const style = `
:root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--ink:#14181f;--soft:#4a5362;--faint:#667080;--line:#dfe3e9;--after:#2456d6;--before:#7b8595;
--good:#0b6e3f;--good-page:#e8f6ee;--good-line:#a9d9be;--bad:#b3261e;--bad-page:#fdeeec;--bad-line:#f0bbb5;--mixed:#7d5200;--mixed-page:#fff5dd;--mixed-line:#ecd08e}
@media (prefers-color-scheme:dark){:root{--page:#0f1218;--card:#171b23;--ink:#e9ecf1;--soft:#b4bcc9;--faint:#949eae;--line:#2b323d;--after:#86adff;--before:#8f99a9;
--good:#63d39b;--good-page:#10281c;--good-line:#1f5238;--bad:#ff9188;--bad-page:#331715;--bad-line:#6b2c27;--mixed:#f0c05f;--mixed-page:#2d2410;--mixed-line:#5d4a1c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:1040px;margin:0 auto;padding:0 24px}
header{padding-top:32px}
code,.mono{font:0.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.brand{font-size:13px;letter-spacing:.04em;color:var(--faint);margin:0 0 4px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:0 0 6px;font-weight:700}
h2{font-size:21px;line-height:1.3;letter-spacing:-.01em;margin:56px 0 4px;font-weight:650}
h3{font-size:15px;margin:28px 0 6px;font-weight:650}
p{margin:0 0 12px}
.lead{color:var(--soft);margin:0 0 14px;max-width:70ch}
.facts{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 22px;padding:0;list-style:none;color:var(--soft);font-size:14px}
.facts b{font-weight:500;color:var(--faint);margin-right:5px}
.banner{display:grid;grid-template-columns:auto 1fr;gap:2px 16px;padding:20px 22px;border:1px solid;border-radius:12px;align-items:start}
.banner svg{width:40px;height:40px;grid-row:1/span 6}
.banner .say,.banner .why{grid-column:2}
.banner .say{font-size:23px;line-height:1.25;font-weight:680;letter-spacing:-.01em;margin:0}
.banner .say span{font-weight:450}
.banner .why{margin:3px 0 0;color:var(--ink)}
.good{color:var(--good)}.bad{color:var(--bad)}.mixed{color:var(--mixed)}
.banner.good{background:var(--good-page);border-color:var(--good-line)}
.banner.bad{background:var(--bad-page);border-color:var(--bad-line)}
.banner.mixed{background:var(--mixed-page);border-color:var(--mixed-line)}
.notes{list-style:none;margin:12px 0 0;padding:12px 18px;border:1px solid var(--mixed-line);background:var(--mixed-page);border-radius:12px}
.notes li{padding-left:22px;position:relative}
.notes li::before{content:"!";position:absolute;left:2px;font-weight:800;color:var(--mixed)}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:14px 0 0;padding:0;list-style:none}
.tile{background:var(--card);border-radius:12px;padding:14px 16px}
.tile .name{font-size:13px;color:var(--soft);display:block}
.tile .big{font-size:27px;line-height:1.25;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile .big small{font-size:15px;font-weight:500;letter-spacing:0}
.tile .was{font-size:13px;color:var(--soft);display:block;font-variant-numeric:tabular-nums}
nav{margin:18px 0 -22px;font-size:14px;display:flex;flex-wrap:wrap;gap:4px 18px}
nav a{color:var(--soft);text-underline-offset:3px;text-decoration-color:var(--line)}
a:hover{color:var(--ink)}
.wide{overflow-x:auto;margin:0 -24px;padding:0 24px}
table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.45}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{text-align:left;vertical-align:top;padding:8px 14px 8px 0;border-top:1px solid var(--line);font-weight:400}
tbody th{font-weight:500;min-width:98px}
thead th{border-top:0;color:var(--faint);font-size:12.5px;padding-bottom:5px;vertical-align:bottom}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.track-cell{width:40%;min-width:150px;vertical-align:middle;padding-top:0;padding-bottom:0}
.middle td,.middle th{vertical-align:middle}
.bare td,.bare th{border-top:0}
.word{font-weight:600;white-space:nowrap}
.pill{display:inline-block;padding:0 9px;border-radius:99px;border:1px solid var(--line);font-size:12.5px;color:var(--soft);white-space:nowrap}
.pill.ran{color:var(--after);border-color:currentColor}.pill.failed,.pill.not-run{color:var(--bad);border-color:currentColor}
.soft{color:var(--soft)}
main{display:grid;grid-template-columns:5fr 6fr;gap:0 56px}
section{grid-column:1/-1;min-width:0}
.id{min-width:84px}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:16px 28px;margin:10px 0}
figure{margin:0;max-width:420px}
figure.bars{grid-column:1/-1;max-width:720px}.bars th{width:36%}
figcaption{font-size:13.5px;color:var(--soft);margin-bottom:4px}
figcaption b{color:var(--ink);font-weight:600}
svg{display:block}
svg text{fill:var(--faint);font-size:11px;font-family:inherit;font-variant-numeric:tabular-nums}
svg .title{fill:var(--soft)}
.track{width:100%;height:28px;overflow:visible}
.axis{height:16px}
.plot{width:100%;height:auto;overflow:visible}
.grid{stroke:var(--line);stroke-width:1}
.rule,.zero{stroke:var(--before);stroke-width:1}
.ideal{stroke:var(--before);stroke-width:1;stroke-dasharray:4 4}
.span{stroke-width:2}.span.before{stroke:var(--before)}.span.after{stroke:var(--after)}.span.good{stroke:var(--good)}.span.bad{stroke:var(--bad)}
.dot.before{fill:var(--page);stroke:var(--before);stroke-width:2}.dot.after{fill:var(--after);stroke:var(--page);stroke-width:1}
.dot.good{fill:var(--good)}.dot.bad{fill:var(--bad)}
.line{fill:none;stroke-width:2.25;stroke-linejoin:round}.line.after{stroke:var(--after)}.line.before{stroke:var(--before)}.line.thin{stroke-width:1.25}
.bar{fill:var(--after);opacity:.85}.bar.good{fill:var(--good)}.bar.bad{fill:var(--bad)}
.mark{stroke:var(--ink);stroke-width:2}
.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
details{margin:14px 0;border-top:1px solid var(--line)}
summary{cursor:pointer;padding:9px 0;font-size:14px;font-weight:550}
summary:hover{color:var(--after)}
:focus-visible{outline:2px solid var(--after);outline-offset:2px;border-radius:3px}
del{color:var(--bad);text-decoration-thickness:1px}ins{color:var(--good);text-decoration:none;font-weight:600}
.cell{unicode-bidi:isolate}
.row{margin:0 0 2px}.row b{font-weight:500;color:var(--faint);margin-right:4px}
.kind{font-size:12.5px;font-weight:600;white-space:nowrap}
footer{margin-top:64px;padding-top:20px;padding-bottom:48px;color:var(--soft);font-size:13px}
footer dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:0 0 16px;border-top:1px solid var(--line);padding-top:20px}
footer dt{color:var(--faint)}footer dd{margin:0}
@media screen and (max-width:760px){
main,header,footer{padding-left:16px;padding-right:16px}
header{padding-top:20px}
.wide{margin:0 -16px;padding:0 16px}
h1{font-size:27px}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}main{display:block}
.banner{padding:16px;gap:2px 12px}.banner svg{width:30px;height:30px}.banner .say{font-size:19px}
.banner .why{grid-column:1/-1;margin-top:8px}.banner svg{grid-row:1}
.late{display:none}
.tile .big{font-size:22px}.tile .big small{font-size:13px}
.stack.line td,.stack.line th{display:inline-block;margin-right:12px}.stack.line td.full{display:block}
.stack.line td:empty{display:none}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack tr{display:block;border-top:1px solid var(--line);padding:10px 0}
.stack td,.stack th{display:block;border:0;padding:1px 0;text-align:left;white-space:normal}
.stack [data-name]::before{content:attr(data-name) " ";color:var(--faint)}
td.track-cell{width:auto;min-width:110px}
.stack td.track-cell{width:100%}
}
@media print{
:root{--page:#fff;--card:#f6f7f9;--ink:#000;--soft:#333;--faint:#555;--line:#ccc;--after:#1d46b0;--before:#667;--good:#0b6e3f;--good-page:#fff;--good-line:#0b6e3f;--bad:#b3261e;--bad-page:#fff;--bad-line:#b3261e;--mixed:#7d5200;--mixed-page:#fff;--mixed-line:#7d5200}
:root{color-scheme:light}
body{font-size:11pt}nav{display:none}h2{break-after:avoid}tr,figure,.banner{break-inside:avoid}
section{break-inside:auto}table{font-size:9.5pt}
}`;
