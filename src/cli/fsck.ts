import { formatBytes } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { countOf } from './count-of.ts';
import { limitOption, transferLimit } from './transfer-limit.ts';

interface Options {
  readonly remote?: boolean;
  readonly repair?: boolean;
  readonly limit?: number;
}

export const define: Define = (command, cli) => {
  command
    .option('--remote', 'the remote instead of this machine: every pack is read once')
    .option('--repair', 'get good bytes from wherever they are: here from the remote, there from here')
    .addOption(limitOption())
    .addHelpText(
      'after',
      '\nReads and hashes everything. What is not what its name says is set aside, told with what needs it, and with --repair replaced.' +
        '\n\nExamples:\n  $ plumb fsck\n  $ plumb fsck --repair\n  $ plumb fsck --remote --limit 20M',
    )
    .action(async (options: Options) => {
      const project = await openProject(cli);
      return options.remote === true ? checkThere(project, options, cli) : checkHere(project, options, cli);
    });
};

interface Line {
  readonly what: string;
  readonly name: string;
  readonly neededBy: readonly string[];
  readonly state: string;
  readonly mend: string;
}

async function checkHere(project: Project, options: Options, cli: Cli): Promise<void> {
  const { checkCache } = await import('../upkeep/fsck-local.ts');
  const { progress, signal } = cli;
  const report = await checkCache(project, { progress, signal, ...transferLimit(options), repair: options.repair === true, now: cli.now() });
  cli.emit(report);
  cli.print(
    `${countOf(report.objects, 'object')}, ${formatBytes(report.bytes)}, in ${visible(project.store.cacheDir)}: ${report.faults.length === 0 ? 'all good' : countOf(report.faults.length, 'fault')}`,
  );
  tell(
    report.faults.map((fault) => ({ ...fault, name: fault.digest })),
    cli,
  );
  if (report.faults.some(({ state, neededBy }) => state === 'set aside' && neededBy.length > 0)) cli.exitCode = 1;
}

async function checkThere(project: Project, options: Options, cli: Cli): Promise<void> {
  const { checkRemote } = await import('../upkeep/fsck-remote.ts');
  const { progress, signal } = cli;
  const report = await checkRemote(project, { progress, signal, ...transferLimit(options), repair: options.repair === true, now: cli.now() });
  cli.emit(report);
  const { versions, packs, bytes, faults, notThere } = report;
  cli.print(
    `${countOf(versions, 'version')} and runs, ${countOf(packs, 'pack')}, ${formatBytes(bytes)}, in ${visible(project.store.remoteUrl ?? '')}: ${faults.length === 0 ? 'all good' : countOf(faults.length, 'fault')}`,
  );
  tell(
    faults.map((fault) => ({ ...fault, name: `${fault.digest}: ${visible(fault.why)}` })),
    cli,
  );
  if (notThere.length > 0)
    cli.print(`${countOf(notThere.length, 'version')} that branches here name ${notThere.length === 1 ? 'was' : 'were'} never pushed: plumb push`);
  if (faults.some(({ state }) => state === 'bad')) cli.exitCode = 1;
}

const mostNeeding = 5;

function tell(faults: readonly Line[], cli: Cli): void {
  for (const { what, name, neededBy, state, mend } of faults) {
    const isMended = state === 'repaired' || (state === 'set aside' && neededBy.length === 0);
    cli.print(`${isMended ? cli.paint.green(state) : cli.paint.red(state)}  ${what} ${name}`);
    for (const why of neededBy.slice(0, mostNeeding)) cli.print(`  needed by ${visible(why)}`);
    if (neededBy.length > mostNeeding) cli.print(`  and ${neededBy.length - mostNeeding} more`);
    if (mend !== '') cli.print(cli.paint.dim(`  ${mend}`));
  }
}
