import { shortDigest } from '../base/digest.ts';
import type { Comparison } from '../evaluate/schema.ts';
import { count, counted, duration, percent, points, probability, signed, signedCount } from './figures.ts';
import {
  changedParams,
  headlineOf,
  intervalText,
  labelsBeside,
  metricRows,
  metricText,
  shortenedInWords,
  stagesInWords,
  type MetricRow,
} from './headline.ts';
import { escapeHtml } from './html-text.ts';
import { code, linkTarget, prose } from './markdown-text.ts';
import { fitPage, type Section } from './page.ts';
import type { DataChange, Report, RowSample } from './schema.ts';

export interface MarkdownOptions {
  /** bytes of UTF-8, at least 2,000; a GitHub comment takes 65,536 characters */
  readonly limitBytes?: number;
  /** http(s) address of the whole report */
  readonly link?: string;
}

/**
 * The report as a comment on a pull request. Never over the limit, whatever comes in: rows are left out whole and counted.
 * All data and model output is in code spans (see markdown-text.ts).
 */
export function renderMarkdown(report: Report, options: MarkdownOptions = {}): string {
  const limit = Math.max(2000, options.limitBytes ?? 60_000);
  const sections = [
    top(report),
    warnings(report),
    gate(report),
    data(report),
    params(report),
    stages(report),
    metrics(report),
    cases('Newly broken', report.comparison?.broken, report.comparison?.lost, true),
    cases('Newly fixed', report.comparison?.fixed, report.comparison?.gained, false),
    classes(report),
    ...report.data.map(changedRows),
    ...report.data.map(balance),
    confused(report),
    shortened(report),
  ];
  const link = options.link === undefined ? '' : `[The whole report](${linkTarget(options.link)}) · `;
  const { artifact, run } = report.candidate;
  const closing = `\n<sub>${link}model ${code(shortDigest(artifact))} · run ${code(shortDigest(run))} · ${duration(report.cost.seconds)} of work · Plumbline</sub>\n`;
  return fitPage(
    sections.filter((section) => section !== null),
    limit,
    closing,
  );
}

const icons = { good: '✅', bad: '⛔', mixed: '🟡' } as const;

const plain = { tail: '', first: 20, noun: ['row', 'rows'] as const, more: (words: string): string => `\n*${words}*\n` };

function folded(summary: string, parts: Pick<Section, 'rows' | 'noun'> & { head: string; open?: boolean; first?: number }): Section {
  return {
    ...plain,
    ...parts,
    head: `\n<details${parts.open === true ? ' open' : ''}><summary>${summary}</summary>\n\n${parts.head}`,
    tail: '\n</details>\n',
  };
}

function top(report: Report): Section {
  const { tone, gate: gateWords, verdict, why } = headlineOf(report);
  const { revision, branch, base } = report.title;
  const where = `${branch === null ? '' : `${code(branch)} at `}${code(revision)}${base === null ? '' : ` into ${code(base)}`}`;
  const against = report.baseline === null ? '' : `, against ${prose(report.baseline.what)} ${code(shortDigest(report.baseline.artifact))}`;
  return {
    ...plain,
    rows: [],
    head: `## ${icons[tone]} ${code(report.model)}: ${gateWords.toLowerCase()}, ${prose(verdict)}\n\n**${prose(why).replace(/\.$/, '')}.**\n\n${where}${against}\n`,
  };
}

function warnings(report: Report): Section | null {
  if (report.warnings.length === 0) return null;
  return { ...plain, noun: ['warning', 'warnings'], head: '\n', rows: report.warnings.map((text) => `- ⚠ ${prose(text)}\n`) };
}

function gate(report: Report): Section | null {
  if (report.gate === null) return null;
  return {
    ...plain,
    noun: ['check', 'checks'],
    head: `\n### Gate ${code(report.gate.gate)}\n\n| | check | result |\n| :-: | --- | --- |\n`,
    rows: report.gate.checks.map((check) => {
      const icon = !check.holds ? '⛔ broken' : check.applies ? '✅ holds' : '➖ not asked';
      const beside = labelsBeside(check);
      const labels = beside.slice(0, 10).map((label) => code(label, 60));
      const rest = beside.length > 10 ? `, ${beside.length - 10} more` : '';
      return `| ${icon} | ${prose(check.check)} | ${prose(check.why)}${labels.length === 0 ? '' : `<br>${labels.join(', ')}${rest}`} |\n`;
    }),
  };
}

function data(report: Report): Section | null {
  if (report.data.length === 0) return null;
  return {
    ...plain,
    noun: ['data set', 'data sets'],
    head: '\n### Data\n\n| data set | rows | added | removed | edited | relabelled | |\n| --- | --: | --: | --: | --: | --: | --- |\n',
    rows: report.data.map((set) => {
      const grown = set.rowsAfter - set.rowsBefore;
      const rows = set.before === null ? `${count(set.rowsAfter)} (new)` : `${count(set.rowsAfter)}${grown === 0 ? '' : ` (${signedCount(grown)})`}`;
      const counts = [set.added, set.removed, set.edited - set.relabelled, set.relabelled].map((value) => (value === 0 ? '' : count(value)));
      return `| ${code(set.name)} | ${rows} | ${counts.join(' | ')} | ${dataState(set)} |\n`;
    }),
  };
}

function dataState(set: DataChange): string {
  if (set.before === set.after) return 'unchanged';
  const schema = set.schema.slice(0, 5).map((entry) => `${code(entry.column, 40)} ${prose(entry.before ?? 'new')} → ${prose(entry.after ?? 'gone')}`);
  return schema.length === 0 ? '' : `schema: ${schema.join(', ')}`;
}

function params(report: Report): Section | null {
  const changed = changedParams(report);
  if (report.params.length === 0) return null;
  const same = report.params.length - changed.length;
  if (changed.length === 0) return { ...plain, rows: [], head: `\n### Hyperparameters\n\nUnchanged (${counted(same, 'value')}).\n` };
  return {
    ...plain,
    noun: ['hyperparameter', 'hyperparameters'],
    head: `\n### Hyperparameters\n\n${counted(changed.length, 'value')} changed, ${count(same)} as before.\n\n| hyperparameter | before | after |\n| --- | --- | --- |\n`,
    rows: changed.map((entry) => `| ${code(entry.key)} | ${orDash(entry.before)} | ${orDash(entry.after)} |\n`),
  };
}

function orDash(text: string | null): string {
  return text === null ? '–' : code(text, 80);
}

function stages(report: Report): Section | null {
  if (report.stages.length === 0) return null;
  return {
    ...plain,
    noun: ['stage', 'stages'],
    head: `\n### What ran\n\n${stagesInWords(report)}.\n\n| stage | | time | why |\n| --- | --- | --: | --- |\n`,
    rows: report.stages.map((stage) => {
      const time = stage.state === 'ran' ? duration(stage.seconds) : '';
      return `| ${code(stage.stage)} | ${stage.state} | ${time} | ${stage.why.map((why) => prose(why, 160)).join('; ')} |\n`;
    }),
  };
}

function metrics(report: Report): Section | null {
  const { evaluation, comparison, baseline } = report;
  if (evaluation === null) return null;
  const rows = metricRows(report).map((row) => metricLine(row, report.baselineEvaluation !== null));
  const paired =
    comparison === null
      ? ''
      : `\nThe same ${counted(comparison.cases, 'case')} asked of both: ${count(comparison.both)} right in both, ${count(comparison.neither)} in neither, ` +
        `**${count(comparison.gained)} newly fixed, ${count(comparison.lost)} newly broken** (exact McNemar, ${probability(comparison.p)}).\n`;
  const head =
    report.baselineEvaluation === null
      ? '| | this model | 95 % interval |\n| --- | --: | --- |\n'
      : `| | ${prose(baseline?.what ?? 'before')} | this model | change | 95 % interval of the change |\n| --- | --: | --: | --: | --- |\n`;
  return { ...plain, noun: ['metric', 'metrics'], head: `\n### Metrics\n\n${head}`, rows, tail: paired };
}

function metricLine(row: MetricRow, compared: boolean): string {
  const now = metricText(row.after, row.unit);
  if (!compared || row.before === null) return `| ${row.name} | ${now} | ${row.interval?.of === 'value' ? intervalText(row.interval) : ''} |\n`;
  const change = row.unit === 'percent' ? `${points(row.after - row.before)} points` : signed(row.after - row.before, 4);
  const interval = row.interval?.of === 'change' ? intervalText(row.interval) : '';
  return `| ${row.name} | ${metricText(row.before, row.unit)} | ${now} | ${change} | ${interval} |\n`;
}

function cases(title: string, list: Comparison['broken'] | undefined, total: number | undefined, open: boolean): Section | null {
  if (list === undefined || list.length === 0) return null;
  const all = total ?? list.length;
  return folded(`<b>${title}: ${counted(all, 'case')}</b>${list.length < all ? `, ${list.length} of them as examples` : ''}`, {
    open,
    first: open ? 15 : 5,
    noun: ['case', 'cases'],
    head: '| case | input | expected | before | now |\n| --- | --- | --- | --- | --- |\n',
    rows: list.map(
      (entry) =>
        `| ${code(entry.id, 24)} | ${code(entry.input)} | ${code(entry.expected, 80)} | ${mark(entry.before, entry.expected)} | ${mark(entry.after, entry.expected)} |\n`,
    ),
  });
}

function mark(got: string, expected: string): string {
  return got === expected ? '✓' : `✗ ${code(got, 80)}`;
}

function classes(report: Report): Section | null {
  const { comparison } = report;
  if (comparison === null || comparison.classes.length === 0) return null;
  return folded(`<b>Classes that changed: ${count(comparison.classes.length)}</b>`, {
    first: 10,
    noun: ['class', 'classes'],
    head: '| class | cases | recall before | now | fixed | broken | p (Holm) |\n| --- | --: | --: | --: | --: | --: | --: |\n',
    rows: comparison.classes.map(
      (entry) =>
        `| ${code(entry.label, 80)} | ${count(entry.cases)} | ${percent(entry.before)} | ${percent(entry.after)} | ${count(entry.gained)} | ${count(entry.lost)} | ${entry.adjusted.toFixed(3)} |\n`,
    ),
  });
}

function changedRows(set: DataChange): Section | null {
  if (set.samples.length === 0) return null;
  return folded(`<b>Rows that changed in <code>${escapeHtml(set.name)}</code></b>`, {
    first: 5,
    noun: ['row', 'rows'],
    head: '| | row | |\n| --- | --- | --- |\n',
    rows: set.samples.map((sample) => `| ${sample.kind} | ${code(sample.key, 40)} | ${sampleCells(sample)} |\n`),
  });
}

/** 'label: before → after' for an edit, 'label: value' for a row that came or went */
function sampleCells(sample: RowSample): string {
  const { before, after } = sample;
  const columns = Object.keys({ ...before, ...after });
  const cells = columns.flatMap((column) => {
    const [old, now] = [before?.[column], after?.[column]];
    const name = code(column, 40);
    if (before === null || after === null) return [`${name}: ${code(now ?? old ?? '', 160)}`];
    return old === now ? [] : [`${name}: ${old === undefined ? '–' : code(old, 160)} → ${now === undefined ? '–' : code(now, 160)}`];
  });
  return cells.join('<br>');
}

function balance(set: DataChange): Section | null {
  if (set.balance.length === 0) return null;
  return folded(`<b>Class balance of <code>${escapeHtml(set.name)}</code>: ${counted(set.balance.length, 'class', 'classes')} changed</b>`, {
    first: 5,
    noun: ['class', 'classes'],
    head: '| class | rows before | now | change |\n| --- | --: | --: | --: |\n',
    rows: set.balance.map(
      (entry) => `| ${code(entry.label, 80)} | ${count(entry.before)} | ${count(entry.after)} | ${signedCount(entry.after - entry.before)} |\n`,
    ),
  });
}

function confused(report: Report): Section | null {
  const pairs = (report.evaluation?.confusion ?? []).filter((cell) => cell.expected !== cell.got).toSorted((a, b) => b.cases - a.cases);
  if (pairs.length === 0) return null;
  return folded('<b>Most confused</b>', {
    first: 5,
    noun: ['pair', 'pairs'],
    head: '| expected | got | cases |\n| --- | --- | --: |\n',
    rows: pairs.slice(0, 20).map((cell) => `| ${code(cell.expected, 80)} | ${code(cell.got, 80)} | ${count(cell.cases)} |\n`),
  });
}

function shortened(report: Report): Section | null {
  const lines = shortenedInWords(report);
  if (lines.length === 0) return null;
  return folded('Shortened in the report itself', { first: 5, noun: ['list', 'lists'], head: '', rows: lines.map((line) => `- ${prose(line)}\n`) });
}
