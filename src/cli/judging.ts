// What report, gate and promote share: the candidate of the work tree, judged under the policy of the base revision against what is served.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { parseYaml } from '../base/config.ts';
import { didYouMean } from '../base/names.ts';
import { selectStages } from '../pipeline/graph.ts';
import { openCommitTree } from '../pipeline/commit-tree.ts';
import { presentRecords } from '../pipeline/plan.ts';
import { loadPipeline } from '../pipeline/source-tree.ts';
import { evaluateInstead } from '../pipeline/substitute.ts';
import { files } from '../project/layout.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { modelOfPipeline, modelOfPointer, modelStages, onlyModel, type FoundModel } from '../registry/found-model.ts';
import { readPointer } from '../registry/pointer.ts';
import { policySchema, stages, type Pointer, type Policy, type Stage } from '../registry/schema.ts';
import { commitTree } from '../registry/tree.ts';
import { dataPart } from '../report/data-part.ts';
import { judge, type BranchChange, type Judgement } from '../report/judge.ts';
import type { Report } from '../report/schema.ts';
import type { Cli } from './command.ts';
import { describeCode, type OpenPipeline } from './open-pipeline.ts';
import { steps } from './steps.ts';

export interface JudgeWish {
  /** default: the only model of pipeline.yaml */
  readonly model: string | undefined;
  /** the stage whose gate judges */
  readonly stage: Stage;
  /** production, staging or a revision: what the report compares with; default production */
  readonly against: string | undefined;
  /** revision whose policy and pointers count; default: the main branch */
  readonly base: string | undefined;
  readonly links?: NonNullable<Report['links']>;
  /** what the branch changes, once it is known which model it is about; undefined: a report against the baseline */
  readonly branch?: (model: string) => Promise<BranchChange>;
}

export interface Judged {
  readonly model: string;
  readonly stage: Stage;
  readonly candidate: FoundModel;
  readonly judgement: Judgement;
  readonly base: Base;
  readonly policy: Policy;
  readonly served: Served;
  /** commit whose files the runs read, or null */
  readonly source: Oid | null;
}

type Served = Partial<Record<Stage, { pointer: Pointer; model: FoundModel }>>;

interface Base {
  /** the revision that it is */
  readonly name: string;
  /** null: the branch has no commit yet, or none with a policy */
  readonly commit: string | null;
  readonly policyText: string;
  readonly warnings: readonly string[];
}

/** @throws PlumbError RUN_MISSING when the pipeline has not been run for what is there now */
export async function judgeModel(open: OpenPipeline, wish: JudgeWish, cli: Cli): Promise<Judged> {
  const { project, pipeline } = open;
  const model = wish.model ?? onlyModel(pipeline);
  const chosen = modelStages(pipeline, model);
  const selected = selectStages(pipeline.stages, [chosen.artifactStage, chosen.evaluationStage]);
  const candidate = await modelOfPipeline(pipeline, await presentRecords(selected, open.context), model, project.store);
  const base = await findBase(project, wish.base);
  const policy = await parseYaml(base.policyText, files.policy, policySchema);
  const served = await findServed(project, base.commit, model);
  const branch = await wish.branch?.(model);
  const mergeBase = branch?.model ?? null;
  // with nothing served yet, a branch is compared with what it began from
  const begun = mergeBase === null || wish.against !== undefined ? null : { what: 'the merge base', model: mergeBase };
  const baseline = (await findBaseline(open, { ...wish, model, served })) ?? begun;
  const code = await describeCode(project);
  const evaluation = pipeline.stages.get(chosen.evaluationStage);
  if (evaluation === undefined) throw new Error(`no stage ${chosen.evaluationStage}`);
  const judgement = await judge(
    {
      ...(branch === undefined ? {} : { branch }),
      ...(wish.links === undefined ? {} : { links: wish.links }),
      candidate,
      stages: pipeline.stages,
      baseline,
      served,
      policy,
      stage: wish.stage,
      title: await titleOf(project, wish.base),
      warnings: [...base.warnings, ...(code.dirty ? ['the work tree has changes that are not committed'] : [])],
    },
    {
      store: project.store,
      evaluateInstead: (from, to) =>
        evaluateInstead(evaluation, from.evaluated, { from: from.artifact.digest, to: to.artifact.digest, run: to.made.digest }, open.world),
      diffData: (name, before, after) => dataPart(project.store, name, before, after, { signal: cli.signal, progress: cli.progress }),
    },
  );
  return { model, stage: wish.stage, candidate, judgement, base, policy, served, source: await sourceCommit(open, candidate) };
}

/** What a report of the work tree is called. @param base revision that it would be merged into; default: the main branch */
export async function titleOf(project: Project, base: string | undefined): Promise<{ revision: string; branch: string | null; base: string | null }> {
  const revision = revisionText(await describeCode(project));
  return { revision, branch: await project.git.branch(), base: shortRevision(base ?? project.config.main) };
}

/** A name as it is, a commit's id by its first digits. */
function shortRevision(name: string): string {
  return /^[0-9a-f]{40,64}$/.test(name) ? name.slice(0, 12) : name;
}

function revisionText(code: { commit: string | null; dirty: boolean }): string {
  if (code.commit === null) return 'no commit yet';
  return code.dirty ? `${code.commit.slice(0, 12)} with uncommitted changes` : code.commit.slice(0, 12);
}

/** The base branch judges. Where it does not exist yet, or has no policy yet, there is nothing to protect: the work tree's counts, and the report says so. */
async function findBase(project: Project, wanted: string | undefined): Promise<Base> {
  const { named, name, commit, warnings } = await findBaseCommit(project, wanted);
  const text = commit === null ? undefined : await project.readTextAt(commit, files.policy);
  if (text !== undefined) return { name, commit, policyText: text, warnings };
  const own = await project.readText(files.policy);
  if (own === undefined) {
    throw new PlumbError('CONFIG_MISSING', {
      what: `there is no ${files.policy}`,
      where: { file: files.policy },
      mend: 'write one: docs/reference/formats.md; `plumb init --template classifier` has an example',
    });
  }
  return { name, commit, policyText: own, warnings: [...warnings, `${named} has no ${files.policy} yet: the one of the work tree judged`] };
}

type BaseCommit = Pick<Base, 'name' | 'commit' | 'warnings'> & { /** as people call it */ readonly named: string };

/** What a branch would be merged into. @throws PlumbError GIT_REVISION_UNKNOWN */
export async function findBaseCommit(project: Project, wanted: string | undefined): Promise<BaseCommit> {
  const { git, config } = project;
  const named = wanted ?? config.main;
  const local = await git.resolve(named);
  const name = local === null && wanted === undefined ? `origin/${config.main}` : named;
  const commit = local ?? (name === named ? null : await git.resolve(name));
  if (commit === null && wanted !== undefined) {
    throw new PlumbError('GIT_REVISION_UNKNOWN', {
      what: `"${wanted}" names no commit`,
      mend: 'name a branch, a tag or a commit; in a shallow clone, fetch it first',
    });
  }
  if (commit === null && (await git.resolve('HEAD')) !== null && (await git.branch()) !== config.main) {
    // were the work tree's own policy to judge then, a branch would only have to misspell the name of its judge
    throw new PlumbError('GIT_REVISION_UNKNOWN', {
      what: `${files.config} says that the main branch is "${config.main}", which is neither here nor at origin: nobody can judge`,
      where: { file: files.config },
      mend: `correct \`main:\`, fetch the branch (git fetch origin ${config.main}), or name the base with --base`,
    });
  }
  return { named, name, commit, warnings: wanted === undefined ? await otherMainWarnings(project) : [] };
}

/** The work tree says which branch is the main one: whoever changes that on a branch chooses the judge. It is told where the branch that was the main one still is there. */
async function otherMainWarnings(project: Project): Promise<string[]> {
  const { git, config, prefix } = project;
  const versions = await earlierConfigs(project);
  const names = new Set<string>();
  for (const commit of versions) names.add(await mainAt(project, commit));
  names.delete(config.main);
  const warnings: string[] = [];
  for (const name of names) {
    const commit = (await git.resolve(`refs/heads/${name}`)) ?? (await git.resolve(`refs/remotes/origin/${name}`));
    if (commit === null || (await mainAt(project, commit)) !== name) continue;
    const file = `${prefix}${files.config}`;
    warnings.push(
      `${file} here says that the main branch is "${config.main}", and "${name}" was it and still says so: what judged is not what "${name}" has; \`--base ${name}\` asks that`,
    );
  }
  return warnings;
}

/** Commits whose plumbline.yaml may name another main branch: those of this branch that changed it, and what origin calls its own. */
async function earlierConfigs({ git, prefix }: Project): Promise<string[]> {
  const origin = await git.resolve('refs/remotes/origin/HEAD');
  const head = await git.resolve('HEAD');
  const changes = head === null ? [] : await git.log(head, { path: prefix + files.config }).catch(noneIfShallow);
  return [...(origin === null ? [] : [origin]), ...changes.map((change) => change.oid)];
}

/** A shallow clone cannot tell; CI, which has one, names its base. */
function noneIfShallow(error: unknown): [] {
  if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return [];
  throw error;
}

/** What a commit's plumbline.yaml says; a version that does not parse says nothing. */
async function mainAt(project: Project, commit: string): Promise<string> {
  const text = await project.readTextAt(commit, files.config);
  const { projectConfigSchema } = await import('../project/config.ts');
  const parsed = text === undefined ? null : await parseYaml(text, files.config, projectConfigSchema).catch(() => null);
  return parsed?.main ?? project.config.main;
}

async function findServed(project: Project, commit: string | null, model: string): Promise<Served> {
  if (commit === null) return {};
  const tree = commitTree(project.git, project.prefix, commit);
  const served: Served = {};
  for (const stage of stages) {
    const pointer = await readPointer(tree, model, stage);
    if (pointer !== null) served[stage] = { pointer, model: await modelOfPointer(tree, pointer) };
  }
  return served;
}

async function findBaseline(
  open: OpenPipeline,
  wish: JudgeWish & { model: string; served: Served },
): Promise<{ what: string; model: FoundModel } | null> {
  const what = wish.against ?? 'production';
  const stage = stages.find((one) => one === what);
  if (stage !== undefined) {
    const served = wish.served[stage];
    return served === undefined ? null : { what, model: served.model };
  }
  const commit = await open.project.git.resolve(what);
  if (commit === null) {
    throw new PlumbError('GIT_REVISION_UNKNOWN', {
      what: `--against ${what}: neither a stage nor a revision.${didYouMean(what, stages)}`,
      mend: 'write production, staging, a branch, a tag or a commit',
    });
  }
  return { what, model: await modelAt(open, commit, wish.model) };
}

/** The model that the pipeline of a commit made. @throws PlumbError RUN_MISSING when it was not run, and what binding finds */
export async function modelAt(open: OpenPipeline, commit: Oid, name: string): Promise<FoundModel> {
  const tree = await openCommitTree(open.project, commit);
  const pipeline = await loadPipeline(tree, steps);
  const chosen = modelStages(pipeline, name);
  const selected = selectStages(pipeline.stages, [chosen.artifactStage, chosen.evaluationStage]);
  return modelOfPipeline(pipeline, await presentRecords(selected, { ...open.context, tree, pipeline }), name, open.project.store);
}

/**
 * The commit whose files the runs read: HEAD where its own pipeline leads to these very runs (people run first and commit then), else the commit
 * of the run; null when that was of files that no commit has.
 */
async function sourceCommit(open: OpenPipeline, candidate: FoundModel): Promise<Oid | null> {
  const head = await open.project.git.resolve('HEAD');
  const there = head === null ? null : await modelAt(open, head, candidate.name).catch(noneIfNotRun);
  if (there?.made.digest === candidate.made.digest && there.evaluated.digest === candidate.evaluated.digest) return head;
  const { code } = candidate.made.record;
  return code.dirty ? null : code.commit;
}

/** HEAD may have another pipeline, or one that was never run: then it is not the source. */
function noneIfNotRun(error: unknown): null {
  if (isPlumbError(error)) return null;
  throw error;
}
