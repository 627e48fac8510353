// What push and fetch carry beside data: the runs of the pipeline as it stands, and the models that the pointers of this revision name.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, type Json } from '../base/canonical.ts';
import { loadYaml } from '../base/config.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Reachable } from '../datasets/reachable.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { PointerPlace } from '../registry/pointer.ts';
import type { FileTree } from '../registry/tree.ts';
import type { Cli } from './command.ts';

const nothing: Reachable = { roots: [], names: [] };

/** Runs of the pipeline that were made for what is there now. A pipeline that does not hold together is told, and no hindrance. */
export async function reachableRuns(project: Project, cli: Cli): Promise<Reachable> {
  if (await hasNoStages(project)) return nothing;
  const [{ withPipeline }, { collectRuns, isPipelineTrouble, presentRuns }] = await Promise.all([
    import('./open-pipeline.ts'),
    import('../pipeline/reachable.ts'),
  ]);
  try {
    return await withPipeline(project, cli, async (open) =>
      collectRuns(await presentRuns(open.pipeline.stages, open.context), project.store, open.context.runs.nameOf),
    );
  } catch (error) {
    if (!isPipelineTrouble(error)) throw error;
    cli.note(`runs are left out: ${(error as Error).message}`);
    return nothing;
  }
}

/** Nothing to look for, and no need to load what would look for it. */
async function hasNoStages(project: Project): Promise<boolean> {
  const text = await project.readText(files.pipeline);
  if (text === undefined) return true;
  try {
    return canonicalJson(loadYaml(text, files.pipeline) as Json) === '{"stages":{},"version":1}';
  } catch {
    // whoever looks for them says what is wrong
    return false;
  }
}

/** Data, artifacts, answers and run records behind the pointers of the work tree. */
export async function reachablePointers(project: Project, cli: Cli): Promise<Reachable[]> {
  if (!existsSync(join(project.root, files.models))) return [];
  const [{ listPointers }, { workTree }] = await Promise.all([import('../registry/pointer.ts'), import('../registry/tree.ts')]);
  const tree = workTree(project.root);
  return collectPointers(
    (await listPointers(tree)).map((place) => ({ tree, place })),
    project,
    cli,
  );
}

/** The same behind every pointer that the history of HEAD ever had: what a rollback may need. @throws PlumbError GIT_TOO_SHALLOW */
export async function reachableHistory(project: Project, cli: Cli): Promise<Reachable[]> {
  const [{ placeOf }, { commitTree }] = await Promise.all([import('../registry/pointer.ts'), import('../registry/tree.ts')]);
  const { git, prefix } = project;
  const changes = await git.logChanges('HEAD', { path: prefix + files.models });
  const pointers = changes.flatMap(({ commit, paths }) => {
    const tree = commitTree(git, prefix, commit.oid);
    return paths.flatMap((path) => {
      const place = placeOf(path.slice(prefix.length));
      return place === null ? [] : [{ tree, place }];
    });
  });
  return collectPointers(pointers, project, cli);
}

/** A broken pointer is told, and left out. One model that several pointers name is collected once. */
async function collectPointers(pointers: readonly { tree: FileTree; place: PointerPlace }[], project: Project, cli: Cli): Promise<Reachable[]> {
  const [{ readPointer }, { collectModel, modelOfPointer }] = await Promise.all([
    import('../registry/pointer.ts'),
    import('../registry/found-model.ts'),
  ]);
  const models = new Map<Digest, Reachable>();
  for (const { tree, place } of pointers) {
    try {
      const pointer = await readPointer(tree, place.model, place.stage);
      if (pointer === null || models.has(pointer.evaluation)) continue;
      models.set(pointer.evaluation, collectModel(await modelOfPointer(tree, pointer), project.store));
    } catch (error) {
      if (!isPlumbError(error)) throw error;
      cli.note(`${place.model} in ${place.stage} is left out: ${error.message}`);
    }
  }
  return [...models.values()];
}
