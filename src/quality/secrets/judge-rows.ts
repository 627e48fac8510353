// Secrets in the rows of a version: each text of each row by itself.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';
import { digestOf } from '../../base/digest.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow } from '../findings.ts';
import { checkDigest } from '../memory.ts';
import { cellsOf, nameOfPath, pathText, type Cell, type CellPath } from '../pii/cells.ts';
import { fold } from '../pii/fold.ts';
import { keyCheckOf } from './asked.ts';
import type { SecretsAsked } from './asked.ts';
import { judgeEachRow } from '../row-verdicts.ts';
import { waive } from '../waivers.ts';
import { hashNamed, tellFindings } from './findings.ts';
import type { FoundSecret } from './scan.ts';

/** Raised whenever equal rows give other findings. */
export const secretsVersion = 3;

export interface SecretsAnswer {
  readonly report: FindingsReport;
  /** flagged/1, in the order of the data */
  readonly flagged: readonly FlaggedRow[];
  /** rows or files that were looked at; the others were known. No part of the report */
  readonly looked: number;
}

/** @throws PlumbError DATASET_COLUMN, and as readRowBatches */
export async function judgeSecretsInRows(rows: CheckedRows, asked: SecretsAsked, world: CheckWorld): Promise<SecretsAnswer> {
  const { columns } = asked;
  const wanted = columns === null ? null : new Set(columns);
  const { key: keyColumn } = rows.source;
  const check = checkDigest(['secrets', secretsVersion, ...settingsOf(asked), rows.source.name, keyColumn ?? null]);
  const judge = (value: Readonly<Record<string, unknown>>): Finding[] => findInCells(cellsOf(value, wanted), keyColumn, asked);
  const verdicts = await judgeEachRow(rows, world, check, judge);
  if (columns !== null && verdicts.rows > 0) await requireColumns(rows, columns);
  const flagged = [...waive(verdicts.flagged, asked.waivers, rows.source.name, hashNamed)];
  return { report: reportOf(flagged, rows.source.name, verdicts.rows, asked, {}), flagged, looked: verdicts.judged };
}

/** Of a value alone gitleaks' generic rule says nothing: it wants a name before it. A column has one. */
const telling = /(?:^|[_.\- ])(?:api[_-]?key|secret|passw(?:or)?d|auth[_-]?token|access[_-]?token|private[_-]?key|client[_-]?secret|credentials?)$/i;
const longestNamed = 500;

/** A token may be the name of a column or a key of an object, too; then no finding names it. */
function findInCells(cells: readonly Cell[], keyColumn: string | undefined, asked: SecretsAsked): Finding[] {
  const names = new Map<string, string>();
  for (const { text, isName } of cells) {
    if (isName === undefined || names.has(text)) continue;
    const [one] = findAsRead(text, asked);
    if (one !== undefined) names.set(text, `<${one.rule}>`);
  }
  const shown = ([column, ...steps]: CellPath): CellPath =>
    names.size === 0
      ? [column, ...steps]
      : [names.get(column) ?? column, ...steps.map((step) => (typeof step === 'string' ? (names.get(step) ?? step) : step))];
  return cells.flatMap(({ text, path, isName }) => {
    if (isName === undefined) return findInCell(text, path, shown(path), keyColumn, asked);
    if (!names.has(text)) return [];
    const where =
      path.length === 1 ? 'in the name of a column: ' : `in a key of ${pathText(shown(path.slice(0, -1) as unknown as CellPath)).slice(0, 200)}: `;
    const told = tellFindings(text, findAsRead(text, asked), asked, { column: shown(path)[0], where: () => where });
    // the place is one in the name
    return told.map(({ span: _, ...finding }) => finding);
  });
}

function findInCell(text: string, path: CellPath, shown: CellPath, keyColumn: string | undefined, asked: SecretsAsked): Finding[] {
  const name = nameOfPath(path);
  const isNamed = text.length <= longestNamed && name.length <= 100 && path[0] !== keyColumn && telling.test(name);
  const found = isNamed ? findNamed(text, name, asked) : findAsRead(text, asked);
  if (found.length === 0) return [];
  const where = path.length === 1 ? '' : `in ${pathText(shown).slice(0, 200)}: `;
  return tellFindings(text, found, asked, { column: shown[0], where: () => where });
}

/** As it is written, and what is found only as it is read: a key with a zero-width space in it. */
function findAsRead(text: string, { scanner }: Pick<SecretsAsked, 'scanner'>): FoundSecret[] {
  const asWritten = scanner.findDecoded(text, null);
  const folded = fold(text);
  if (folded === null) return asWritten;
  const more = scanner.find(folded.text, null).flatMap((one) => {
    const [start, end] = folded.place(one.start, one.end);
    return asWritten.some((other) => other.start < end && start < other.end) ? [] : [{ ...one, start, end }];
  });
  return more.length === 0 ? asWritten : [...asWritten, ...more].toSorted((a, b) => a.start - b.start);
}

function findNamed(text: string, name: string, asked: SecretsAsked): FoundSecret[] {
  const lead = `${name} = "`;
  const found = findAsRead(`${lead}${text}"`, asked);
  const inside = found.filter(({ start, end }) => start >= lead.length && end <= lead.length + text.length);
  return inside.map((one) => ({ ...one, start: one.start - lead.length, end: one.end - lead.length }));
}

/** All that a verdict depends on beside the texts. */
export function settingsOf(asked: SecretsAsked): string[] {
  const { config, rules, columns } = asked;
  return [
    digestOf(rules.sources.join('\0')),
    config.severity,
    JSON.stringify(Object.entries(config.severities).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    JSON.stringify(columns),
    keyCheckOf(asked) ?? '',
  ];
}

export function reportOf(
  flagged: readonly FlaggedRow[],
  data: string,
  rows: number,
  asked: SecretsAsked,
  numbers: Readonly<Record<string, number>>,
): FindingsReport {
  const tally = new FindingsTally();
  for (const row of flagged) tally.add(row);
  const { config, rules, columns } = asked;
  const unhashed = flagged.length > 0 && asked.key === null ? ['without a key findings have no hashes: `key` in secrets.yaml'] : [];
  const { binary_files: binary = 0, archives = 0 } = numbers;
  const unread = [
    ...(binary > 0 ? [`not looked at: ${binary} binary ${binary === 1 ? 'file' : 'files'}; one NUL in its beginning makes a file one`] : []),
    ...(archives > 0
      ? [
          `not opened: ${archives} ${archives === 1 ? 'archive or compressed file' : 'archives and compressed files'}; what is in them was not looked at`,
        ]
      : []),
  ];
  return tally.report({
    check: 'secrets',
    data,
    rows,
    notes: [...rules.notes, ...asked.waivers.notes, ...unhashed, ...unread],
    settings: {
      rules: digestOf(rules.sources.join('\0')),
      severity: config.severity,
      severities: config.severities,
      columns: columns === null ? null : [...columns],
    },
    numbers: { rules: rules.rules.length, ...numbers },
  });
}

/** A column that no row has would be clean for ever. */
async function requireColumns({ source }: CheckedRows, columns: readonly string[]): Promise<void> {
  const known = new Set(Object.keys(source.tree?.schema ?? {}));
  const isMissing = (): boolean => columns.some((column) => !known.has(column));
  if (isMissing())
    for await (const batch of readRowBatches(source.path, source.format, { name: source.name })) {
      for (const { value } of batch) for (const name of Object.keys(value)) known.add(name);
      if (!isMissing()) return;
    }
  const unknown = columns.find((column) => !known.has(column));
  if (unknown === undefined) return;
  throw new PlumbError('DATASET_COLUMN', {
    what: `${source.name} has no column "${unknown}".${didYouMean(unknown, known)}`,
    mend: `columns: ${[...known].slice(0, 30).join(', ')}`,
  });
}
