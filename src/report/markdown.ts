import { shortDigest } from '../base/digest.ts';
import { counted } from './figures.ts';
import { costInWords, headlineOf, labelsBeside, sentenceCase, shortenedInWords, subjectOf } from './headline.ts';
import { escapeHtml } from './html-text.ts';
import { balance, changedRows, data, params, stages, triggers, validation } from './markdown-change.ts';
import { drift, findings } from './markdown-checks.ts';
import { brokenCases, classes, confused, fixedCases, metrics } from './markdown-model.ts';
import { folded, plain, ranks } from './markdown-section.ts';
import { code, linkTarget, prose } from './markdown-text.ts';
import { fitPage, type Section } from './page.ts';
import type { Report } from './schema.ts';

export interface MarkdownOptions {
  /** bytes of UTF-8, at least 2,000; a GitHub comment takes 65,536 characters */
  readonly limitBytes?: number;
}

/**
 * The report as a comment on a pull request: the verdict first, then what went in, then what came out. Never over the limit, whatever comes in:
 * rows are left out whole and counted. All data and model output is in code spans (see markdown-text.ts).
 */
export function renderMarkdown(report: Report, options: MarkdownOptions = {}): string {
  const limit = Math.max(2000, options.limitBytes ?? 60_000);
  const sections = [
    top(report),
    warnings(report),
    gate(report),
    data(report),
    ...report.data.flatMap((set) => [triggers(set), changedRows(set), balance(set)]),
    validation(report),
    findings(report),
    ...drift(report),
    params(report),
    stages(report),
    metrics(report),
    ...brokenCases(report),
    ...fixedCases(report),
    classes(report),
    confused(report),
    shortened(report),
  ];
  return fitPage(
    sections.filter((section) => section !== null),
    limit,
    closing(report),
  );
}

const icons = { good: '✅', bad: '⛔', mixed: '🟡' } as const;

function top(report: Report): Section {
  const { tone, gate: gateWords, verdict, why, reasons } = headlineOf(report);
  const { revision, branch, base } = report.title;
  const where = `${branch === null ? '' : `${code(branch)} at `}${code(revision)}${base === null ? '' : ` into ${code(base)}`}`;
  const since = report.change === undefined ? '' : `; changes since ${code(report.change.since)}`;
  const against = report.baseline === null ? '' : `; the model against ${prose(report.baseline.what)} ${code(shortDigest(report.baseline.artifact))}`;
  const mend = report.problem === undefined ? '' : `${prose(sentenceCase(report.problem.mend))} (${code(report.problem.code)})\n\n`;
  const subject = report.model === null ? subjectOf(report) : code(report.model);
  const title = `${icons[tone]} ${subject}: ${gateWords.toLowerCase()}${verdict === '' ? '' : `, ${prose(verdict)}`}`;
  const several = report.model === null && reasons.length > 1;
  const said = several ? reasons.map((reason) => `- **${prose(reason)}**`).join('\n') : `**${prose(why).replace(/\.$/, '')}.**`;
  return {
    ...plain,
    rank: ranks.top,
    rows: [],
    head: `## ${title}\n\n${said}\n\n${mend}${where}${since}${against}\n`,
  };
}

function warnings(report: Report): Section | null {
  if (report.warnings.length === 0) return null;
  return { ...plain, rank: ranks.gate, noun: ['warning', 'warnings'], head: '\n', rows: report.warnings.map((text) => `- ⚠ ${prose(text)}\n`) };
}

/** Folded where it holds: then the first line has said it. */
function gate(report: Report): Section | null {
  if (report.gate === null) return null;
  const { gate: name, holds, checks } = report.gate;
  const table = '| | check | result |\n| :-: | --- | --- |\n';
  const rows = checks.map((check) => {
    const icon = !check.holds ? '⛔ broken' : check.applies ? '✅ holds' : '➖ not asked';
    const beside = labelsBeside(check);
    const labels = beside.slice(0, 10).map((label) => code(label, 60));
    const rest = beside.length > 10 ? `, ${beside.length - 10} more` : '';
    return `| ${icon} | ${prose(check.check)} | ${prose(check.why)}${labels.length === 0 ? '' : `<br>${labels.join(', ')}${rest}`} |\n`;
  });
  const section = { rank: ranks.gate, noun: ['check', 'checks'] as const, rows };
  if (holds) return folded(`<b>Gate</b> <code>${escapeHtml(name)}</code>: ${counted(checks.length, 'check')}`, { ...section, head: table });
  return { ...plain, ...section, head: `\n### Gate ${code(name)}\n\n${table}` };
}

/** What it cost, where the rest is, and which bytes it speaks of. */
function closing(report: Report): string {
  const { candidate, links } = report;
  const addresses = (links ?? []).map(({ name, url }) => `[${name === 'page' ? 'The whole report' : 'CI run'}](${linkTarget(url)})`);
  const digests = candidate === null ? [] : [`model ${code(shortDigest(candidate.artifact))}`, `run ${code(shortDigest(candidate.run))}`];
  const costs = report.stages.length === 0 ? [] : [costInWords(report)];
  return `\n<sub>${[...addresses, ...costs, ...digests, 'Plumbline'].join(' · ')}</sub>\n`;
}

function shortened(report: Report): Section | null {
  const lines = shortenedInWords(report);
  if (lines.length === 0) return null;
  return folded('Shortened in the report itself', {
    rank: ranks.rest,
    first: 5,
    noun: ['list', 'lists'],
    head: '',
    rows: lines.map((line) => `- ${prose(line)}\n`),
  });
}
