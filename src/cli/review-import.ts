import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { PlumbError, systemError } from '../base/errors.ts';
import type { Annotator } from '../review/schema.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly from: 'argilla' | 'label-studio';
  readonly question?: string;
  readonly who: readonly string[];
}

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'a data set')
    .argument('<file>', 'what the other tool exported, JSON or JSON lines')
    .addOption(new Option('--from <tool>', 'whose format').choices(['argilla', 'label-studio']).makeOptionMandatory())
    .option('--question <name>', 'the question whose answer is the label (default: the label column)')
    .addOption(
      new Option('--who <id=name>', 'a user of the other tool: id=Name <email>; again for each')
        .default([])
        .argParser((value: string, before: string[]) => [...before, value]),
    )
    .addHelpText('after', "\nExample:\n  $ plumb review import intents done.json --from label-studio --who '14=Ada <ada@example.org>'")
    .action((data: string, file: string, options: Options) => importFile(data, file, options, cli));
};

async function importFile(word: string, file: string, { from, question, who }: Options, cli: Cli): Promise<void> {
  const [{ openReview, openRows, shapeOf }, { importRows }, { fromArgilla }, { fromLabelStudio }, { uuidOf }, { writeReview }] = await Promise.all([
    import('./review-world.ts'),
    import('../review/exchange/incoming.ts'),
    import('../review/exchange/argilla.ts'),
    import('../review/exchange/label-studio.ts'),
    import('../review/exchange/outside.ts'),
    import('../review/review-files.ts'),
  ]);
  const world = await openReview(cli, word);
  const shape = shapeOf(world);
  const path = resolve(cli.cwd, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => Promise.reject(systemError(error, 'read', file)));
  const rows = from === 'argilla' ? fromArgilla(text, file) : fromLabelStudio(text, file);
  const known = world.decided.map(({ annotator }): [string, Annotator] => [uuidOf(annotator), annotator]);
  const imported = await importRows(rows, {
    data: world.data,
    tool: from,
    source: await openRows(world, cli),
    shape,
    question: question ?? shape.label,
    people: new Map([...known, ...who.map(personOf)]),
    decided: world.decided,
    now: cli.now(),
    signal: cli.signal,
  });
  const { files, ...counts } = imported;
  const paths = await world.project.mutex(async () => {
    const written: string[] = [];
    for (const { header, decisions } of files) written.push((await writeReview(world.project, header, decisions)) ?? '');
    return written;
  });
  cli.emit({ data: world.data, ...counts, paths });
  cli.print(`${counts.decisions} decisions of ${files.length} people${counts.known === 0 ? '' : `, ${counts.known} were here already`}`);
  if (counts.unmatched > 0) cli.note(cli.paint.yellow(`${counts.unmatched} rows of the file are not in ${world.data}, or fit several of its rows`));
  if (counts.ignored.length > 0)
    cli.note(cli.paint.yellow(`answers to these questions mean nothing here: ${counts.ignored.join(', ')} (--question names the one for the label)`));
}

/** '14=Ada <ada@example.org>' */
function personOf(text: string): [string, Annotator] {
  const [, id, name, email = ''] = /^([^=]+)=([^<]*?)\s*(?:<([^>]*)>)?$/.exec(text) ?? [];
  if (id !== undefined && name !== undefined && name !== '') return [id, { name, email }];
  throw new PlumbError('USAGE', { what: `--who ${text.slice(0, 100)} is not understood`, mend: "write --who '14=Ada <ada@example.org>'" });
}
