import { resolve } from 'node:path';
import { formatBytes } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import { forget } from '../project/shared-cache.ts';
import type { Live } from '../upkeep/live.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly yes?: boolean;
  readonly workspace?: boolean;
  readonly now?: boolean;
  readonly force?: boolean;
  readonly remote?: boolean;
  readonly forget?: string;
}

export const define: Define = (command, cli) => {
  command
    .option('--yes', 'do it; without it, only the plan is shown')
    .option('--workspace', 'keep only what the work tree names: other branches and tags are in the remote')
    .option('--remote', 'of the remote instead of this machine')
    .option('--now', 'without the grace time of a day (remote: a week): nobody else is at work')
    .option('--force', 'with --workspace: let go of what the remote does not have, too')
    .option('--forget <path>', 'a repository that used this cache and is gone for good: what it named may go')
    .addHelpText(
      'after',
      '\nKeeps what any branch, tag, fetched pull request or other work tree names, what a pointer of the main branch ever named (policy.yaml: retention), young runs, and all that other' +
        ' repositories name that share the cache or the remote. What goes lies in the trash for the grace time; whoever misses it takes it back.' +
        '\n\nExamples:\n  $ plumb gc\n  $ plumb gc --yes\n  $ plumb gc --workspace --yes\n  $ plumb gc --remote',
    )
    .action(async (options: Options) => {
      const project = await openProject(cli);
      if (options.forget !== undefined) return forgetRepository(options.forget, project, cli);
      return collectHere(project, options, cli);
    });
};

function forgetRepository(path: string, project: Project, cli: Cli): void {
  const root = resolve(cli.cwd, path);
  const known = forget(project.store.cacheDir, root);
  cli.emit({ forgotten: known ? root : null });
  cli.print(known ? `forgotten: ${root}` : `${root} was not known to this cache`);
}

async function collectHere(project: Project, options: Options, cli: Cli): Promise<void> {
  const { collectLocal, localGraceMs, planLocal } = await import('../upkeep/gc-local.ts');
  const request = {
    workspaceOnly: options.workspace === true,
    force: options.force === true,
    graceMs: options.now === true ? 0 : localGraceMs,
    now: cli.now(),
    signal: cli.signal,
  };
  const plan = await planLocal(project, request);
  const { objects, bytes, heaps } = plan;
  const done = options.yes === true ? await collectLocal(project, plan, request) : null;
  cli.emit({ plan: { objects, bytes, trash: heaps, roots: plan.live.size }, done });
  cli.print(`${count(objects.all, 'object')}, ${formatBytes(bytes.all)}, in ${project.store.cacheDir}`);
  for (const line of reasonLines(plan.live)) cli.print(cli.paint.dim(`  kept  ${line}`));
  if (objects.young > 0) cli.print(`${objects.young} that nobody names, ${formatBytes(bytes.young)}, came in the last day: kept (--now does not)`);
  const goes = `${objects.dead} that nobody names, ${formatBytes(bytes.dead)}`;
  if (done === null) {
    const old = heaps === 0 ? '' : `, and empty the trash of ${count(heaps, 'earlier collection')}`;
    return cli.print(objects.dead + heaps === 0 ? 'nothing to let go of' : `would let go of ${goes}${old}: plumb gc --yes`);
  }
  cli.print(
    `let go of ${goes}; ${formatBytes(done.freed)} freed${options.now === true || objects.dead === 0 ? '' : ', the rest lies in the trash for a day'}`,
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

const mostReasons = 20;

/** Who keeps how much of what is named: the first reason of each. */
function reasonLines(live: Live): string[] {
  const counts = new Map<string, number>();
  for (const why of live.values()) counts.set(why, (counts.get(why) ?? 0) + 1);
  const lines = [...counts].map(([why, number]) => `${why}: ${count(number, 'digest')}`);
  return lines.length <= mostReasons
    ? lines
    : [...lines.slice(0, mostReasons), `... and ${lines.length - mostReasons} more (--json has their number)`];
}
