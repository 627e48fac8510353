// The report of a project that names no model: what changed in its data, and what their checks say.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { partedFrom } from '../ci/changes.ts';
import type { Oid } from '../git/git.ts';
import type { Pipeline } from '../pipeline/source-tree.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { stages } from '../registry/schema.ts';
import { buildReport } from '../report/build.ts';
import { problemOfData } from '../report/data-verdict.ts';
import type { ReportParts } from '../report/parts.ts';
import type { Report } from '../report/schema.ts';
import { describeBranch, nothingBefore, openBefore, type Described } from './branch-change.ts';
import type { Cli } from './command.ts';
import { findBaseCommit, titleOf } from './judging.ts';
import type { OpenPipeline } from './open-pipeline.ts';

export interface DataWish {
  /** what the data are compared with; default: where the branch left its base, on the main branch the version before */
  readonly against: string | undefined;
  /** default: the main branch */
  readonly base: string | undefined;
  /** run id of the CI job that asks; null: none */
  readonly ciRun: string | null;
  readonly links?: Report['links'];
}

export const namesModels = ({ config }: Pipeline): boolean => Object.keys(config.models).length > 0;

/** Is a report of data meant? Not where anybody names a model. */
export function isOfData(model: string | undefined, pipelines: readonly Pipeline[]): boolean {
  return model === undefined && !pipelines.some(namesModels);
}

/** Where there is no pipeline.yaml, a report of data is of one without stages. */
export async function withoutPipeline(project: Project, model: string | undefined): Promise<ReadonlyMap<string, string>> {
  const isThere = model !== undefined || (await project.readText(files.pipeline)) !== undefined;
  return isThere ? new Map() : new Map([[files.pipeline, 'version: 1\nstages: {}\n']]);
}

/** @throws PlumbError GIT_REVISION_UNKNOWN, DATASET_MODIFIED */
export async function reportData(open: OpenPipeline, wish: DataWish, cli: Cli): Promise<Report> {
  const { project } = open;
  const base = await findBaseCommit(project, wish.base);
  const since = await commitBefore(project, base.commit, wish.against);
  const before = since === null ? nothingBefore : await openBefore(project, since);
  const described = await describeBranch(open, { before, ciRun: wish.ciRun }, cli);
  const bare = {
    ...emptyParts,
    model: null,
    title: await titleOf(project, wish.base),
    ...(wish.links === undefined ? {} : { links: wish.links }),
    ...(since === null ? {} : { change: { since: since.slice(0, 12), relevant: true, why: [] } }),
  };
  return buildReport(withData(bare, described, base.warnings));
}

export function withData(bare: ReportParts, described: Described, warnings: readonly string[]): ReportParts {
  const problem = problemOfData(described);
  // those of a first pipeline are what it says, no change
  const params = described.params.some(({ before }) => before !== undefined) ? described.params : [];
  return { ...bare, ...described, params, ...(problem === null ? {} : { problem }), warnings: [...warnings, ...described.warnings] };
}

export const emptyParts: Omit<ReportParts, 'model' | 'title'> = {
  gate: null,
  candidate: null,
  baseline: null,
  data: [],
  params: [],
  stages: [],
  evaluation: null,
  baselineEvaluation: null,
  comparison: null,
  curves: [],
  cost: { seconds: 0 },
  warnings: [],
};

/** @returns null: there was nothing before */
async function commitBefore(project: Project, base: Oid | null, against: string | undefined): Promise<Oid | null> {
  const { git } = project;
  const head = await git.resolve('HEAD');
  if (against !== undefined && !stages.some((stage) => stage === against)) {
    const commit = await git.resolve(against);
    if (commit !== null) return commit;
    throw new PlumbError('GIT_REVISION_UNKNOWN', { what: `--against ${against} names no commit`, mend: 'write a branch, a tag or a commit' });
  }
  if (head === null) return null;
  const parted = base === null ? head : await partedFrom(project, base);
  return parted === head ? versionBefore(project, head) : parted;
}

/** On the main branch: what is not committed stands beside the commit, else the last change of the data beside what was before. */
async function versionBefore({ git, prefix, readText, readTextAt }: Project, head: Oid): Promise<Oid | null> {
  if ((await readText(files.lock)) !== (await readTextAt(head, files.lock))) return head;
  try {
    const [last] = await git.log(head, { path: prefix + files.lock, max: 1 });
    return last === undefined ? head : (last.parents[0] ?? null);
  } catch (error) {
    if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return head;
    throw error;
  }
}
