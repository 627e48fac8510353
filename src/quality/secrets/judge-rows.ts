// Secrets in the rows of a version: each text of each row by itself.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';
import { digestOf } from '../../base/digest.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow } from '../findings.ts';
import { checkDigest } from '../memory.ts';
import { cellsOf, nameOfPath, pathText, type CellPath } from '../pii/cells.ts';
import { keyCheckOf } from './asked.ts';
import type { SecretsAsked } from './asked.ts';
import { judgeEachRow } from '../row-verdicts.ts';
import { tellFindings, waive } from './findings.ts';
import type { FoundSecret } from './scan.ts';

/** Raised whenever equal rows give other findings. */
export const secretsVersion = 1;

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
  requireColumns(rows, columns);
  const wanted = columns === null ? null : new Set(columns);
  const { key: keyColumn } = rows.source;
  const check = checkDigest(['secrets', secretsVersion, ...settingsOf(asked), rows.source.name, keyColumn ?? null]);
  const judge = (value: Readonly<Record<string, unknown>>): Finding[] =>
    cellsOf(value, wanted).flatMap(({ path, text }) => findInCell(text, path, keyColumn, asked));
  const verdicts = await judgeEachRow(rows, world, check, judge);
  const flagged = asked.waivers === null ? verdicts.flagged : waive(verdicts.flagged, asked.waivers, rows.source.name);
  return { report: reportOf(flagged, rows.source.name, verdicts.rows, asked, {}), flagged, looked: verdicts.judged };
}

/** Of a value alone gitleaks' generic rule says nothing: it wants a name before it. A column has one. */
const telling = /(?:^|[_.\- ])(?:api[_-]?key|secret|passw(?:or)?d|auth[_-]?token|access[_-]?token|private[_-]?key|client[_-]?secret|credentials?)$/i;
const longestNamed = 500;

function findInCell(text: string, path: CellPath, keyColumn: string | undefined, asked: SecretsAsked): Finding[] {
  const name = nameOfPath(path);
  const isNamed = text.length <= longestNamed && name.length <= 100 && path[0] !== keyColumn && telling.test(name);
  const found = isNamed ? findNamed(text, name, asked) : asked.scanner.find(text, null);
  if (found.length === 0) return [];
  const where = path.length === 1 ? '' : `in ${pathText(path).slice(0, 200)}: `;
  return tellFindings(text, found, asked, { column: path[0], where: () => where });
}

function findNamed(text: string, name: string, { scanner }: SecretsAsked): FoundSecret[] {
  const lead = `${name} = "`;
  const found = scanner.find(`${lead}${text}"`, null);
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
  return tally.report({
    check: 'secrets',
    data,
    rows,
    notes: [...rules.notes, ...(asked.waivers?.notes ?? []), ...unhashed],
    settings: {
      rules: digestOf(rules.sources.join('\0')),
      severity: config.severity,
      severities: config.severities,
      columns: columns === null ? null : [...columns],
    },
    numbers: { rules: rules.rules.length, ...numbers },
  });
}

function requireColumns({ source }: CheckedRows, columns: readonly string[] | null): void {
  const known = source.tree === undefined ? null : Object.keys(source.tree.schema);
  const unknown = known === null ? undefined : columns?.find((column) => !known.includes(column));
  if (known === null || unknown === undefined) return;
  throw new PlumbError('DATASET_COLUMN', {
    what: `${source.name} has no column "${unknown}".${didYouMean(unknown, known)}`,
    mend: `columns: ${known.slice(0, 30).join(', ')}`,
  });
}
