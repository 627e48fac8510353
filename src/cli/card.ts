import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { checkProjectPath } from '../project/paths.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly out?: string;
  readonly check?: true;
  readonly stdout?: true;
}

export const define: Define = (command, cli) => {
  command.description('Cards: what a data set is, for people and for Hugging Face.');
  command
    .command('data')
    .description('Write the card of a data set: cards/<name>.md. What people wrote in it stays.')
    .argument('<name>', 'data set of the lock')
    .option('--out <path>', 'where the card lies, in the project (default: cards/<name>.md)')
    .option('--check', 'write nothing; exit with 1 when the card is not that of the locked version')
    .option('--stdout', 'print it, and write nothing')
    .addHelpText('after', '\nExamples:\n  $ plumb card data intents\n  $ plumb card data intents --check')
    .action((name: string, options: Options) => cardCommand(name, options, cli));
};

async function cardCommand(name: string, options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const [{ gatherCard }, { renderDataCard }] = await Promise.all([import('./card-facts.ts'), import('../report/data-card.ts')]);
  const facts = await gatherCard(project, name, cli);
  const path = options.out ?? `cards/${name}.md`;
  checkProjectPath(path, '--out');
  const old = (await project.readText(path)) ?? null;
  const text = renderDataCard(facts, old, path);
  cli.emit({ data: name, path, current: old === text, rows: facts.entry.rows, checks: facts.checks.length });
  if (options.stdout === true) return cli.print(text.trimEnd());
  if (options.check === true) {
    if (old === text) return cli.print(`${path} is that of the locked version`);
    cli.exitCode = 1;
    return cli.print(`${path} is ${old === null ? 'not there' : 'not that of the locked version'}: run plumb card data ${name}`);
  }
  if (options.out !== undefined && !/\.md$/i.test(path))
    throw new PlumbError('USAGE', { what: `--out ${path}: a card is Markdown`, mend: 'name a file that ends in .md' });
  await mkdir(dirname(join(project.root, path)), { recursive: true });
  if (old !== text) await writeFileAtomic(join(project.root, path), text);
  cli.print(old === text ? `${path} is as it was` : `wrote ${path}`);
}
