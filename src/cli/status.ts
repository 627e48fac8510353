import { readStatus, type DatasetStatus, type Status } from '../datasets/status.ts';
import { count, counted } from '../evaluate/words.ts';
import { openProject } from '../project/open.ts';
import { describeUnfinished } from '../project/together.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';

export const define: Define = (command, cli) => {
  command
    .option('--check', 'exit with 1 when a working copy differs from the lock or is missing')
    .addHelpText('after', '\nExamples:\n  $ plumb status\n  $ plumb status --check --json')
    .action(async (options: { check?: boolean }) => {
      const project = await openProject(cli);
      const status = await readStatus(project, { signal: cli.signal });
      const unfinished = describeUnfinished(project.localDir);
      cli.emit({ ...status, unfinished });
      tell(status, cli);
      if (unfinished !== null) cli.print(`${cli.paint.red('half done')}  ${unfinished.what}  ${cli.paint.dim(unfinished.mend)}`);
      if (options.check === true && status.datasets.some((set) => set.state !== 'same')) cli.exitCode = 1;
    });
};

function tell(status: Status, cli: Cli): void {
  const { datasets, unlocked } = status;
  if (datasets.length === 0) cli.print('no data sets yet: plumb add FILE');
  const differing = datasets.filter((set) => set.state !== 'same' || set.pushed === false);
  for (const set of differing) cli.print(lineOf(set, cli));
  const quiet = datasets.length - differing.length;
  if (quiet > 0) cli.print(`${count(quiet)} of ${counted(datasets.length, 'data set')} as locked${status.remote === null ? '' : ', pushed'}`);
  for (const path of unlocked) cli.print(`${cli.paint.yellow('new')}        ${visible(path)}  ${cli.paint.dim('plumb add it')}`);
  if (status.remoteFault !== undefined) cli.note(`what is pushed is not known: ${visible(status.remoteFault)}`);
  if (status.remote === null && datasets.length > 0) cli.print(cli.paint.dim('no remote is configured: the bytes are on this machine only'));
}

const advice: Record<DatasetStatus['state'], string> = {
  same: '',
  modified: 'plumb diff, then plumb add or plumb checkout',
  missing: 'plumb pull, or plumb checkout',
};

function lineOf(set: DatasetStatus, cli: Cli): string {
  const paint = set.state === 'same' ? cli.paint.dim : set.state === 'modified' ? cli.paint.yellow : cli.paint.red;
  const pushed = set.pushed === false ? '  not pushed: plumb push' : '';
  const hint = advice[set.state] === '' ? '' : `  ${cli.paint.dim(advice[set.state])}`;
  return `${paint((set.state === 'same' ? 'as locked' : set.state).padEnd(10))} ${cli.paint.bold(set.name)}  ${visible(set.path)}${hint}${cli.paint.dim(pushed)}`;
}
