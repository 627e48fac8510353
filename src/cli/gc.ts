import { resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { formatBytes } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import { forget } from '../project/shared-cache.ts';
import { visible } from '../report/visible.ts';
import type { RemoteDone, RemotePlan } from '../upkeep/gc-remote.ts';
import type { Cli, Define } from './command.ts';
import { countOf } from './count-of.ts';

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
    .option('--force', 'with --workspace: of what the remote does not have, too; with --remote: of what no repository claims')
    .option('--forget <path>', 'a repository that used this cache and is gone for good: what it named may go')
    .addHelpText(
      'after',
      '\nKeeps what any branch, tag, fetched pull request or other work tree names, what a pointer of the main branch ever named (policy.yaml: retention), young runs, and all that other' +
        ' repositories name that share the cache or the remote. What goes here lies in the trash for a day; whoever misses it takes it back. In the remote it is out of sight for a week or two, and comes back if a branch names it.' +
        '\n\nExamples:\n  $ plumb gc\n  $ plumb gc --yes\n  $ plumb gc --workspace --yes\n  $ plumb gc --remote',
    )
    .action(async (options: Options) => {
      if (options.remote === true && options.workspace === true) throw new PlumbError('USAGE', onlyHere);
      const project = await openProject(cli);
      if (options.forget !== undefined) return forgetRepository(options.forget, project, cli);
      return options.remote === true ? collectThere(project, options, cli) : collectHere(project, options, cli);
    });
};

const onlyHere = {
  what: '--workspace is of this machine: others need what this work tree does not name',
  mend: 'leave out one of --workspace and --remote',
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
  const bad = { files: plan.bad.length, bytes: plan.bad.reduce((sum, file) => sum + file.bytes, 0) };
  const done = options.yes === true ? await collectLocal(project, plan, request) : null;
  cli.emit({ plan: { objects, bytes, trash: heaps, bad, roots: plan.live.size }, done });
  cli.print(`${countOf(objects.all, 'object')}, ${formatBytes(bytes.all)}, in ${visible(project.store.cacheDir)}`);
  for (const line of reasonLines(plan.live)) cli.print(cli.paint.dim(`  kept  ${line}`));
  if (objects.young > 0) cli.print(`${objects.young} that nobody names, ${formatBytes(bytes.young)}, came in the last day: kept (--now does not)`);
  const goes = `${objects.dead} that nobody names, ${formatBytes(bytes.dead)}`;
  if (done === null) {
    const old = heaps === 0 ? '' : `, and empty the trash of ${countOf(heaps, 'earlier collection')}`;
    return cli.print(
      objects.dead + heaps + bad.files === 0 ? 'nothing to let go of' : `would let go of ${goes}${old}${badText(bad)}: plumb gc --yes`,
    );
  }
  const rest = options.now === true || done.objects === 0 ? '' : `, ${formatBytes(done.bytes)} in the trash for a day`;
  cli.print(`let go of ${done.objects} of ${goes}; ${formatBytes(done.freed)} freed${rest}`);
  if (bad.files > 0) cli.print(`deleted ${countOf(bad.files, 'file')} that had been set aside as bad`);
  if (done.objects < objects.dead) cli.print('the others lie in packs that are mostly needed: they go when less of these is');
}

function badText({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return files === 0 ? '' : `, and delete ${countOf(files, 'file')} set aside as bad (${formatBytes(bytes)})`;
}

async function collectThere(project: Project, options: Options, cli: Cli): Promise<void> {
  const { collectRemote, planRemote, remoteGraceMs } = await import('../upkeep/gc-remote.ts');
  const request = {
    force: options.force === true,
    graceMs: options.now === true ? 0 : remoteGraceMs,
    now: cli.now(),
    progress: cli.progress,
    signal: cli.signal,
  };
  const plan = await planRemote(project, request);
  const done = options.yes === true ? await collectRemote(project, plan, request) : null;
  cli.emit({ plan: planJson(plan), done });
  tellKept(plan, project, cli);
  const text = planText(plan);
  if (done === null) return cli.print(text === '' ? 'nothing to let go of' : `would ${text}: plumb gc --remote --yes`);
  cli.print(text === '' ? 'nothing to let go of' : `done: ${text}`);
  tellDone(done, project, cli);
}

function planJson({ survey, receipts, packs, repacking }: RemotePlan): unknown {
  const going = receipts.takenBack.flatMap((hex) => survey.receipts.get(hex) ?? []);
  return {
    versions: {
      all: survey.receipts.size - receipts.snapshots.length,
      goes: going.map(({ receipt }) => receipt.root),
      bytes: going.reduce((sum, { receipt }) => sum + receipt.bytes, 0),
    },
    kept: { ...receipts.kept, live: Object.fromEntries(receipts.kept.live) },
    released: receipts.released.length,
    restored: receipts.restored.length,
    runs: receipts.runs.length,
    packs: {
      all: survey.packs.size,
      condemned: packs.condemned.length,
      deleted: packs.deleted.length,
      restored: packs.restored.length,
      repacked: repacking?.plan.packs.size ?? 0,
    },
  };
}

function tellKept({ survey, receipts }: RemotePlan, { store }: Project, cli: Cli): void {
  const { kept, snapshots } = receipts;
  cli.print(`${versions(survey.receipts.size - snapshots.length)}, ${countOf(survey.packs.size, 'pack')}, in ${visible(store.remoteUrl ?? '')}`);
  for (const line of reasonLines(kept.live)) cli.print(cli.paint.dim(`  kept  ${line}`));
  if (kept.young > 0) cli.print(`${kept.young} that nobody here names came in the last week: kept (--now does not)`);
  if (kept.others > 0) cli.print(`${kept.others} of other repositories: kept`);
  if (kept.nobodys > 0) cli.print(`${kept.nobodys} that no repository claims: kept. --force takes them for ours`);
}

function tellDone({ takenBack, condemned, deleted, repacked }: RemoteDone, { store }: Project, cli: Cli): void {
  if (repacked.packs > 0) cli.print(`${countOf(repacked.packs, 'pack')} written anew, ${formatBytes(repacked.bytes)}`);
  const later = 'a gc deletes them in a week or later, and puts back what is named until then';
  if (condemned.packs > 0) cli.print(`${countOf(condemned.packs, 'pack')} out of sight, ${formatBytes(condemned.bytes)}: ${later}`);
  if (deleted.packs > 0) cli.print(`${countOf(deleted.packs, 'pack')} deleted, ${formatBytes(deleted.bytes)} freed`);
  if (store.remote?.dropsPacks === true && takenBack > 0)
    cli.print('the registry drops packs that nobody names by itself, when and if it does: docs/remotes-oci.md');
}

/** What a gc of the remote does, as the end of 'would ...'; empty: nothing. */
function planText({ survey, receipts, packs, repacking }: RemotePlan): string {
  const bytes = receipts.takenBack.reduce((sum, hex) => sum + (survey.receipts.get(hex)?.receipt.bytes ?? 0), 0);
  const parts: string[] = [];
  if (receipts.takenBack.length > 0) parts.push(`take back ${versions(receipts.takenBack.length)} (${formatBytes(bytes)} of data)`);
  if (receipts.released.length > 0) parts.push(`leave ${receipts.released.length} to other repositories`);
  if (receipts.restored.length > 0) parts.push(`bring back ${receipts.restored.length}`);
  if (receipts.forgotten.length > 0) parts.push(`give up ${receipts.forgotten.length} taken back before`);
  if (receipts.runs.length > 0) parts.push(`forget ${countOf(receipts.runs.length, 'name')} of runs`);
  if (repacking !== null && repacking.plan.packs.size > 0)
    parts.push(
      `write ${countOf(repacking.plan.packs.size, 'pack')} of ${formatBytes(repacking.plan.bytes)} anew as ${formatBytes(repacking.plan.needed)}`,
    );
  if (packs.condemned.length > 0) parts.push(`put ${countOf(packs.condemned.length, 'pack')} out of sight (${sizeOf(packs.condemned)})`);
  if (packs.restored.length > 0) parts.push(`put ${countOf(packs.restored.length, 'pack')} back`);
  if (packs.deleted.length > 0) parts.push(`delete ${countOf(packs.deleted.length, 'pack')} (${sizeOf(packs.deleted)})`);
  return parts.join(', ');
}

function sizeOf(packs: readonly { readonly bytes: number }[]): string {
  return formatBytes(packs.reduce((sum, { bytes }) => sum + bytes, 0));
}

function versions(number: number): string {
  return number === 1 ? '1 version or run' : `${number} versions and runs`;
}

const mostReasons = 20;

/** Who keeps how much of what is named: the first reason of each. */
function reasonLines(live: ReadonlyMap<string, string>): string[] {
  const counts = new Map<string, number>();
  for (const why of live.values()) counts.set(why, (counts.get(why) ?? 0) + 1);
  const lines = [...counts].map(([why, number]) => `${why}: ${countOf(number, 'digest')}`);
  return lines.length <= mostReasons
    ? lines
    : [...lines.slice(0, mostReasons), `... and ${lines.length - mostReasons} more (--json has their number)`];
}
