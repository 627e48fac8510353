import { PlumbError } from '../base/errors.ts';
import { shortDigest } from '../base/digest.ts';
import { formatBytes } from '../base/progress.ts';
import { addDataset, type AddResult } from '../datasets/add.ts';
import { counted } from '../evaluate/words.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly name?: string;
  readonly key?: string;
  readonly label?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<path...>', 'files of rows (.jsonl, .csv, .parquet), or folders of files')
    .option('--name <name>', "name of the data set; default: the file's name without extension")
    .option('--key <column>', 'column that names a row; kept when the data set is added again, "" takes it away')
    .option('--label <column>', 'column whose change is called relabelling; kept as --key is')
    .addHelpText('after', '\nExamples:\n  $ plumb add data/intents.jsonl --key id --label label\n  $ plumb add data/images')
    .action(async (paths: string[], options: Options) => {
      if (paths.length > 1 && options.name !== undefined) {
        throw new PlumbError('USAGE', { what: '--name names one data set, and there are several paths', mend: 'add them one by one' });
      }
      const project = await openProject(cli);
      const results: AddResult[] = [];
      for (const argument of paths) {
        const result = await addDataset(project, { argument, cwd: cli.cwd, ...options, progress: cli.progress, signal: cli.signal });
        results.push(result);
        tell(result, cli);
      }
      cli.emit({ datasets: results });
    });
};

function tell(result: AddResult, cli: Cli): void {
  const { entry, before, ignore } = result;
  const what = entry.format === 'files' ? counted(entry.files, 'file') : counted(entry.rows, 'row');
  const facts = `${visible(entry.path)}, ${what}, ${formatBytes(entry.bytes)}, ${shortDigest(entry.digest)}`;
  if (!result.changed) cli.print(`${cli.paint.bold(result.name)} is as it was: ${facts}`);
  else cli.print(`${cli.paint.green(before === null ? 'added' : 'updated')} ${cli.paint.bold(result.name)}: ${facts}`);
  for (const [one, other] of result.clashes)
    cli.note(`  ${visible(one)} and ${visible(other)} are one name where upper and lower case are the same: a checkout there is refused`);
  if (ignore.how === 'added')
    cli.print(cli.paint.dim(`  ${visible(ignore.file ?? '.gitignore')} now keeps it out of git; commit datasets.lock with it`));
  if (ignore.how === 'tracked') {
    cli.note(
      `  git tracks ${visible(entry.path)} itself, so its rows are in git's history as well; to leave them to datasets.lock: git rm --cached ${visible(entry.path)}`,
    );
  }
}
