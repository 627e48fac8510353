// A project with its pipeline bound to the work tree: what run, report, gate and promote begin with.
import { PlumbError } from '../base/errors.ts';
import { openStatIndex, type StatIndex } from '../datasets/stat-index.ts';
import type { PlanContext } from '../pipeline/plan.ts';
import { RunLog } from '../pipeline/records.ts';
import { loadPipeline, type Pipeline } from '../pipeline/source-tree.ts';
import type { StageWorld } from '../pipeline/stage-run.ts';
import { openWorkTree, type WorkTree } from '../pipeline/work-tree.ts';
import type { Project } from '../project/open.ts';
import { describeBuilder, stageEnvironment } from '../pipeline/environment.ts';
import type { RunNames } from '../pipeline/run-names.ts';
import { files } from '../project/layout.ts';
import { readJobEvent } from '../project/trust-domain.ts';
import { memoryFolder } from '../quality/memory.ts';
import type { Cli } from './command.ts';
import { openRunNames } from './open-run-names.ts';
import { plumbProgram } from './plumb-program.ts';
import { steps } from './steps.ts';
import { version } from './version.ts';

export interface OpenPipeline {
  readonly project: Project;
  readonly pipeline: Pipeline;
  readonly tree: WorkTree;
  readonly context: PlanContext;
  readonly world: StageWorld;
  readonly log: RunLog;
}

/**
 * Opens it for the time of some work; what was learned about files is kept afterwards.
 * @param texts files that count as if they said this, by path in the project
 */
export async function withPipeline<T>(
  project: Project,
  cli: Cli,
  work: (open: OpenPipeline) => Promise<T>,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<T> {
  await refuseTrackedCache(project);
  const index = await openStatIndex(project);
  try {
    return await work(await openPipeline({ ...project, readText: async (path) => texts.get(path) ?? project.readText(path) }, index, cli));
  } finally {
    index.save();
    const { unreachable } = project.store;
    if (unreachable !== null) cli.note(`the remote was not asked for earlier runs: ${unreachable.message}`);
  }
}

/** A branch that brings a cache along would bring results along that nobody has run. */
async function refuseTrackedCache({ git, prefix }: Project): Promise<void> {
  const path = prefix + files.local;
  if (!(await git.isTracked(path))) return;
  throw new PlumbError('CONFIG_INVALID', {
    what: `git tracks ${path}: what is cached there would come from a branch, not from a run`,
    where: { file: path },
    mend: `git rm -r --cached ${files.local}, and keep ${files.local}/ in .gitignore`,
  });
}

async function openPipeline(project: Project, index: StatIndex, cli: Cli): Promise<OpenPipeline> {
  const tree = await openWorkTree(project, index);
  const pipeline = await loadPipeline(tree, steps);
  const log = new RunLog(project.localDir);
  const runs = await openRunNames(project, cli.env);
  const day = cli.now().toISOString().slice(0, 10);
  const context: PlanContext = { store: project.store, runs, tree, pipeline, day, log: await log.read() };
  return { project, pipeline, tree, context, world: stageWorld(project, { workspace: tree, runs }, cli), log };
}

function stageWorld(project: Project, { workspace, runs }: { workspace: WorkTree; runs: RunNames }, cli: Cli): StageWorld {
  let code: ReturnType<StageWorld['code']> | undefined;
  return {
    store: project.store,
    runs,
    builder: describeBuilder(cli.env, readJobEvent(cli.env), runs.domain),
    workspace,
    stepCommand: [...plumbProgram, 'step'],
    env: stageEnvironment(cli.env),
    memoryDir: memoryFolder(project.store.cacheDir),
    // what main builds on is found in the bytes alone: jobs on pull requests may have written there
    recalls: runs.domain.kind !== 'trusted',
    version,
    progress: cli.progress,
    signal: cli.signal,
    now: () => cli.now(),
    onLine: (stage, line) => cli.note(`${cli.paint.dim(`${stage} |`)} ${line}`),
    code: () => (code ??= describeCode(project)),
  };
}

/** The commit of the work tree; dirty when anything of the project differs from it. */
export async function describeCode(project: Project): Promise<{ commit: string | null; dirty: boolean }> {
  const commit = await project.git.resolve('HEAD');
  const dirty = commit === null || (await project.git.dirtyPaths([project.prefix.replace(/\/$/, '')])).length > 0;
  return { commit, dirty };
}
