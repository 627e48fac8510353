// A data diff for people: on a terminal, and in a pull request. Cells are hostile: they are shown, never obeyed.
import { formatBytes } from '../base/progress.ts';
import type { DataDiff, DataSetDiff, FilesDiff } from '../datasets/diff.ts';
import type { RowSample, RowsDiff } from '../datasets/row-diff.ts';
import { count, counted } from '../evaluate/words.ts';
import { code } from '../report/markdown-text.ts';
import { cut, visible } from '../report/visible.ts';
import type { Paint } from './command.ts';

export interface Sides {
  readonly before: string;
  readonly after: string;
}

const cellWidth = 100;
const mostClasses = 12;
const mostColumns = 12;

/** One block a data set, examples below the counts. */
export function renderDiffText(diff: DataDiff, sides: Sides, paint: Paint): string {
  const title = `${visible(sides.before)} → ${visible(sides.after)}`;
  if (diff.datasets.length === 0) return `${title}: no data set changed`;
  const blocks = diff.datasets.map((set) => {
    const lines = [`${paint.bold(set.name)}  ${visible(pathOf(set))}  ${headline(set)}`];
    if (set.rows !== null)
      lines.push(...factsOf(set.rows).map((fact) => `  ${visible(fact)}`), ...set.rows.samples.map((sample) => `  ${sampleText(sample, paint)}`));
    if (set.files !== null) lines.push(...set.files.samples.map((file) => `  ${sign(file.kind, paint)} ${visible(file.path)}`));
    return lines.join('\n');
  });
  return [title, ...blocks].join('\n\n');
}

function pathOf(set: DataSetDiff): string {
  return set.after?.path ?? set.before?.path ?? '';
}

/** What happened, in one sentence. */
function headline(set: DataSetDiff): string {
  const version = set.after ?? set.before;
  const many = version?.count ?? null;
  const size = `${many === null ? '' : `${counted(many, version?.format === 'files' ? 'file' : 'row')}, `}${formatBytes(version?.bytes ?? 0)}`;
  if (set.change === 'added') return `new data set: ${size}`;
  if (set.change === 'removed') return `data set removed: ${size}`;
  if (set.change === 'replaced') return `${set.before?.format ?? ''} became ${set.after?.format ?? ''}: ${size}`;
  return set.rows !== null ? rowsSentence(set.rows) : set.files !== null ? filesSentence(set.files) : 'changed';
}

function rowsSentence(rows: RowsDiff): string {
  const edited = rows.edited - rows.relabelled;
  const parts = kindsInWords([
    [rows.added, 'added'],
    [rows.removed, 'removed'],
    [edited, 'edited'],
    [rows.relabelled, 'relabelled'],
  ]);
  const total = rows.rowsBefore === rows.rowsAfter ? counted(rows.rowsAfter, 'row') : `${count(rows.rowsBefore)} → ${counted(rows.rowsAfter, 'row')}`;
  if (parts !== '') return `${total}: ${parts}`;
  return `${total}: all the same, ${rows.reordered ? 'in another order' : 'written in another way'}`;
}

function filesSentence(files: FilesDiff): string {
  const parts = kindsInWords([
    [files.added, 'added'],
    [files.removed, 'removed'],
    [files.edited, 'edited'],
  ]);
  return `${count(files.filesBefore)} → ${counted(files.filesAfter, 'file')}: ${parts}`;
}

function kindsInWords(counts: readonly (readonly [number, string])[]): string {
  return counts
    .filter(([many]) => many > 0)
    .map(([many, word]) => `${count(many)} ${word}`)
    .join(', ');
}

/** Lines below the headline: columns, schema, classes, how rows were matched. */
function factsOf(rows: RowsDiff): string[] {
  const facts: string[] = [];
  if (rows.note !== null) facts.push(`compared by content, not by key: ${rows.note}`);
  if (rows.columns.length > 0) {
    facts.push(
      `changed columns${rows.columnsComplete ? '' : ' (in the first edited rows)'}: ${some(
        rows.columns.map(({ column, rows: many }) => `${column} (${count(many)})`),
        mostColumns,
      )}`,
    );
  }
  if (rows.schema.length > 0) {
    facts.push(
      `schema: ${some(
        rows.schema.map(({ column, before, after }) =>
          before === null ? `+${column} ${after ?? ''}` : after === null ? `-${column} ${before}` : `${column} ${before} → ${after}`,
        ),
        mostColumns,
      )}`,
    );
  }
  if (rows.balance !== null && rows.balance.length > 0) {
    facts.push(
      `classes: ${some(
        rows.balance.map(({ label, before, after }) => `${cut(label, 60)} ${count(before)} → ${count(after)}`),
        mostClasses,
      )}`,
    );
  }
  return facts;
}

function some(items: readonly string[], most: number): string {
  return items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')}, and ${items.length - most} more`;
}

function sign(kind: RowSample['kind'], paint: Paint): string {
  if (kind === 'added') return paint.green('+');
  return kind === 'removed' ? paint.red('-') : paint.yellow(kind === 'edited' ? '~' : '#');
}

/** Text is quoted; numbers and lists are what they are. */
function cell(text: string | undefined): string {
  if (text === undefined) return 'none';
  const shown = cut(visible(text), cellWidth);
  return isNoText(text) ? shown : `"${shown}"`;
}

function isNoText(text: string): boolean {
  return /^(-?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null)$/i.test(text) || /^(\{".*\}|\[.*\])$/s.test(text) || text === '{}';
}

function sampleText(sample: RowSample, paint: Paint): string {
  const start = `${sign(sample.kind, paint)} ${cut(visible(sample.key), 60)}`;
  if (sample.before !== null && sample.after !== null) {
    const { before, after } = sample;
    const context = Object.keys(after)
      .filter((name) => !sample.columns.includes(name))
      .slice(0, 2);
    const changes = sample.columns
      .slice(0, mostColumns)
      .map((name) => `${visible(name)}: ${paint.red(cell(before[name]))} → ${paint.green(cell(after[name]))}`);
    const rest = context.filter((name) => after[name] !== sample.key).map((name) => paint.dim(`${visible(name)}: ${cell(after[name])}`));
    return `${start}  ${[...changes, ...rest].join('  ')}`;
  }
  const cells = Object.entries(sample.before ?? sample.after ?? {}).filter(([, text]) => text !== sample.key);
  return `${start}  ${cells
    .slice(0, mostColumns)
    .map(([name, text]) => `${visible(name)}: ${cell(text)}`)
    .join('  ')}`;
}

const mostMarkdown = 50_000;

/** The same for a pull request: cells in code spans, cut to stay below what a forge takes. */
export function renderDiffMarkdown(diff: DataDiff, sides: Sides): string {
  const title = `### Data: ${code(sides.before)} to ${code(sides.after)}`;
  if (diff.datasets.length === 0) return `${title}\n\nNo data set changed.`;
  let text = title;
  for (const [at, set] of diff.datasets.entries()) {
    const block = `\n\n${markdownBlock(set)}`;
    if (text.length + block.length > mostMarkdown) return `${text}\n\n${diff.datasets.length - at} more data sets changed.`;
    text += block;
  }
  return text;
}

function markdownBlock(set: DataSetDiff): string {
  const lines = [`**${code(set.name)}** ${code(pathOf(set))}: ${headline(set)}`];
  const facts = set.rows === null ? [] : factsOf(set.rows);
  if (facts.length > 0) lines.push('', ...facts.map((fact) => `- ${code(fact, 1000)}`));
  const samples = set.rows?.samples ?? [];
  if (samples.length > 0) lines.push('', '| | row | before | after |', '| --- | --- | --- | --- |', ...samples.slice(0, 40).map(markdownSample));
  if (set.files !== null && set.files.samples.length > 0)
    lines.push('', ...set.files.samples.slice(0, 40).map((file) => `- ${file.kind} ${code(file.path)}`));
  return lines.join('\n');
}

function markdownSample(sample: RowSample): string {
  const names = sample.columns.length > 0 ? sample.columns : Object.keys(sample.after ?? sample.before ?? {});
  const side = (cells: RowSample['before']): string =>
    cells === null
      ? ''
      : names
          .slice(0, 6)
          .map((name) => code(`${name}: ${cells[name] ?? 'none'}`, 160))
          .join('<br>');
  return `| ${sample.kind} | ${code(sample.key, 60)} | ${side(sample.before)} | ${side(sample.after)} |`;
}
