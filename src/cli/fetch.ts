import type { Digest } from '../base/digest.ts';
import { fetchDatasets } from '../datasets/checkout.ts';
import { loadLock } from '../datasets/lock.ts';
import { lockOfRevision, type Reachable } from '../datasets/reachable.ts';
import { openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { TransferResult } from '../store/store.ts';
import type { Cli, Define } from './command.ts';
import { reachablePointers, reachableRuns } from './reachable-runs.ts';
import { sumOf, transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; without a name: all, and the runs and models of this revision')
    .option('--rev <rev>', 'the data of this revision; default: of the work tree, with its runs and models')
    .addHelpText('after', '\nExamples:\n  $ plumb fetch\n  $ plumb fetch intents --rev main')
    .action(async (names: string[], options: { rev?: string }) => {
      const project = await openProject(cli);
      const lock = options.rev === undefined ? await loadLock(project) : await lockOfRevision(project, options.rev);
      const results = [await fetchDatasets(project, { lock, names }, cli)];
      if (names.length === 0 && options.rev === undefined) results.push(await fetchRuns(project, cli));
      const result = sumOf(results);
      cli.emit({ ...result, remote: project.store.remote?.url ?? null });
      cli.print(transferText('fetched', result, visible(project.store.remote?.url ?? '')));
    });
};

/** Runs of the pipeline as it stands, and the models behind the pointers, as far as the remote has them. */
export async function fetchRuns(project: Project, cli: Cli): Promise<TransferResult> {
  const wanted = [await reachableRuns(project, cli), ...(await reachablePointers(project, cli))];
  const results: TransferResult[] = [];
  for (const one of wanted) results.push(await fetchWhatIsThere(project, one, cli));
  return sumOf(results);
}

async function fetchWhatIsThere(project: Project, what: Reachable, cli: Cli): Promise<TransferResult> {
  const { store } = project;
  const missing: Digest[] = [];
  for (const digest of new Set(what.waves.flat())) if (!(await store.has(digest))) missing.push(digest);
  const there = missing.length === 0 || store.remote === null ? new Set<Digest>() : await store.remote.has(missing);
  const lost = missing.filter((digest) => !there.has(digest)).length;
  if (lost > 0)
    cli.note(`${lost} objects of runs and models are neither here nor in ${visible(store.remote?.url ?? 'a remote: none is configured')}`);
  return store.fetch([...there], cli);
}
