// The card of a data set in the form of Hugging Face: front matter, then what it is, where it came from, what is known of it. Made from the lock, the history and
// the runs of this very version: equal ones make equal bytes, before the version is committed and after.
import { shortDigest, type Digest } from '../base/digest.ts';
import { formatBytes } from '../base/progress.ts';
import { cardHead, splitCard, type RowsEntry } from './data-card-head.ts';
import type { CheckPart } from './check-parts.ts';
import { reasonsOf } from './drift-words.ts';
import { count, counted, percent } from './figures.ts';
import { checkWords } from './findings-words.ts';
import { code, prose } from './markdown-text.ts';

export interface CardFacts {
  readonly name: string;
  readonly entry: RowsEntry;
  /** null: nobody counts them */
  readonly labels: readonly (readonly [string, number])[] | null;
  /** null: there is no sidecar of provenance */
  readonly provenance: ProvenanceFacts | null;
  /** what the runs of this version say of it */
  readonly checks: readonly { readonly stage: string; readonly part: CheckPart }[];
  /** stages that split it */
  readonly splits: readonly { readonly stage: string; readonly sides: readonly (readonly [string, number])[] }[];
  /** earlier versions, the newest first */
  readonly versions: readonly { readonly digest: Digest; readonly rows: number; readonly commit: string; readonly date: string }[];
}

export interface ProvenanceFacts {
  readonly rows: number;
  readonly sources: readonly (readonly [string, number])[];
  readonly licences: readonly (readonly [string, number])[];
  readonly reviews: readonly (readonly [string, number])[];
}

const about = { from: '<!-- about: yours to write, kept as it is -->', to: '<!-- /about -->' } as const;
const unsaid = 'What the rows are, what they are for, and what they are not: nobody has written it yet.';

/**
 * @param old the card that is there: what people wrote in it stays
 * @param path of the card in the project
 * @throws PlumbError CONFIG_INVALID for a front matter that does not parse
 */
export function renderDataCard(facts: CardFacts, old: string | null, path: string): string {
  const { head, body } = splitCard(old);
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const front = cardHead({ name: facts.name, entry: facts.entry, folder, licence: onlyLicence(facts.provenance) }, head, path);
  const sections = [
    `# ${facts.name}`,
    `${about.from}\n${aboutOf(body) ?? unsaid}\n${about.to}`,
    holdings(facts),
    provenance(facts.provenance),
    splits(facts),
    balance(facts),
    checks(facts),
    found(facts, 'Duplicates and leaks', ['duplicates', 'leakage']),
    found(facts, 'Personal data and secrets', ['pii', 'secrets']),
    versions(facts),
    `<sub>Made by \`plumb card data ${facts.name}\`; \`--check\` says whether it is that of the locked version.</sub>`,
  ];
  return `---\n${front}---\n\n${sections.filter((section) => section !== null).join('\n\n')}\n`;
}

function aboutOf(body: string): string | null {
  const [from, to] = [body.indexOf(about.from), body.indexOf(about.to)];
  return from === -1 || to < from ? null : body.slice(from + about.from.length, to).trim();
}

function onlyLicence(known: ProvenanceFacts | null): string | null {
  const [first, ...others] = known?.licences ?? [];
  return first === undefined || others.length > 0 || first[1] !== known?.rows ? null : first[0];
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

function holdings({ entry }: CardFacts): string {
  const columns = Object.entries(entry.schema).map(([name, type]) => {
    const role = name === entry.key ? 'key' : name === entry.label ? 'label' : '';
    return [code(name, 80), type.replace('?', ''), type.endsWith('?') ? 'some rows have none' : '', role];
  });
  const shown = columns.slice(0, 200);
  const more = columns.length > shown.length ? `\n\n${count(columns.length - shown.length)} more columns.` : '';
  return `## What it holds\n\n${counted(entry.rows, 'row')}, ${formatBytes(entry.bytes)} of ${entry.format}: ${code(entry.path)}\n\n${table(['column', 'type', 'missing', ''], shown)}${more}`;
}

function provenance(known: ProvenanceFacts | null): string {
  if (known === null) return '## Provenance\n\nWhere its rows came from is not recorded.';
  const lines = (what: string, counts: readonly (readonly [string, number])[]): string =>
    counts.length === 0
      ? ''
      : `\n\n${table(
          [what, 'rows'],
          counts.slice(0, 30).map(([name, rows]) => [code(name, 120), count(rows)]),
        )}`;
  return `## Provenance\n\nRecorded for ${counted(known.rows, 'content of rows', 'contents of rows')}.${lines('source', known.sources)}${lines('licence', known.licences)}${lines('review', known.reviews)}`;
}

function splits({ splits: all }: CardFacts): string | null {
  if (all.length === 0) return null;
  return `## Splits\n\n${table(
    ['stage', 'side', 'rows'],
    all.flatMap(({ stage, sides }) => sides.map(([side, rows]) => [code(stage), side, count(rows)])),
  )}`;
}

const mostLabels = 100;

function balance({ labels, entry }: CardFacts): string | null {
  if (labels === null || labels.length === 0) return null;
  const sorted = labels.toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  const rows = sorted.slice(0, mostLabels).map(([name, rowsOf]) => [code(name, 80), count(rowsOf), percent(rowsOf / Math.max(1, entry.rows))]);
  const more = sorted.length > mostLabels ? `\n\n${counted(sorted.length - mostLabels, 'more class', 'more classes')}.` : '';
  return `## Class balance\n\n${counted(sorted.length, 'class', 'classes')} of ${code(entry.label ?? '', 80)}.\n\n${table(['class', 'rows', 'share'], rows)}${more}`;
}

function checks({ checks: all }: CardFacts): string {
  if (all.length === 0) return '## Checks\n\nNo check of the pipeline was run on this version.';
  return `## Checks\n\n${table(
    ['stage', 'check', 'answer', ''],
    all.map(({ stage, part }) => [code(stage), ...checkCells(part)]),
  )}`;
}

function checkCells({ kind, part }: CheckPart): [what: string, answer: string, more: string] {
  if (kind === 'validation') {
    const warnings = part.warnings === 0 ? '' : counted(part.warnings, 'warning');
    return [`rules of ${code(part.rules, 120)}`, part.state, part.note === undefined ? warnings : prose(part.note, 200)];
  }
  if (kind === 'findings') return [checkWords[part.check], part.state, part.note === undefined ? flaggedWords(part.flagged) : prose(part.note, 200)];
  const reasons = part.columns.slice(0, 5).map((column) => `${code(column.column, 60)}: ${prose(reasonsOf(column, part.rows).join('; '), 160)}`);
  return [`drift against ${code(part.against.join(', '), 120)}`, part.state, reasons.join('<br>')];
}

function flaggedWords(flagged: number): string {
  return flagged === 0 ? '' : `${counted(flagged, 'row')} flagged`;
}

function found({ checks: all }: CardFacts, title: string, which: readonly string[]): string {
  const parts = all.flatMap(({ part: { kind, part } }) => (kind === 'findings' && which.includes(part.check) ? [part] : []));
  const unseen = which.filter((check) => !parts.some((part) => part.check === check)).map((check) => checkWords[check as keyof typeof checkWords]);
  const rows = parts.flatMap((part) =>
    part.kinds.map(({ kind, column, rows: many }) => [code(kind, 80), column === null ? '' : code(column, 80), count(many)]),
  );
  const notes = [...new Set(parts.flatMap((part) => part.notes))].map((note) => prose(note, 300));
  return [
    `## ${title}`,
    ...(rows.length === 0 ? [] : [table(['kind', 'column', 'rows'], rows)]),
    ...(rows.length === 0 && parts.length > 0 ? ['None was found.'] : []),
    ...(unseen.length === 0 ? [] : [`Not looked for: ${unseen.join(', ')}.`]),
    ...notes,
  ].join('\n\n');
}

const mostVersions = 50;

function versions({ entry, versions: earlier }: CardFacts): string {
  const rows = earlier
    .slice(0, mostVersions)
    .map(({ digest, rows: many, commit, date }) => [code(shortDigest(digest)), count(many), code(commit), date]);
  const more = earlier.length > mostVersions ? `\n\n${count(earlier.length - mostVersions)} earlier ones.` : '';
  return `## Versions\n\n${table(['manifest', 'rows', 'locked by', 'on'], [[code(shortDigest(entry.digest)), count(entry.rows), 'this one', ''], ...rows])}${more}`;
}
