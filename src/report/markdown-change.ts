// The half of a comment that says what went into the model, and what of it is another than before.
import { count, counted, duration, signedCount } from './figures.ts';
import { changedParams, reasonInWords } from './headline.ts';
import { escapeHtml } from './html-text.ts';
import { folded, plain, ranks } from './markdown-section.ts';
import { code, prose } from './markdown-text.ts';
import type { Section } from './page.ts';
import type { DataChange, Report, RowSample, ValidationPart } from './schema.ts';

export function data(report: Report): Section | null {
  const changed = report.data.filter((set) => set.before !== set.after);
  const same = report.data.length - changed.length;
  if (report.data.length === 0) return null;
  const rank = ranks.data;
  if (changed.length === 0) return { ...plain, rank, rows: [], head: `\n### Data\n\nUnchanged (${counted(same, 'data set')}).\n` };
  return {
    ...plain,
    rank,
    noun: ['data set', 'data sets'],
    head: '\n### Data\n\n| data set | rows | added | removed | edited | relabelled | |\n| --- | --: | --: | --: | --: | --: | --- |\n',
    rows: changed.map((set) => {
      const grown = set.rowsAfter - set.rowsBefore;
      const rows = set.before === null ? `${count(set.rowsAfter)} (new)` : `${count(set.rowsAfter)}${grown === 0 ? '' : ` (${signedCount(grown)})`}`;
      const counts = [set.added, set.removed, set.edited - set.relabelled, set.relabelled].map((value) => (value === 0 ? '' : count(value)));
      return `| ${code(set.name)} | ${rows} | ${counts.join(' | ')} | ${set.after === null ? 'gone' : schemaChanges(set)} |\n`;
    }),
    tail: same === 0 ? '' : `\n${counted(same, 'more data set', 'more data sets')} unchanged.\n`,
  };
}

/** A warning for whoever reads the rows, no verdict: a product that is new looks the same. */
export function triggers(set: DataChange): Section | null {
  if (set.triggers === undefined || set.triggers.length === 0) return null;
  const rows = set.triggers.map(({ words, label, rows: all, labelled, before, sources }) => {
    const from = sources.length === 0 ? '' : `; from ${sources.map(({ source, rows: many }) => `${code(source, 60)} (${count(many)})`).join(', ')}`;
    return `| ${code(words, 80)} | ${code(label, 60)} | ${count(labelled)} of ${count(all)}${from} | ${count(before)} |\n`;
  });
  return {
    ...plain,
    rank: ranks.validation,
    noun: ['phrase', 'phrases'],
    head: `\n⚠ **Trigger candidates in ${code(set.name, 60)}**: words that hardly any row had, and that come with one label. Read those rows: a backdoor is taught so.\n\n| words | label | changed rows | rows before |\n| --- | --- | --- | --: |\n`,
    rows,
  };
}

function schemaChanges(set: DataChange): string {
  const schema = set.schema.slice(0, 5).map((entry) => `${code(entry.column, 40)} ${prose(entry.before ?? 'new')} → ${prose(entry.after ?? 'gone')}`);
  return schema.length === 0 ? '' : `schema: ${schema.join(', ')}`;
}

/** Rules that hold are one line; those that do not are what the reviewer came for. */
export function validation(report: Report): Section | null {
  const parts = report.validation ?? [];
  if (parts.length === 0) return null;
  const hold = parts
    .filter((part) => part.state === 'holds' && part.checks.length === 0)
    .map((part) => `${code(part.dataset, 60)} by ${code(part.rules, 80)}`);
  const more = hold.length > 5 ? ` and ${hold.length - 5} more` : '';
  const fine = hold.length === 0 ? '' : `\nRules hold: ${hold.slice(0, 5).join(', ')}${more}.\n`;
  const unseen = parts
    .filter((part) => part.state === 'not looked at')
    .slice(0, 5)
    .map((part) => `\n⚠ ${code(part.dataset, 60)} was not looked at: ${prose(part.note ?? '', 200)}\n`);
  const rows = parts.flatMap((part) => part.checks.map((check) => checkLine(part, check)));
  const table = '| | data set | rule | failing rows | for example |\n| :-: | --- | --- | --: | --- |\n';
  return {
    ...plain,
    rank: ranks.validation,
    noun: ['broken rule', 'broken rules'],
    head: `\n### Validation\n${rows.length === 0 ? '' : `\n${table}`}`,
    rows,
    tail: `${fine}${unseen.join('')}`,
  };
}

function checkLine(part: ValidationPart, check: ValidationPart['checks'][number]): string {
  const rule = check.rule === 0 ? prose(check.what) : `${prose(`rule ${check.rule}:`)} ${prose(check.what)}`;
  const examples = check.rows.slice(0, 3).map((row) => `${code(row.key, 40)}: ${code(row.value, 100)}`);
  const failing = check.failing === 0 ? '' : `${count(check.failing)} of ${count(part.rows)}`;
  return `| ${check.severity === 'error' ? '⛔' : '⚠'} | ${code(part.dataset, 60)} | ${rule} | ${failing} | ${examples.join('<br>')} |\n`;
}

export function params(report: Report): Section | null {
  const changed = changedParams(report);
  if (report.params.length === 0) return null;
  const same = report.params.length - changed.length;
  const rank = ranks.params;
  if (changed.length === 0) return { ...plain, rank, rows: [], head: `\n### Hyperparameters\n\nUnchanged (${counted(same, 'value')}).\n` };
  return {
    ...plain,
    rank,
    noun: ['hyperparameter', 'hyperparameters'],
    head: `\n### Hyperparameters\n\n${counted(changed.length, 'value')} changed, ${count(same)} as before.\n\n| hyperparameter | before | after |\n| --- | --- | --- |\n`,
    rows: changed.map((entry) => `| ${code(entry.key)} | ${orDash(entry.before)} | ${orDash(entry.after)} |\n`),
  };
}

function orDash(text: string | null): string {
  return text === null ? '–' : code(text, 80);
}

const stateWords = {
  ran: 'ran',
  cached: 'from the cache',
  frozen: 'frozen',
  failed: '⛔ failed',
  skipped: 'skipped',
  'not run': '⚠ not run',
} as const;

/** A line for each stage that is another than before; those that are not only take a name each. */
export function stages(report: Report): Section | null {
  if (report.stages.length === 0) return null;
  const changed = report.stages.filter((stage) => stage.why.length > 0 || stage.state === 'ran');
  const same = report.stages.filter((stage) => !changed.includes(stage));
  const names = same.slice(0, 20).map((stage) => code(stage.stage, 60));
  const more = same.length > 20 ? ` and ${same.length - 20} more` : '';
  const unchanged = same.length === 0 ? '' : `\nFrom the cache, with the inputs of before: ${names.join(', ')}${more}.\n`;
  const table = '| stage | | time | because |\n| --- | --- | --: | --- |\n';
  return {
    ...plain,
    rank: ranks.stages,
    noun: ['stage', 'stages'],
    head: `\n### What ran, and why\n${changed.length === 0 ? '' : `\n${table}`}`,
    rows: changed.map((stage) => {
      const time = stage.seconds > 0 ? duration(stage.seconds) : '';
      const origin = stage.state === 'cached' && stage.origin !== undefined ? `: ${prose(stage.origin, 80)}` : '';
      return `| ${code(stage.stage)} | ${stateWords[stage.state]}${origin} | ${time} | ${stage.why.map((why) => prose(reasonInWords(why), 160)).join('; ')} |\n`;
    }),
    tail: unchanged,
  };
}

export function changedRows(set: DataChange): Section | null {
  if (set.samples.length === 0) return null;
  return folded(`<b>${set.before === null ? 'The first rows of' : 'Rows that changed in'} <code>${escapeHtml(set.name)}</code></b>`, {
    rank: ranks.rows,
    first: 5,
    noun: ['row', 'rows'],
    head: '| | row | |\n| --- | --- | --- |\n',
    rows: set.samples.map((sample) => `| ${sample.kind} | ${code(sample.key, 40)} | ${sampleCells(sample)} |\n`),
  });
}

/** 'label: before → after' for an edit, with the longest of what stayed beside it: a label alone says nothing. 'label: value' for a row that came or went. */
function sampleCells(sample: RowSample): string {
  const { before, after, key } = sample;
  const columns = Object.keys({ ...before, ...after });
  const line = (column: string, value: string): string => `${code(column, 40)}: ${value}`;
  if (before === null || after === null) {
    const row = before ?? after ?? {};
    return columns.flatMap((column) => (row[column] === key ? [] : [line(column, code(row[column] ?? '', 160))])).join('<br>');
  }
  const orNone = (value: string | undefined): string => (value === undefined ? '–' : code(value, 160));
  const changed = columns.filter((column) => before[column] !== after[column]);
  const [context] = columns
    .filter((column) => !changed.includes(column) && after[column] !== key)
    .toSorted((a, b) => (after[b] ?? '').length - (after[a] ?? '').length);
  return [
    ...changed.map((column) => line(column, `${orNone(before[column])} → ${orNone(after[column])}`)),
    ...(context === undefined ? [] : [line(context, code(after[context] ?? '', 160))]),
  ].join('<br>');
}

export function balance(set: DataChange): Section | null {
  if (set.balance.length === 0) return null;
  return folded(
    `<b>Class balance of <code>${escapeHtml(set.name)}</code>: ${counted(set.balance.length, 'class', 'classes')}${set.before === null ? '' : ' changed'}</b>`,
    {
      rank: ranks.rows,
      first: 5,
      noun: ['class', 'classes'],
      head: '| class | rows before | now | change |\n| --- | --: | --: | --: |\n',
      rows: set.balance.map(
        (entry) => `| ${code(entry.label, 80)} | ${count(entry.before)} | ${count(entry.after)} | ${signedCount(entry.after - entry.before)} |\n`,
      ),
    },
  );
}
