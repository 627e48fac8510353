import { cellText } from '../datasets/row-content.ts';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { writeFileAtomic } from '../base/atomic.ts';
import { counted } from '../evaluate/words.ts';
import type { Cli, Define } from './command.ts';
import { wholeNumber } from './whole-number.ts';

interface Options {
  readonly to: 'argilla' | 'label-studio';
  readonly out: string;
  readonly config?: string;
  readonly question?: string;
  readonly from?: string;
  readonly limit: string;
  readonly decided?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'a data set')
    .addOption(new Option('--to <tool>', 'whose format').choices(['argilla', 'label-studio']).makeOptionMandatory())
    .requiredOption('--out <file>', 'where the rows go, JSON')
    .option('--config <file>', "also write Label Studio's labeling interface")
    .option('--question <name>', 'the question that asks for the label (default: the label column)')
    .option('--from <file>', 'flagged.jsonl of a check (default: what the last runs flagged)')
    .option('--decided', 'rows that were decided about, with the decisions, instead of those that wait')
    .option('--limit <n>', 'so many rows at most', '10000')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb review export intents --to argilla --out records.json\n  $ plumb review export intents --to label-studio --out tasks.json --config interface.xml',
    )
    .action((data: string, options: Options) => exportRows(data, options, cli));
};

async function exportRows(word: string, { to, out, config, question: named, from, limit, decided }: Options, cli: Cli): Promise<void> {
  const [
    { labelsOf, openReview, openRows, readAskings, shapeOf },
    { openQueue, planQueue, askingOf },
    { toArgilla },
    { toLabelStudio, labelStudioConfig },
  ] = await Promise.all([
    import('./review-world.ts'),
    import('../review/queue.ts'),
    import('../review/exchange/argilla.ts'),
    import('../review/exchange/label-studio.ts'),
  ]);
  const world = await openReview(cli, word);
  const shape = shapeOf(world);
  const question = named ?? shape.label ?? 'label';
  const nobody = { name: '', email: '' };
  const asked = await readAskings(world, cli, from);
  const everything = [...asked, { ...askingOf('', []), rows: [...world.settled.keys()].map((row) => ({ row, findings: [] })) }];
  const waiting = planQueue(decided === true ? everything : asked, decided === true ? new Map() : world.settled, { me: nobody, role: 'first' });
  const wanted = decided === true ? waiting.filter(({ digest }) => world.settled.has(digest)) : waiting;
  const queue = await openQueue(await openRows(world, cli), wanted, { limit: wholeNumber('--limit', limit), signal: cli.signal });
  const rows = queue.items.map((item) => {
    const one = world.settled.get(item.digest);
    return {
      ...item,
      why: item.why.filter((why) => why !== ''),
      decisions: [...(one?.votes ?? []), ...(one?.adjudicated === true && one.decision !== null ? [one.decision] : [])],
    };
  });
  const records = to === 'argilla' ? toArgilla(rows, shape, question) : toLabelStudio(rows, shape, question);
  const path = resolve(cli.cwd, out);
  await writeFileAtomic(path, `${JSON.stringify(records, null, 1)}\n`);
  if (config !== undefined) {
    const kinds = [...new Set(rows.flatMap(({ findings }) => findings.map(({ kind }) => kind)))].toSorted();
    // an annotator corrects a label to one that none of these rows has
    const had = rows.flatMap(({ value }) => (shape.label === null ? [] : [cellText(value[shape.label])]));
    const labels = [...new Set([...(await labelsOf(world)), ...had])].filter((label) => label !== '').toSorted();
    await writeFileAtomic(resolve(cli.cwd, config), labelStudioConfig(shape.columns ?? [], labels, kinds, shape, question));
  }
  cli.emit({ data: world.data, rows: rows.length, more: queue.waiting - rows.length, path });
  cli.print(
    `${counted(rows.length, 'row')}: ${path}${queue.waiting > rows.length ? `, ${queue.waiting - rows.length} more with a higher --limit` : ''}`,
  );
}
