import { InvalidArgumentError } from 'commander';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { fetchDatasets } from '../datasets/fetch.ts';
import { loadLock, loadLockAt } from '../datasets/lock.ts';
import { lockOfRevision, type Reachable } from '../datasets/reachable.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Selection } from '../datasets/selection.ts';
import { files } from '../project/layout.ts';
import { openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { ObjectRef, TransferOptions, TransferResult } from '../store/store.ts';
import type { Cli, Define } from './command.ts';
import { fetchRows } from './fetch-rows.ts';
import { reachablePointers, reachableRuns } from './reachable-runs.ts';
import { limitOption, transferLimit } from './transfer-limit.ts';
import { sumOf, transferText } from './transfer-text.ts';

interface FetchOptions {
  readonly rev?: string;
  readonly path?: readonly string[];
  readonly allBranches?: boolean;
  readonly withHistory?: boolean;
  readonly sample?: number;
  readonly split?: string;
  readonly seed: number;
  readonly out?: string;
  readonly limit?: number;
}

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; without a name: all, and the runs and models of this revision')
    .option('--rev <rev>', 'the data of this revision; default: of the work tree, with its runs and models')
    .option('--path <path...>', "of folders only these files: a file, a folder or a pattern ('train/**'), relative to the data set")
    .option('--all-branches', 'the data of every branch, tag and fetched pull request')
    .option('--with-history', 'the data of every commit of HEAD that changed datasets.lock')
    .option('--sample <n>', 'of one data set of rows, so many rows spread over it, written to --out', parseCount)
    .option('--split <name>', 'of one data set of rows, those whose column "split" says so, written to --out')
    .option('--seed <n>', 'another seed takes another sample', parseCount, 0)
    .option('--out <file>', 'where a sample or a split is written; - for standard output', '-')
    .addOption(limitOption())
    .addHelpText(
      'after',
      '\nWhat the cache has is not fetched again: a fetch that was cut off goes on where it was.' +
        "\n\nExamples:\n  $ plumb fetch\n  $ plumb fetch intents --rev main\n  $ plumb fetch images --path 'train/**' --limit 20M\n  $ plumb fetch intents --sample 100 --out sample.jsonl",
    )
    .action(async (names: string[], options: FetchOptions) => {
      const project = await openProject(cli);
      if (options.sample !== undefined || options.split !== undefined) {
        const [lock] = await wantedLocks(project, { seed: 0, ...(options.rev === undefined ? {} : { rev: options.rev }) });
        return fetchRows(project, { lock: lock as Lock, names }, { ...options, out: options.out ?? '-' }, cli);
      }
      const how = { ...cli, ...transferLimit(options) };
      const results: TransferResult[] = [];
      for (const lock of await wantedLocks(project, options)) results.push(await fetchLock(project, { lock, names }, options, how));
      if (names.length === 0 && options.rev === undefined && options.path === undefined) results.push(await fetchRuns(project, cli, how));
      const result = sumOf(results);
      cli.emit({ ...result, remote: project.store.remoteUrl });
      cli.print(transferText('fetched', result, visible(project.store.remoteUrl ?? '')));
    });
};

function parseCount(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number.');
}

async function fetchLock(
  project: Project,
  { lock, names }: { lock: Lock; names: readonly string[] },
  { path, allBranches, withHistory }: FetchOptions,
  how: TransferOptions,
): Promise<TransferResult> {
  const selection: Selection = path === undefined ? {} : { paths: path };
  // another revision need not have the data set
  const known = allBranches === true || withHistory === true ? names.filter((name) => Object.hasOwn(lock.datasets, name)) : names;
  if (known.length === 0 && names.length > 0) return { objects: 0, bytes: 0 };
  return fetchDatasets(project, { lock, names: known, selection }, how);
}

/** The lock that is asked for, and those of other revisions; a lock that cannot be read on another branch is passed over. */
async function wantedLocks(project: Project, { rev, allBranches, withHistory }: FetchOptions): Promise<Lock[]> {
  const locks = [rev === undefined ? await loadLock(project) : await lockOfRevision(project, rev)];
  const { git, prefix } = project;
  const commits = new Set<string>();
  if (allBranches === true) for (const { commit } of await git.tips()) commits.add(commit);
  if (withHistory === true) for (const { oid } of await git.log('HEAD', { path: prefix + files.lock })) commits.add(oid);
  for (const commit of commits) {
    const lock = await loadLockAt(project, commit).catch((error: unknown) => (isPlumbError(error) ? null : Promise.reject(error)));
    if (lock !== null) locks.push(lock);
  }
  return locks;
}

/** Runs of the pipeline as it stands, and the models behind the pointers, as far as the remote has them. */
export async function fetchRuns(project: Project, cli: Cli, how: TransferOptions): Promise<TransferResult> {
  const wanted = [await reachableRuns(project, cli), ...(await reachablePointers(project, cli))];
  const results: TransferResult[] = [];
  for (const one of wanted) results.push(await fetchWhatIsThere(project, one, { cli, how }));
  return sumOf(results);
}

async function fetchWhatIsThere(project: Project, what: Reachable, { cli, how }: { cli: Cli; how: TransferOptions }): Promise<TransferResult> {
  const { store } = project;
  if (store.remoteUrl === null || what.roots.length === 0) return { objects: 0, bytes: 0 };
  const roots = what.roots.map(({ digest }) => digest);
  const there = await store.openRoots(roots, how);
  const known: Digest[] = [];
  let lost = 0;
  for (const root of roots) {
    if (there.has(root)) known.push(root);
    else if (!(await store.has(root))) lost += 1;
  }
  if (lost > 0) cli.note(`${lost} runs and data sets of models are neither here nor in ${visible(store.remoteUrl)}`);
  const objects = async function* (): AsyncGenerator<ObjectRef> {
    for (const root of what.roots) if (there.has(root.digest)) yield* root.objects(null);
  };
  return store.fetch(objects(), { ...how, within: known });
}
