// What the page does. Texts of the data go into text nodes only, never into markup; every action has a key and a button.
export const script = `
const at = (id) => document.getElementById(id);
const make = (tag, text, cls) => { const node = document.createElement(tag); if (text !== undefined) node.textContent = text; if (cls) node.className = cls; return node; };
const token = location.hash.slice(1);
let state, busy = false, editing = false, over = false;
const textOf = (column) => column.parts.map((part) => part.text).join('');
const done = { accept: 'accepted', edit: 'edited', reject: 'rejected', label: 'labelled' };

async function ask(op, more = {}) {
  if (busy || over) return;
  busy = true;
  const key = state?.item?.key, row = state?.item?.digest ?? null;
  let answer;
  try {
    const response = await fetch('/api', { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token }, body: JSON.stringify({ op, row, ...more }) });
    answer = await response.json();
  } catch { answer = { error: 'The server does not answer: is plumb still running? What was decided is kept.' }; }
  busy = false;
  if (answer.state) { state = answer.state; if (!answer.error) editing = false; }
  over = answer.over === true;
  if (answer.error) { say(answer.error, true); if (!editing) draw(); return; }
  say(over ? 'Ended. What was decided is kept; you can close this page.' : done[op] && key !== undefined ? key + ' ' + done[op] : op === 'undo' ? 'taken back' : op === 'note' ? 'noted' : '', false);
  draw();
}

function say(text, bad) { at('said').textContent = text; at('said').className = bad ? 'bad' : ''; }

function draw() {
  if (!state) return;
  const { item, standing, role } = state;
  at('title').textContent = state.data + (role === 'second' ? ' · second look' : role === 'adjudicator' ? ' · adjudication' : '');
  at('who').textContent = state.who;
  at('count').textContent = (item ? (standing.at + 1) + ' of ' + standing.items : standing.items + ' of ' + standing.items) + ', ' + standing.decided + ' decided' + (standing.more ? ', ' + standing.more + ' more behind them' : '');
  at('bar').max = standing.items; at('bar').value = standing.at;
  for (const button of document.querySelectorAll('nav button')) {
    const op = button.dataset.op;
    button.disabled = over || (!item && !['undo', 'back', 'finish', 'help'].includes(op)) || (op === 'label' && state.label === null);
  }
  if (!item) {
    const box = make('div');
    box.append(make('h2', over ? 'Ended' : 'That was the last one'), make('p', over ? 'You can close this page.' : 'q ends the sitting, u takes the last decision back.'));
    at('row').replaceChildren(box);
  } else at('row').replaceChildren(heading(item), ...(editing ? [form(item)] : item.columns.map(shown)), list(item), votes(item));
  if (editing) at('row').querySelector('textarea')?.focus(); else at('row').focus({ preventScroll: true });
  if (!editing) scrollTo(0, 0);
}

function heading(item) {
  const node = make('h2', item.key);
  node.append(' ', make('small', 'row ' + item.row + (item.decision ? ' · now ' + done[item.decision] : '') + (item.note ? ' · note: ' + item.note : '')));
  return node;
}

function shown(column) {
  const box = make('div', undefined, 'column'), text = make('p');
  const flagged = state.item.findings.some((finding) => finding.column === column.name);
  if (flagged) box.classList.add('flagged');
  for (const part of column.parts) {
    if (!part.kinds.length) { text.append(part.text); continue; }
    const mark = make('mark', part.text);
    mark.append(make('small', part.kinds.join(', ')));
    text.append(mark);
  }
  if (column.cut) text.append(make('small', ' … (longer than a page shows)'));
  box.append(make('span', column.name), text);
  return box;
}

function form(item) {
  const box = make('form');
  box.id = 'form';
  item.columns.forEach((column, n) => {
    const row = make('div', undefined, 'column'), label = make('label', column.name), area = make('textarea', undefined);
    area.id = label.htmlFor = 'column' + n; area.value = textOf(column); area.dataset.name = column.name; area.disabled = column.cut; area.spellcheck = true;
    area.rows = Math.min(16, Math.max(1, Math.ceil(area.value.length / 90) + area.value.split('\\n').length - 1));
    row.append(label, area); box.append(row);
  });
  const save = make('button', 'Save (Ctrl+Enter)'), stop = make('button', 'Leave it (Esc)');
  save.type = 'submit'; stop.type = 'button'; stop.addEventListener('click', leave);
  box.append(save, ' ', stop);
  box.addEventListener('submit', (event) => { event.preventDefault(); save_(); });
  return box;
}

function save_() {
  const columns = {};
  state.item.columns.forEach((column, n) => { const area = at('column' + n); if (!column.cut && area.value !== textOf(column).replace(/\\r\\n?/g, '\\n')) columns[column.name] = area.value; });
  ask('edit', { columns });
}
function leave() { editing = false; say('', false); draw(); }

function list(item) {
  const box = make('ul');
  box.setAttribute('aria-label', 'why this row waits');
  for (const { kind, severity, column, message } of item.findings) {
    const line = make('li'); line.append(make('strong', kind, severity), (column === null ? '' : ' in ' + column) + (message ? ': ' + message : '')); box.append(line);
  }
  if (!item.findings.length) for (const why of item.why) box.append(make('li', why));
  return box;
}

function votes(item) {
  const box = make('section'); box.id = 'votes';
  for (const vote of item.votes) {
    box.append(make('h3', vote.who + ' ' + done[vote.action] + (vote.note ? ': ' + vote.note : '')));
    for (const [name, text] of vote.changes) {
      const before = item.columns.find((column) => column.name === name), line = make('p');
      line.append(name + ': ', make('del', before ? textOf(before) : ''), ' ', make('ins', text)); box.append(line);
    }
  }
  return box;
}

function open(id, value) { const box = at(id); box.querySelector('input').value = value; box.showModal(); box.querySelector('input').select(); }
let picked = 0;
function offered() { const typed = at('label').value.trim().toLowerCase(); return state.labels.filter((label) => label.toLowerCase().includes(typed)).sort((a, b) => b.toLowerCase().startsWith(typed) - a.toLowerCase().startsWith(typed)).slice(0, 50); }
function offer() {
  const labels = offered(); picked = Math.max(0, Math.min(picked, labels.length - 1));
  at('labels').replaceChildren(...labels.map((label, n) => { const item = make('li', label); item.id = 'option' + n; item.setAttribute('role', 'option'); item.setAttribute('aria-selected', String(n === picked)); item.addEventListener('click', () => { at('label').value = label; pick(); }); return item; }));
  at('label').setAttribute('aria-activedescendant', labels.length ? 'option' + picked : '');
  at('option' + picked)?.scrollIntoView({ block: 'nearest' });
}
function pick() { const typed = at('label').value.trim(), labels = offered(); const label = state.labels.includes(typed) ? typed : labels[picked] ?? typed; at('labeling').close(); if (label) ask('label', { text: label }); }
at('label').addEventListener('input', () => { picked = 0; offer(); });
at('label').addEventListener('keydown', (event) => { if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); picked += event.key === 'ArrowDown' ? 1 : -1; offer(); } });
at('labeling').addEventListener('submit', (event) => { event.preventDefault(); pick(); });
at('noting').addEventListener('submit', (event) => { event.preventDefault(); at('noting').close(); ask('note', { text: at('note').value }); });

const acts = {
  accept: () => ask('accept'), reject: () => ask('reject'), skip: () => ask('skip'), back: () => ask('back'), undo: () => ask('undo'), finish: () => ask('finish'),
  edit: () => { editing = true; draw(); }, label: () => { open('labeling', ''); picked = 0; offer(); }, note: () => open('noting', state.item.note), help: () => at('help').showModal(),
};
const keys = { a: 'accept', e: 'edit', r: 'reject', l: 'label', n: 'note', s: 'skip', b: 'back', u: 'undo', q: 'finish', '?': 'help' };
const act = (op) => { const button = document.querySelector('nav button[data-op=' + op + ']'); if (button && !button.disabled && !busy) acts[op](); };
for (const button of document.querySelectorAll('nav button')) button.addEventListener('click', () => act(button.dataset.op));
document.addEventListener('keydown', (event) => {
  if (document.querySelector('dialog[open]')) return;
  if (editing) { if (event.key === 'Escape') leave(); else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save_(); } return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const op = keys[event.key.toLowerCase()];
  if (op) { event.preventDefault(); act(op); }
});
ask('look');
`;
