// plumb/split: rows onto two or three sides by the hash of a key or of a group.
import { open, type FileHandle } from 'node:fs/promises';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { countSchema, fields, z } from '../base/schema.ts';
import type { Step, StepContext, StepResult } from '../base/step.ts';
import type { Row } from '../datasets/row.ts';
import { requireFormatOfName } from '../datasets/rows.ts';
import { readWrittenRows } from '../datasets/written-rows.ts';
import { drawOf, type Shares, type Side, sideOf } from './side.ts';

const share = z.number().gt(0).lt(1);
const byForm = /^hash\(\s*([^()]+?)\s*\)$/;

export const splitArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  by: z
    .string()
    .regex(byForm, 'expected hash(column), such as hash(id)')
    .describe('hash(column): the column that decides the side of a row. Rows with the same value (a group: a user, a document) stay together'),
  test: share.describe('share of the rows for testing, between 0 and 1'),
  validation: share.optional().describe('share of the rows for validation, between 0 and 1'),
  stratify: z
    .string()
    .min(1)
    .optional()
    .describe(
      'column of the label: each label is drawn by itself, and one that is missing on a side is reported. A row moves when its label changes',
    ),
  seed: countSchema.optional().describe("another number draws other sides; default: the stage's seed"),
})
  .refine((args) => args.test + (args.validation ?? 0) < 1, 'test and validation together leave nothing for training')
  .describe('how to split');
export type SplitArguments = z.infer<typeof splitArguments>;

/** The built-in step. Outputs: train, test and, where a share is given, validation; all JSONL, rows in the order of the input. */
export const split: Step<SplitArguments, null> = {
  uses: 'plumb/split',
  version: 1,
  summary: 'split rows into training, test and validation rows; a row never changes side when others come or go',
  with: splitArguments,
  params: null,
  ports: (args) =>
    Promise.resolve({
      inputs: { data: { kind: 'data', ref: args.data } },
      outputs: { train: 'train.jsonl', test: 'test.jsonl', ...(args.validation === undefined ? {} : { validation: 'validation.jsonl' }) },
    }),
  run: runSplit,
};

async function runSplit(context: StepContext<SplitArguments, null>): Promise<StepResult> {
  const { data } = context.inputs;
  if (data === undefined) throw new Error('plumb/split was started without its input');
  const chooser = new SideChooser(context.with, context.with.seed ?? context.seed);
  const sides: Side[] = context.with.validation === undefined ? ['train', 'test'] : ['train', 'test', 'validation'];
  const writers = new Map<Side, RowWriter>();
  const bar = context.progress.start('split', undefined, 'rows');
  try {
    for (const side of sides) writers.set(side, await RowWriter.create(context.outputs[side] ?? ''));
    const options = { signal: context.signal, name: context.with.data };
    for await (const { row, bytes } of readWrittenRows(data, requireFormatOfName(data), options)) {
      bar.advance(1);
      await writers.get(chooser.choose(row))?.write(bytes);
    }
  } finally {
    bar.end();
    for (const writer of writers.values()) await writer.end();
  }
  requireRows(chooser, sides, context.with);
  for (const line of chooser.notes(sides)) context.log(line);
  return { metrics: chooser.metrics(sides), measured: {} };
}

/** Decides side by side and keeps count. */
class SideChooser {
  readonly counts: Record<Side, number> = { train: 0, test: 0, validation: 0 };
  readonly #column: string;
  readonly #arguments: SplitArguments;
  readonly #seed: number;
  readonly #labels = new Map<string, Record<Side, number>>();
  readonly #labelOfKey = new Map<string, string>();

  constructor(args: SplitArguments, seed: number) {
    this.#column = byForm.exec(args.by)?.[1] ?? '';
    this.#arguments = args;
    this.#seed = seed;
  }

  choose(row: Row): Side {
    const { stratify, data, test, validation = 0 } = this.#arguments;
    const key = textOf(row, this.#column, data);
    const label = stratify === undefined ? null : textOf(row, stratify, data);
    const shares: Shares = { test, validation };
    const side = sideOf(drawOf(key, label, this.#seed), shares);
    this.counts[side] += 1;
    if (label !== null) this.#countLabel(row, key, label, side);
    return side;
  }

  #countLabel(row: Row, key: string, label: string, side: Side): void {
    const before = this.#labelOfKey.get(key);
    if (before !== undefined && before !== label) {
      throw new PlumbError('ROW_KEY', {
        what: `rows of "${key}" have the labels "${before}" and "${label}"; split by label, they could stand on two sides`,
        where: { file: this.#arguments.data, row: row.row },
        mend: 'take stratify out, or split by a column whose rows have one label each',
      });
    }
    this.#labelOfKey.set(key, label);
    const counts = this.#labels.get(label) ?? { train: 0, test: 0, validation: 0 };
    counts[side] += 1;
    this.#labels.set(label, counts);
  }

  metrics(sides: readonly Side[]): Record<string, number> {
    const counts = Object.fromEntries(sides.map((side) => [side, this.counts[side]]));
    if (this.#arguments.stratify === undefined) return counts;
    const shares = [...this.#labels.values()].map((label) => label.test / (label.train + label.test + label.validation));
    return { ...counts, labels: this.#labels.size, least_test_share: round(Math.min(...shares)), greatest_test_share: round(Math.max(...shares)) };
  }

  notes(sides: readonly Side[]): string[] {
    const counted = sides.map((side) => `${side} ${this.counts[side]}`).join(', ');
    const absent = sides.flatMap((side) => {
      const labels = [...this.#labels].filter(([, counts]) => counts[side] === 0).map(([label]) => label);
      return labels.length === 0
        ? []
        : [`warning: ${labels.length} labels have no row in ${side}: ${labels.slice(0, 5).join(', ')}${labels.length > 5 ? ', ...' : ''}`];
    });
    return [counted, ...absent];
  }
}

/** A text is its own name, anything else is named by its JSON: 7 in JSONL and 7 in CSV are on one side. */
function textOf(row: Row, column: string, data: string): string {
  const value = Object.hasOwn(row.value, column) ? row.value[column] : undefined;
  if (value !== undefined && value !== null && value !== '') return typeof value === 'string' ? value : JSON.stringify(value);
  const isThere = Object.hasOwn(row.value, column);
  throw new PlumbError('ROW_KEY', {
    what: `the row has no "${column}"${isThere ? '' : `.${didYouMean(column, Object.keys(row.value))}`}`,
    where: { file: data, row: row.row, ...(row.line === undefined ? {} : { line: row.line }) },
    mend: `give every row a ${column}, or split by another column`,
  });
}

function requireRows(chooser: SideChooser, sides: readonly Side[], args: SplitArguments): void {
  const empty = sides.find((side) => chooser.counts[side] === 0);
  if (empty === undefined) return;
  const rows = sides.reduce((sum, side) => sum + chooser.counts[side], 0);
  throw new PlumbError('DATASET_EMPTY', {
    what: `of ${rows} rows none came into ${empty}`,
    where: { file: args.data },
    mend: 'use more rows, a greater share, or a column with more values',
  });
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** Lines into a file, in pieces that are worth a write. */
class RowWriter {
  readonly #file: FileHandle;
  #waiting: Buffer[] = [];
  #bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<RowWriter> {
    return new RowWriter(await open(path, 'wx'));
  }

  async write(line: Buffer): Promise<void> {
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= 1 << 18) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    await this.#file.writeFile(bytes);
  }

  async end(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }
}
