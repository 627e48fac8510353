// What of a check's findings a branch brings: those in rows that it adds or edits, and those that hold a row against such a one. A reviewer answers for them;
// the others are on the main branch, too.
import { flaggedRowSchema, type Finding, type FlaggedRow } from '../quality/findings.ts';
import type { DataPart } from './parts.ts';
import type { FindingsPart } from './schema.ts';

/** data set -> numbers of its rows, as they stand now, that came or were edited. Of a data set that is not here they are not known. */
export type BroughtRows = ReadonlyMap<string, ReadonlySet<number>>;

export function broughtRows(data: readonly DataPart[]): BroughtRows {
  return new Map(data.flatMap(({ name, brought }) => (brought === undefined ? [] : [[name, brought]])));
}

interface Tally {
  rows: number;
  readonly sample: FindingsPart['kinds'][number]['sample'];
}

/** Shown of each kind; the report's own bounds cut further. */
const mostShown = 10;

/**
 * @param flagged flagged/1, of the same check
 * @returns the part with the rows of each kind that the branch brings, first among those that are shown; as it was, where that is not known
 */
export function withBrought(part: FindingsPart, flagged: string, brought: BroughtRows): FindingsPart {
  if (!brought.has(part.dataset)) return part;
  const tallies = new Map<string, Tally>(part.kinds.map((kind) => [nameOf(kind), { rows: 0, sample: [] }]));
  for (const line of flagged.split('\n')) {
    if (line === '') continue;
    const row = readRow(line);
    const known = row === null ? null : countRow(row, part.dataset, { brought, tallies });
    if (known === null) return part;
  }
  const kinds = part.kinds.map((kind) => {
    const { rows, sample } = tallies.get(nameOf(kind)) ?? { rows: 0, sample: [] };
    // what is only counted is no flagged row
    if (kind.severity === 'info') return kind;
    const others = kind.sample.filter((one) => !sample.some(({ key, message }) => key === one.key && message === one.message));
    return { ...kind, brought: rows, sample: [...sample, ...others].slice(0, mostShown) };
  });
  return { ...part, kinds };
}

function nameOf({ kind, severity, column }: Pick<Finding, 'kind' | 'severity' | 'column'>): string {
  return JSON.stringify([kind, severity, column]);
}

/** null: it is in a form that is not known, as a later version's may be */
function readRow(line: string): FlaggedRow | null {
  try {
    return flaggedRowSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** @returns null: it is held against a row of data of which nobody knows what came */
function countRow(
  { row, key, findings }: FlaggedRow,
  dataset: string,
  { brought, tallies }: { brought: BroughtRows; tallies: ReadonlyMap<string, Tally> },
): true | null {
  const counted = new Set<Tally>();
  for (const finding of findings) {
    const { other, message } = finding;
    const beside = other === undefined ? undefined : brought.get(other.data);
    if (other !== undefined && beside === undefined) return null;
    const isBrought = brought.get(dataset)?.has(row) === true || (other !== undefined && beside?.has(other.row) === true);
    const tally = tallies.get(nameOf(finding));
    if (!isBrought || tally === undefined) continue;
    if (!counted.has(tally)) tally.rows += 1;
    counted.add(tally);
    if (tally.sample.length < mostShown)
      tally.sample.push({ key, message, ...(other === undefined ? {} : { other: { data: other.data, key: other.key } }) });
  }
  return true;
}
