// Whether a version of data drifted from another.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { Severity } from '../findings.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { ColumnCounter, type RowsCounts } from './column-counts.ts';
import { compareColumns } from './compare-columns.ts';
import { countColumns } from './count-columns.ts';
import type { DriftReport, DriftSettings } from './schema.ts';

export interface DriftAsked {
  /** only these; null: all */
  readonly columns: readonly string[] | null;
  readonly settings: DriftSettings;
  /** what it says of the data when a column drifted */
  readonly severity: Severity;
}

/** A version that it is compared with, and the world that it is read in. */
export interface Reference {
  readonly rows: CheckedRows;
  readonly world: CheckWorld;
  /** in words */
  readonly what: string;
}

/** Columns that a report holds at most. */
const mostColumns = 300;

/**
 * Rows are read where nothing is remembered of them, or of a version near to them.
 * @param against one version or several, whose rows count as one bag
 * @returns the report, and how many rows were looked at for it
 * @throws PlumbError CONFIG_INVALID for a column that no row has, and as readRowBatches
 */
export async function judgeDrift(
  rows: CheckedRows,
  against: readonly Reference[],
  asked: DriftAsked,
  world: CheckWorld,
): Promise<{ report: DriftReport; read: number }> {
  const before: RowsCounts[] = [];
  let read = 0;
  for (const reference of against) {
    const counted = await countColumns(reference.rows, asked.columns, reference.world);
    before.push(counted.counts);
    read += counted.read;
  }
  const after = await countColumns(rows, asked.columns, world);
  const versions = { before: pooled(before), after: after.counts };
  const lost = asked.columns?.find((name) => !versions.before.columns.has(name) && !versions.after.columns.has(name));
  if (lost !== undefined && versions.after.rows > 0) throw await unknownColumn(rows, lost);
  const { columns, tests } = compareColumns(versions, rows.source.label ?? null, asked.settings);
  const drifted = columns.filter(({ state }) => state !== 'same').length;
  return {
    report: {
      plumbline: 'drift/1',
      data: rows.source.name,
      against: against.map(({ what }) => what),
      severity: asked.severity,
      rows: { before: versions.before.rows, after: versions.after.rows },
      holds: drifted === 0 || asked.severity !== 'error',
      drifted,
      tests,
      settings: asked.settings,
      columns: columns.slice(0, mostColumns),
      notes: notesOf(versions, columns.length),
    },
    read: read + after.read,
  };
}

async function unknownColumn({ source }: CheckedRows, column: string): Promise<PlumbError> {
  const names = new Set<string>();
  for await (const batch of readRowBatches(source.path, source.format, { name: source.name })) {
    for (const { value } of batch) for (const name of Object.keys(value)) names.add(name);
    break;
  }
  return new PlumbError('DATASET_COLUMN', {
    what: `no row of ${source.name} has a value in the column "${column}".${didYouMean(column, names)}`,
    mend: `name columns of the data: ${listed(names)}`,
  });
}

function pooled(counts: readonly RowsCounts[]): RowsCounts {
  const [first] = counts;
  if (counts.length === 1 && first !== undefined) return first;
  const counter = new ColumnCounter({ columns: null, untyped: false });
  for (const one of counts) counter.addAll(one);
  return counter.counts() ?? { rows: 0, columns: new Map() };
}

function notesOf({ before, after }: { before: RowsCounts; after: RowsCounts }, columns: number): string[] {
  const notes: string[] = [];
  if (before.rows === 0 || after.rows === 0)
    notes.push(`there are no rows ${before.rows === 0 ? 'to compare with' : 'any more'}: nothing was tested`);
  for (const name of new Set([...before.columns.keys(), ...after.columns.keys()]))
    if (before.columns.get(name)?.texts.words === null || after.columns.get(name)?.texts.words === null)
      notes.push(`the words of ${name} were not compared: there are too many different ones`);
  if (columns > mostColumns) notes.push(`${columns - mostColumns} columns that drifted less are left out`);
  return notes.slice(0, 20);
}
