// One side of a comparison, training or evaluation: what is known of each of its rows.
import { hash } from 'node:crypto';
import { PlumbError } from '../../base/errors.ts';
import { cellText } from '../../datasets/row-content.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { checkDigest } from '../memory.ts';
import { entriesOf, record, type Entries } from '../text/entries.ts';
import { addGrams } from '../text/grams.ts';
import { indexRows, type RowIndexer } from '../text/index-rows.ts';
import { NumberList } from '../text/number-list.ts';
import type { RowIndex } from '../text/row-index.ts';
import { TextReader } from '../text/text-reader.ts';
import { chooseColumns, valueOf } from '../text/view.ts';
import { textRules } from '../text/words.ts';
import { shortestRun, type LeakageSettings } from './settings.ts';

/** Rows, and the world that they are read in. */
export interface SideRows {
  readonly rows: CheckedRows;
  readonly world: CheckWorld;
}

export interface Side extends SideRows {
  readonly columns: readonly string[];
  /** the list of each row: hashes of its runs of `shortestRun` words */
  readonly index: RowIndex;
  readonly entries: Entries;
}

/** A record: behind what all have 64 bits of the group (0, 0: none), and the time as two halves of a double (NaN: none). */
export const sideRecord = { group: record.own, time: record.own + 2, width: record.own + 4 } as const;

/** Raised when equal rows get another index. */
const indexVersion = 1;

/** @throws PlumbError DATASET_COLUMN, and as readRowBatches */
export async function openSide({ rows, world }: SideRows, columns: readonly string[] | undefined, settings: LeakageSettings): Promise<Side> {
  const { source } = rows;
  const { group = null, time = null } = settings;
  const not = [source.key ?? null, source.label ?? null, group, time];
  const chosen = await chooseColumns(source, { columns, as: 'text', not }, world.signal);
  for (const column of [group, time]) if (column !== null) await chooseColumns(source, { columns: [column], as: 'text', not: [] }, world.signal);
  const run = shortestRun(settings);
  const asked = { check: 'leakage', index: indexVersion, data: source.name, columns: chosen, run, group, time, rules: textRules };
  const indexed = await indexRows(rows, world, sideIndexer(source.name, chosen, { run, group, time }), checkDigest(asked));
  await indexed.keep(() => Buffer.alloc(0));
  return { rows, world, columns: chosen, index: indexed.index, entries: entriesOf(indexed.index) };
}

interface SideColumns {
  readonly run: number;
  readonly group: string | null;
  readonly time: string | null;
}

function sideIndexer(data: string, columns: readonly string[], { run, group, time }: SideColumns): RowIndexer {
  const [reader, grams, numbers] = [new TextReader(), new NumberList(), new Uint32Array(sideRecord.width)];
  const double = new Float64Array(1);
  const halves = new Uint32Array(double.buffer);
  return {
    width: sideRecord.width,
    add(index, { row, value }) {
      reader.read({ parts: columns.map((column) => cellText(valueOf(value, column))), tokens: null });
      numbers.fill(0);
      grams.length = 0;
      if (reader.hasText) {
        reader.name(numbers, record.name);
        numbers[record.size] = Math.max(1, reader.count);
        if (run > 0) addGrams(reader, run, 'none', grams);
      }
      if (group !== null) writeGroup(cellText(valueOf(value, group)), numbers);
      double[0] = time === null ? Number.NaN : timeOf(valueOf(value, time), { data, row, column: time });
      numbers.set(halves, sideRecord.time);
      index.add(numbers, grams);
    },
  };
}

function writeGroup(group: string, numbers: Uint32Array): void {
  if (group === '') return;
  const digest = hash('sha256', group, 'buffer');
  numbers[sideRecord.group] = digest.readUInt32LE(0) | 1;
  numbers[sideRecord.group + 1] = digest.readUInt32LE(4);
}

const instant = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** Milliseconds of a time, or the number that stands there; NaN where there is no value. A time without a zone is UTC. */
function timeOf(value: unknown, at: { readonly data: string; readonly row: number; readonly column: string }): number {
  if (value === null || value === undefined || value === '') return Number.NaN;
  const text = cellText(value).trim();
  const zoned = /[Z+]|T.*-|\d -|^.{10}$/.test(text) ? text : `${text}Z`;
  const time = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : instant.test(text) ? Date.parse(zoned.replace(' ', 'T')) : Number.NaN;
  if (Number.isFinite(time)) return time;
  throw new PlumbError('DATASET_COLUMN', {
    what: `row ${at.row} of ${at.data} has ${JSON.stringify(text.slice(0, 40))} in column "${at.column}", which is no time`,
    where: { file: at.data, row: at.row },
    mend: 'write times as 2026-11-21, 2026-11-21T07:00:00Z, or as numbers',
  });
}
