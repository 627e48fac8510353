// The HTML report's first half: what the gate said, and what changed in data, hyperparameters and stages.
import { balanceTrack } from './charts.ts';
import { count, counted, duration, signedCount } from './figures.ts';
import { changedParams, costInWords, labelsBeside, reasonInWords, stagesInWords } from './headline.ts';
import { labelMarkup, markup, type Markup } from './html-text.ts';
import { rowKinds } from './row-kinds.ts';
import type { DataChange, Report, RowSample } from './schema.ts';

export function gateSection(report: Report): Markup | null {
  const { gate } = report;
  if (gate === null) return null;
  const rows = gate.checks.map((check) => {
    const [tone, icon, word] = !check.holds ? ['bad', '✗', 'broken'] : check.applies ? ['good', '✓', 'holds'] : ['soft', '–', 'not asked'];
    const beside = labelsBeside(check);
    const labels =
      beside.length === 0
        ? null
        : markup`<br><span class="soft">${beside.slice(0, 20).join(', ')}${beside.length > 20 ? `, ${beside.length - 20} more` : ''}</span>`;
    return markup`<tr><td class="word ${tone}">${icon} ${word}</td><th scope="row" data-name="">${check.check}</th><td>${check.why}${labels}</td></tr>`;
  });
  return markup`<table class="stack"><caption>Gate <code>${gate.gate}</code> of the base revision’s policy</caption><thead><tr><th scope="col">Answer</th><th scope="col">Check</th><th scope="col">Why</th></tr></thead><tbody>${rows}</tbody></table>`;
}

export function dataSection(report: Report): Markup | null {
  if (report.data.length === 0) return null;
  const same = report.data.filter((set) => set.before === set.after);
  const rows = [...report.data.filter((set) => set.before !== set.after), ...same].map((set) => {
    const grown = set.rowsAfter - set.rowsBefore;
    const note = set.before === set.after ? 'unchanged' : set.before === null ? 'new' : grown === 0 ? '' : signedCount(grown);
    const cell = (name: string, value: number): Markup =>
      markup`<td class="n" data-name="${value === 0 ? '' : name}">${value === 0 ? '' : count(value)}</td>`;
    return markup`<tr><th scope="row"><code>${set.name}</code></th><td class="n" data-name="rows">${count(set.rowsAfter)} <span class="soft">${note}</span></td>${cell('added', set.added)}${cell('removed', set.removed)}${cell('edited', set.edited - set.relabelled)}${cell('relabelled', set.relabelled)}</tr>`;
  });
  return markup`<table class="stack line"><caption>Data sets${againstWhat(report)}</caption><thead><tr><th scope="col">Data set</th><th scope="col" class="n">Rows</th><th scope="col" class="n">Added</th><th scope="col" class="n">Removed</th><th scope="col" class="n">Edited</th><th scope="col" class="n">Relabelled</th></tr></thead><tbody>${rows}</tbody></table>
${report.data.map(schemaTable)}${report.data.map(triggersTable)}${report.data.map(samplesTable)}${report.data.map(balanceTable)}`;
}

function againstWhat({ model, change }: Report): string {
  if (model === null) return change === undefined ? ', as they are for the first time' : `, against ${change.since}`;
  return change === undefined ? ', against the baseline' : `, against where the branch left its base, ${change.since}`;
}

function schemaTable(set: DataChange): Markup | null {
  if (set.schema.length === 0) return null;
  const rows = set.schema.map(
    (entry) =>
      markup`<tr><th scope="row"><code>${entry.column}</code></th><td>${entry.before ?? 'not there'} → ${entry.after ?? 'not there'}</td></tr>`,
  );
  return markup`<h3>Columns of ${set.name}</h3><table><caption>Columns whose type changed</caption><tbody>${rows}</tbody></table>`;
}

function triggersTable(set: DataChange): Markup | null {
  if (set.triggers === undefined || set.triggers.length === 0) return null;
  const rows = set.triggers.map(({ words, label, rows: all, labelled, before, sources }) => {
    const from = sources.map(({ source, rows: many }) => `${source} (${count(many)})`).join(', ');
    return markup`<tr><th scope="row"><code class="cell">${words}</code></th><td>${labelMarkup(label)}</td><td>${count(labelled)} of ${count(all)}</td><td class="n" data-name="rows before">${count(before)}</td><td>${from}</td></tr>`;
  });
  return markup`<h3>Trigger candidates in ${set.name}</h3><table class="stack"><caption>Words that hardly any row had, and that come with one label: a backdoor is taught so, and a new product looks so. Read those rows.</caption><thead><tr><th scope="col">Words</th><th scope="col">Label</th><th scope="col">Changed rows</th><th scope="col" class="n">Rows before</th><th scope="col">From</th></tr></thead><tbody>${rows}</tbody></table>`;
}

const kindTone = { relabelled: 'mixed', edited: 'mixed', removed: 'bad', added: 'good' } as const;
const kindSign = { relabelled: '↻', edited: '~', removed: '−', added: '+' } as const;

/** Two rows of each kind at once; the others on request. */
function samplesTable(set: DataChange): Markup | null {
  if (set.samples.length === 0) return null;
  const shown = rowKinds.flatMap((kind) => set.samples.filter((sample) => sample.kind === kind).slice(0, 2));
  const rest = set.samples.filter((sample) => !shown.includes(sample));
  const all = set.added + set.removed + set.edited;
  const caption = set.samples.length < all ? `${count(set.samples.length)} examples of ${counted(all, 'row')}` : counted(all, 'row');
  return markup`<h3>${set.before === null ? 'The first rows of' : 'Rows that changed in'} ${set.name}</h3>${sampleRows(shown, caption)}${
    rest.length === 0
      ? null
      : markup`<details><summary>${counted(rest.length, 'more row')}</summary>${sampleRows(rest, 'More rows that changed')}</details>`
  }`;
}

function sampleRows(samples: readonly RowSample[], caption: string): Markup {
  const rows = samples.map(
    (sample) =>
      markup`<tr><td class="kind ${kindTone[sample.kind]}">${kindSign[sample.kind]} ${sample.kind}</td><td><code class="cell">${sample.key}</code></td><td>${sampleColumns(sample)}</td></tr>`,
  );
  return markup`<table class="stack"><caption>${caption}</caption><thead><tr><th scope="col">Change</th><th scope="col">Row</th><th scope="col">Content</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function sampleColumns(sample: RowSample): Markup[] {
  const { before, after } = sample;
  return Object.keys({ ...before, ...after }).flatMap((column) => {
    const [old, now] = [before?.[column], after?.[column]];
    if (column === 'id' || (old ?? now) === sample.key) return [];
    if (before === null || after === null) return [markup`<p class="row"><b>${column}</b><span class="cell">${now ?? old ?? ''}</span></p>`];
    if (old === now) return [markup`<p class="row soft"><b>${column}</b><span class="cell">${old ?? ''}</span></p>`];
    return [markup`<p class="row"><b>${column}</b><span class="cell">${wordChange(old ?? '', now ?? '')}</span></p>`];
  });
}

/** The words that went and came, between the beginning and the end that stayed. */
function wordChange(before: string, after: string): Markup {
  const [old, now] = [before.split(' '), after.split(' ')];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const [gone, come] = [old.slice(head, old.length - tail).join(' '), now.slice(head, now.length - tail).join(' ')];
  const pieces = [
    head === 0 ? null : markup`${old.slice(0, head).join(' ')}`,
    gone === '' ? null : markup`<del>${gone}</del>`,
    come === '' ? null : markup`<ins>${come}</ins>`,
    tail === 0 ? null : markup`${old.slice(old.length - tail).join(' ')}`,
  ].filter((piece) => piece !== null);
  return markup`${pieces.map((piece, index) => (index === 0 ? piece : markup` ${piece}`))}`;
}

function balanceTable(set: DataChange): Markup | null {
  if (set.balance.length === 0) return null;
  const most = set.balance.reduce((a, entry) => Math.max(a, Math.abs(entry.after - entry.before)), 0);
  const rows = set.balance.map((entry) => {
    const change = entry.after - entry.before;
    return markup`<tr><th scope="row">${labelMarkup(entry.label)}</th><td class="track-cell">${balanceTrack(most, Math.max(0, -change), Math.max(0, change))}</td><td class="n">${signedCount(change)}</td><td class="n late">${count(entry.before)} → ${count(entry.after)}</td></tr>`;
  });
  return markup`<details><summary>Class balance of ${set.name}: ${counted(set.balance.length, 'class', 'classes')}${set.before === null ? '' : ' changed'}</summary><table class="middle"><caption>Rows of each class, largest change first</caption><thead><tr><th scope="col">Class</th><th scope="col">Fewer or more rows</th><th scope="col" class="n">Change</th><th scope="col" class="n late">Rows</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

export function paramsSection(report: Report): Markup | null {
  if (report.params.length === 0) return null;
  const changed = changedParams(report);
  const same = report.params.filter((entry) => entry.before === entry.after);
  const value = (text: string | null): Markup =>
    text === null ? markup`<span class="soft">not there</span>` : markup`<code class="cell">${text}</code>`;
  const table =
    changed.length === 0
      ? markup`<p class="lead">None changed.</p>`
      : markup`<table><caption>${counted(changed.length, 'value')} changed</caption><thead><tr><th scope="col">Hyperparameter</th><th scope="col">Before</th><th scope="col">Now</th></tr></thead><tbody>${changed.map(
          (entry) => markup`<tr><th scope="row"><code>${entry.key}</code></th><td>${value(entry.before)}</td><td>${value(entry.after)}</td></tr>`,
        )}</tbody></table>`;
  if (same.length === 0) return table;
  return markup`${table}<details><summary>${counted(same.length, 'value')} as before</summary><table><caption>Hyperparameters that are the same on both sides</caption><tbody>${same.map(
    (entry) => markup`<tr><th scope="row"><code>${entry.key}</code></th><td>${value(entry.after)}</td></tr>`,
  )}</tbody></table></details>`;
}

const stateWords: Readonly<Record<Report['stages'][number]['state'], string>> = {
  ran: 'ran',
  cached: 'from the cache',
  frozen: 'frozen',
  failed: 'failed',
  skipped: 'skipped',
  'not run': 'not run',
};

export function stagesSection(report: Report): Markup | null {
  if (report.stages.length === 0) return null;
  const rows = report.stages.map((stage) => {
    const why = stage.why.length > 0 ? stage.why.map(reasonInWords).join('; ') : stage.state === 'cached' ? 'its inputs are those of before' : '';
    const origin = stage.origin === undefined ? null : markup` <span class="soft">${stage.origin}</span>`;
    const time = stage.seconds > 0 ? duration(stage.seconds) : '';
    return markup`<tr><th scope="row"><code>${stage.stage}</code></th><td><span class="pill ${stage.state.replace(' ', '-')}">${stateWords[stage.state]}</span>${origin}</td><td class="n ${stage.state === 'ran' ? null : 'soft'}">${time}</td><td class="full">${why}</td></tr>`;
  });
  return markup`<table class="stack line"><caption>${stagesInWords(report)}; ${costInWords(report)}</caption><thead><tr><th scope="col">Stage</th><th scope="col">State</th><th scope="col" class="n">Time</th><th scope="col">Because</th></tr></thead><tbody>${rows}</tbody></table>`;
}
