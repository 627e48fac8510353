// Rules files: the first one from data, or from the rules of another tool.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { openRowsAnywhere } from '../quality/checked-data.ts';
import type { Cli, Define } from './command.ts';

interface SuggestOptions {
  readonly rev?: string;
  readonly out?: string;
}

interface ImportOptions {
  readonly from?: string;
  readonly out?: string;
}

export const define: Define = (command, cli) => {
  // without a subcommand its help goes to stderr; what is wrong is told where all errors are
  command.configureOutput({ writeErr: (text) => cli.note(text), outputError: () => undefined });
  command
    .command('suggest')
    .description('write a first rules file from data: thresholds with room to spare, and why')
    .argument('<data>', 'data set, its path, or any file of rows')
    .option('--rev <revision>', 'as that revision has it')
    .option('--out <file>', 'write it there; a file that is there stays')
    .addHelpText('after', '\nExample:\n  $ plumb rules suggest intents --out rules/intents.yaml')
    .action((data: string, options: SuggestOptions) => suggest(data, options, cli));
  command
    .command('import')
    .description('read the rules of another tool: Great Expectations, JSON Schema, Table Schema')
    .argument('<file>', 'a suite, or a schema, as JSON')
    .option('--from <kind>', 'gx, table-schema or json-schema; default: told by what is in the file')
    .option('--out <file>', 'write it there; a file that is there stays')
    .addHelpText('after', '\nExample:\n  $ plumb rules import suite.json --out rules/orders.yaml')
    .action((file: string, options: ImportOptions) => importFile(file, options, cli));
};

async function suggest(data: string, { rev, out }: SuggestOptions, cli: Cli): Promise<void> {
  const [{ profileRows }, { suggestRules }] = await Promise.all([import('../quality/profile/profile.ts'), import('../quality/profile/suggest.ts')]);
  const { cwd, progress, signal } = cli;
  const { rows } = await openRowsAnywhere(() => openProject(cli), data, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) });
  const text = suggestRules(await profileRows(rows, { progress, signal, top: 200 }));
  cli.emit({ rules: text });
  await put(text, out, cli);
}

async function importFile(file: string, { from, out }: ImportOptions, cli: Cli): Promise<void> {
  const { importKinds, importRules, refusalText } = await import('../quality/import/import.ts');
  const kind = importKinds.find((name) => name === from);
  if (from !== undefined && kind === undefined)
    throw new PlumbError('USAGE', { what: `--from ${from}: expected ${importKinds.join(', ')}`, mend: `write --from ${importKinds[0] ?? ''}` });
  const path = resolve(cli.cwd, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  const imported = importRules(text, file, kind);
  const { refused, noted, rules } = imported;
  cli.emit({ kind: imported.kind, rules: imported.text, refused, noted });
  if (imported.text !== null) await put(imported.text, out, cli);
  const { visible } = await import('../report/visible.ts');
  for (const one of noted) cli.note(`differs: ${visible(refusalText(one))}`);
  for (const one of refused) cli.note(`not taken over: ${visible(refusalText(one))}`);
  cli.note(`${rules.length} ${rules.length === 1 ? 'rule' : 'rules'} taken over, ${refused.length} refused`);
  if (refused.length > 0) cli.exitCode = 1;
}

/** @throws PlumbError FILES_IN_THE_WAY */
async function put(text: string, out: string | undefined, cli: Cli): Promise<void> {
  if (out === undefined) return cli.print(text.trimEnd());
  const path = resolve(cli.cwd, out);
  const there = await readFile(path, 'utf8').catch(() => null);
  if (there !== null && there !== text)
    throw new PlumbError('FILES_IN_THE_WAY', {
      what: `${out} is there already, with other rules`,
      where: { file: out },
      mend: 'name another file, or take this one away first',
    });
  await writeFileAtomic(path, text);
  cli.print(`wrote ${out}`);
}
