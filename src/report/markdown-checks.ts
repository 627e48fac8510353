// What checks found in the data, in a comment.
import { comeInWords, plotInBars, reasonsOf } from './drift-words.ts';
import { count, counted } from './figures.ts';
import { broughtInWords, checkWords, names } from './findings-words.ts';
import { plain, ranks } from './markdown-section.ts';
import { code, prose } from './markdown-text.ts';
import type { Section } from './page.ts';
import type { DriftPart, FindingsPart, Report } from './schema.ts';

const icons = { error: '⛔', warning: '⚠', info: '·' } as const;

/** What was found is a line a kind, worst first, and of these first what the branch brings; what holds is one line for all. */
export function findings({ findings: parts = [] }: Report): Section | null {
  if (parts.length === 0) return null;
  const lines = parts.flatMap((part) => part.kinds.map((kind) => ({ severity: kind.severity, old: kind.brought === 0, text: kindLine(part, kind) })));
  const rows = (['error', 'warning', 'info'] as const).flatMap((severity) =>
    lines
      .filter((line) => line.severity === severity)
      .toSorted((a, b) => Number(a.old) - Number(b.old))
      .map(({ text }) => text),
  );
  const clean = parts
    .filter(({ state, kinds }) => state === 'holds' && kinds.length === 0)
    .map((part) => `${checkWords[part.check]} in ${code(part.dataset, 60)}`);
  const more = clean.length > 8 ? ` and ${clean.length - 8} more` : '';
  const fine = clean.length === 0 ? '' : `\nNothing found: ${clean.slice(0, 8).join(', ')}${more}.\n`;
  const told = parts
    .filter(({ note }) => note !== undefined)
    .slice(0, 5)
    .map(
      (part) => `\n${part.state === 'broken' ? '⛔' : '⚠'} ${code(part.dataset, 60)}, ${checkWords[part.check]}: ${prose(part.note ?? '', 200)}\n`,
    );
  const notes = [...new Set(parts.flatMap((part) => part.notes))].slice(0, 3).map((note) => `\n${prose(note, 200)}\n`);
  const table = '| | data | found | rows | for example |\n| :-: | --- | --- | --: | --- |\n';
  return {
    ...plain,
    rank: ranks.findings,
    noun: ['finding', 'findings'],
    head: `\n### Checks of the data\n${rows.length === 0 ? '' : `\n${table}`}`,
    rows,
    tail: `${fine}${told.join('')}${notes.join('')}`,
  };
}

function kindLine(part: FindingsPart, { kind, severity, column, rows, brought, sample }: FindingsPart['kinds'][number]): string {
  const where = column === null ? '' : ` in ${code(column, 40)}`;
  const examples = sample.slice(0, 3).map(({ key, message, other }) => {
    const beside = other === undefined || names(message, other.key) ? '' : `, ${code(`${other.data} ${other.key}`, 60)}`;
    return `${code(key, 40)}: ${prose(message, 120)}${beside}`;
  });
  return `| ${icons[severity]} | ${code(part.dataset, 60)} | ${checkWords[part.check]}: ${code(kind, 60)}${where} | ${count(rows)}${broughtInWords({ rows, brought })} | ${examples.join('<br>')} |\n`;
}

export function drift({ drift: parts = [] }: Report): Section[] {
  const same = parts.filter(({ state }) => state === 'same');
  const drifted = parts.filter(({ state }) => state !== 'same');
  const quiet = same
    .slice(0, 5)
    .map((part) => `${code(part.dataset, 60)} against ${code(part.against.join(', '), 80)} (${counted(part.compared, 'column')})`);
  return [
    ...drifted.map(driftSection),
    ...(quiet.length === 0
      ? []
      : [
          {
            ...plain,
            rank: ranks.drift,
            rows: [],
            head: `\n### No drift\n\n${quiet.join(', ')}${same.length > 5 ? ` and ${same.length - 5} more` : ''}.\n`,
          },
        ]),
  ];
}

function driftSection(part: DriftPart): Section {
  const title = `\n### Drift of ${code(part.dataset, 60)} against ${code(part.against.join(', '), 80)}\n`;
  if (part.note !== undefined) return { ...plain, rank: ranks.drift, rows: [], head: `${title}\n⚠ Not looked at: ${prose(part.note, 200)}\n` };
  const same = part.compared - part.columns.length;
  const rows = part.columns.map((column) => {
    const reasons = reasonsOf(column, part.rows).map((reason) => prose(reason, 160));
    const came = comeInWords(column, 4);
    const bars = column.plot === undefined ? null : plotInBars(column.plot);
    const cell = bars === null ? '' : `${code(bars.before, 40)}<br>${code(bars.after, 40)}`;
    return `| ${part.severity === 'error' ? '⛔' : '⚠'} | ${code(column.column, 60)}${column.label ? ' (label)' : ''} | ${[...reasons, ...(came === null ? [] : [prose(came, 200)])].join('<br>')} | ${cell} |\n`;
  });
  return {
    ...plain,
    rank: ranks.drift,
    noun: ['column', 'columns'],
    head: `${title}\n| | column | drift | before, now |\n| :-: | --- | --- | --- |\n`,
    rows,
    tail: same === 0 ? '' : `\n${counted(same, 'column')} as before.\n`,
  };
}
