// The page of a sitting: one file, nothing from elsewhere. The policy lets this script and this style run, and no other.
import { contentPolicy } from '../../base/content-policy.ts';
import { script } from './page-script.ts';
import { style } from './page-style.ts';

const buttons = [
  ['accept', 'a', 'Accept'],
  ['edit', 'e', 'Edit'],
  ['reject', 'r', 'Reject'],
  ['label', 'l', 'Label'],
  ['note', 'n', 'Note'],
  ['skip', 's', 'Skip'],
  ['back', 'b', 'Back'],
  ['undo', 'u', 'Undo'],
  ['finish', 'q', 'End'],
  ['help', '?', 'Help'],
] as const;

const bar = buttons
  .map(([op, key, name]) => `<button type="button" data-op="${op}" aria-keyshortcuts="${key}"><kbd aria-hidden="true">${key}</kbd>${name}</button>`)
  .join('\n');

/** The HTML of GET /. It holds nothing of the data: that comes to whoever has the token. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Plumbline: review</title>
<style>${style}</style>
<main>
<header><h1 id="title">Review</h1><span id="count" role="status"></span><span id="who"></span></header>
<progress id="bar" value="0" max="1" aria-label="rows looked at"></progress>
<section id="row" tabindex="-1" aria-label="the row"></section>
</main>
<nav aria-label="decisions"><div>
${bar}
</div><p id="said" role="status" aria-live="polite"></p></nav>
<dialog id="labeling" aria-labelledby="labeltitle"><form method="dialog"><label id="labeltitle" for="label">Label</label>
<input id="label" role="combobox" aria-expanded="true" aria-controls="labels" autocomplete="off"><ul id="labels" role="listbox" aria-label="labels"></ul><button type="submit">Take it (Enter)</button></form></dialog>
<dialog id="noting" aria-labelledby="notetitle"><form method="dialog"><label id="notetitle" for="note">Note, kept with the decision</label>
<input id="note" autocomplete="off" maxlength="10000"><p><button type="submit">Keep it (Enter)</button></p></form></dialog>
<dialog id="help" aria-label="keys"><p>Each key decides and goes on to the next row. What is flagged is marked in the text.</p>
<p><kbd>a</kbd> may stay <kbd>e</kbd> edit <kbd>r</kbd> shall go <kbd>l</kbd> other label <kbd>n</kbd> note <kbd>s</kbd> skip <kbd>b</kbd> back <kbd>u</kbd> take back <kbd>q</kbd> end</p>
<form method="dialog"><button>Close (Esc)</button></form></dialog>
<script>${script}</script>
</html>
`;

export const pagePolicy = contentPolicy({ script, style, more: ['img-src data:', "require-trusted-types-for 'script'"] });
