import { resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { listed } from '../base/names.ts';
import { wholeNumber } from './whole-number.ts';
import { counted } from '../evaluate/words.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly sample?: string;
  readonly seed: string;
  readonly where?: string;
  readonly from?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'a data set')
    .option('--sample <n>', 'so many rows by lot')
    .option('--seed <s>', 'of the lot: the same seed draws the same rows', '1')
    .option('--where <column=value>', 'a sample of the rows that have this value')
    .option('--from <file>', 'the rows of a flagged.jsonl')
    .addHelpText('after', '\nExamples:\n  $ plumb review add intents --sample 200 --seed 7\n  $ plumb review add intents --sample 50 --where lang=de')
    .action((data: string, options: Options) => add(data, options, cli));
};

async function add(word: string, options: Options, cli: Cli): Promise<void> {
  const [{ openReview, openRows, readFlagged }, { drawSample, sampleQueue }, { writeAsked }, { askingOf }] = await Promise.all([
    import('./review-world.ts'),
    import('../review/sample.ts'),
    import('../review/review-files.ts'),
    import('../review/queue.ts'),
  ]);
  if ((options.sample === undefined) === (options.from === undefined))
    throw new PlumbError('USAGE', { what: 'either a sample or a file is wanted', mend: 'write --sample 100, or --from flagged.jsonl' });
  const world = await openReview(cli, word);
  let queue: ReturnType<typeof sampleQueue>;
  if (options.from === undefined) {
    const request = {
      size: wholeNumber('--sample', options.sample ?? ''),
      seed: seedOf(options.seed),
      where: whereOf(options.where, world.entry.schema),
    };
    const source = await openRows(world, cli);
    const bar = cli.progress.start('draw', world.entry.rows, 'rows');
    const rows = await drawSample(source, request, { signal: cli.signal, onRows: (count) => bar.advance(count) }).finally(() => bar.end());
    queue = sampleQueue(world.data, request, rows);
  } else {
    const { rows } = askingOf(options.from, await readFlagged(resolve(cli.cwd, options.from), options.from, cli));
    queue = { header: { plumbline: 'review-queue/1', data: world.data, why: options.from.slice(0, 1000) }, rows: [...rows] };
  }
  const path = await world.project.mutex(() => writeAsked(world.project, queue.header, queue.rows));
  cli.emit({ data: world.data, rows: queue.rows.length, path });
  cli.print(
    path === null
      ? 'no such rows'
      : `${counted(queue.rows.length, 'row waits', 'rows wait')}: ${path}\n${cli.paint.dim(`plumb review ${world.data}`)}`,
  );
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new PlumbError('USAGE', { what: `--seed ${text.slice(0, 40)}: expected a whole number`, mend: 'write --seed 7' });
}

function whereOf(text: string | undefined, schema: Readonly<Record<string, string>>): { column: string; value: string } | null {
  if (text === undefined) return null;
  const at = text.indexOf('=');
  const column = text.slice(0, Math.max(0, at));
  if (at > 0 && Object.hasOwn(schema, column)) return { column, value: text.slice(at + 1) };
  throw new PlumbError(at > 0 ? 'DATASET_COLUMN' : 'USAGE', {
    what: at > 0 ? `the rows have no column ${JSON.stringify(column).slice(0, 120)}` : `--where ${text.slice(0, 100)}: expected column=value`,
    mend: `columns are: ${listed(Object.keys(schema))}`,
  });
}
