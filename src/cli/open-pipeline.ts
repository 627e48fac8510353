// A project with its pipeline bound to the work tree: what run, report, gate and promote begin with.
import { openStatIndex, type StatIndex } from '../datasets/stat-index.ts';
import type { PlanContext } from '../pipeline/plan.ts';
import { RunLog } from '../pipeline/records.ts';
import { loadPipeline, type Pipeline } from '../pipeline/source-tree.ts';
import type { StageWorld } from '../pipeline/stage-run.ts';
import { openWorkTree, type WorkTree } from '../pipeline/work-tree.ts';
import type { Project } from '../project/open.ts';
import type { Cli } from './command.ts';
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

/** Opens it for the time of some work; what was learned about files is kept afterwards. */
export async function withPipeline<T>(project: Project, cli: Cli, work: (open: OpenPipeline) => Promise<T>): Promise<T> {
  const index = await openStatIndex(project);
  try {
    return await work(await openPipeline(project, index, cli));
  } finally {
    index.save();
  }
}

async function openPipeline(project: Project, index: StatIndex, cli: Cli): Promise<OpenPipeline> {
  const tree = await openWorkTree(project, index);
  const pipeline = await loadPipeline(tree, steps);
  const log = new RunLog(project.localDir);
  const context: PlanContext = { store: project.store, tree, pipeline, log: await log.read() };
  return { project, pipeline, tree, context, world: stageWorld(project, tree, cli), log };
}

function stageWorld(project: Project, workspace: WorkTree, cli: Cli): StageWorld {
  let code: ReturnType<StageWorld['code']> | undefined;
  return {
    store: project.store,
    workspace,
    stepCommand: [...plumbProgram, 'step'],
    env: cli.env,
    version,
    progress: cli.progress,
    signal: cli.signal,
    now: () => cli.now(),
    onLine: (stage, line) => cli.note(`${cli.paint.dim(`${stage} |`)} ${printable(line)}`),
    code: () => (code ??= describeCode(project)),
  };
}

/** The commit of the work tree; dirty when anything of the project differs from it. */
export async function describeCode(project: Project): Promise<{ commit: string | null; dirty: boolean }> {
  const commit = await project.git.resolve('HEAD');
  const dirty = commit === null || (await project.git.dirtyPaths([project.prefix.replace(/\/$/, '')])).length > 0;
  return { commit, dirty };
}

/** What a stage prints is shown, not obeyed: control characters of a terminal and commands of a CI do nothing. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters to take out
  return line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '').replace(/^::/, ' ::');
}
