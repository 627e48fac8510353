// What checks found in the data, in the HTML report.
import { driftTable } from './drift-page.ts';
import { driftFigure } from './drift-plot.ts';
import { count, counted } from './figures.ts';
import { broughtInWords, checkWords, names, severityWords, stateWords } from './findings-words.ts';
import { markup, type Markup } from './html-text.ts';
import type { DriftPart, FindingsPart, Report } from './schema.ts';

export function findingsSection({ findings = [] }: Report): Markup | null {
  if (findings.length === 0) return null;
  const rows = findings.map((part) => {
    const [tone, word] = stateWords[part.state];
    const found = [
      ...(part.note === undefined ? [] : [part.note]),
      ...part.kinds.map(({ kind, rows: many }) => `${kind}: ${count(many)}`).slice(0, 6),
    ];
    const more = part.kinds.length > 6 ? ` and ${counted(part.kinds.length - 6, 'more kind')}` : '';
    return markup`<tr><td class="word ${tone}">${word}</td><th scope="row">${checkWords[part.check]}</th><td><code class="cell">${part.dataset}</code></td><td class="n" data-name="rows">${part.rows === 0 ? '' : count(part.rows)}</td><td class="n" data-name="flagged">${part.flagged === 0 ? '' : count(part.flagged)}</td><td>${found.join('; ')}${more}</td></tr>`;
  });
  return markup`<table class="stack line"><caption>What was looked for, and found. Values are never shown: kinds, rows and places.</caption><thead><tr><th scope="col">Answer</th><th scope="col">Check</th><th scope="col">Data</th><th scope="col" class="n">Rows</th><th scope="col" class="n">Flagged</th><th scope="col">Found</th></tr></thead><tbody>${rows}</tbody></table>${findings.map(kindsTable)}`;
}

function kindsTable(part: FindingsPart): Markup | null {
  if (part.kinds.length === 0 && part.notes.length === 0) return null;
  const rows = part.kinds.map(({ kind, severity, column, rows: many, brought, sample }) => {
    const [tone, word] = severityWords[severity];
    const examples = sample.map(({ key, message, other }) => {
      const beside = other === undefined || names(message, other.key) ? null : markup` <span class="soft">${other.data}, ${other.key}</span>`;
      return markup`<p class="row"><b>${key}</b><span class="cell">${message}</span>${beside}</p>`;
    });
    const where = column === null ? null : markup` <code class="cell">${column}</code>`;
    return markup`<tr><td class="word ${tone}">${word}</td><th scope="row"><span class="cell">${kind}</span>${where}</th><td class="n" data-name="rows">${count(many)}${broughtInWords({ rows: many, brought })}</td><td>${examples}</td></tr>`;
  });
  const notes = part.notes.map((note) => markup`<p class="row soft">${note}</p>`);
  const table =
    rows.length === 0
      ? null
      : markup`<table class="stack"><thead><tr><th scope="col">Severity</th><th scope="col">Kind</th><th scope="col" class="n">Rows</th><th scope="col">For example</th></tr></thead><tbody>${rows}</tbody></table>`;
  return markup`<details${part.state === 'broken' ? openMark : null}><summary>${checkWords[part.check]} in ${part.dataset}</summary>${table}${notes}</details>`;
}

const openMark = markup` open`;

export function driftSection({ drift = [] }: Report): Markup | null {
  return drift.length === 0 ? null : markup`${drift.map(driftOf)}`;
}

function driftOf(part: DriftPart): Markup {
  const [tone, word] =
    part.state === 'same'
      ? ['good', '✓ as before']
      : part.state === 'drifted'
        ? [part.severity === 'error' ? 'bad' : 'mixed', `${counted(part.columns.length, 'column')} drifted`]
        : ['mixed', '! not looked at'];
  const head = markup`<p><span class="word ${tone}">${word}</span> <code class="cell">${part.dataset}</code> <span class="soft">against ${part.against.join(', ')}; ${part.note ?? counted(part.compared, 'column')}</span></p>`;
  if (part.columns.length === 0) return head;
  const figures = part.columns.flatMap((column) => driftFigure(column) ?? []);
  const table = markup`${head}${driftTable(part.columns, part)}`;
  if (figures.length === 0) return table;
  return markup`${table}<p class="lead">Bars are the rows of now, the line or the mark those of before.</p><div class="plots">${figures}</div>`;
}
