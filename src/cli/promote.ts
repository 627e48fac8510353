import { canonicalJson } from '../base/canonical.ts';
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import type { PointerHistory } from '../registry/history.ts';
import type { PromotionPlan } from '../registry/promotion.ts';
import type { Pointer, Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import type { Judged } from './judging.ts';
import { withPipeline } from './open-pipeline.ts';

interface PromoteOptions {
  readonly to: Stage;
  readonly force?: boolean;
  readonly again?: boolean;
  readonly reason?: string;
  readonly base?: string;
  readonly commit: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model>', 'name of a model')
    .requiredOption('--to <stage>', 'staging or production')
    .option('--reason <text>', 'why; needed with --force and --again, recorded in the evidence and shown in history')
    .option('--force', 'promote although the gate does not hold')
    .option('--again', 'promote a model that was taken back before')
    .option('--base <revision>', 'revision whose policy and pointers count (default: the main branch)')
    .option('--no-commit', 'write the pointer and its evidence, commit nothing')
    .addHelpText(
      'after',
      '\nWrites models/<model>/<stage>.json with its evidence, and commits just these files.\n\nExample:\n  $ plumb promote intents --to production',
    )
    .action(async (model: string, options: PromoteOptions) => promote(model, options, cli));
};

async function promote(model: string, options: PromoteOptions, cli: Cli): Promise<void> {
  if (options.to !== 'staging' && options.to !== 'production') {
    throw new PlumbError('USAGE', { what: `--to ${String(options.to)}: there is no such stage`, mend: 'write --to staging or --to production' });
  }
  if ((options.force === true || options.again === true) && (options.reason ?? '').trim() === '') {
    throw new PlumbError('USAGE', { what: '--force and --again need a reason', mend: 'add --reason "why": it is recorded and shown for ever' });
  }
  const project = await openProject(cli);
  // what a killed promotion left would be in the way of this one
  const { undoUnfinished } = await import('../project/together.ts');
  await project.mutex(() => undoUnfinished(project));
  const { judgeModel } = await import('./judging.ts');
  const judged = await withPipeline(project, cli, (open) =>
    judgeModel(open, { model, stage: options.to, against: options.to, base: options.base }, cli),
  );
  // a refusal comes before anything is sent
  const before = await readGround(project, judged);
  const plan = await decide(project, judged, { options, cli, ground: before });
  await sendModel(project, judged, cli);
  const commit = await project.mutex(async () => {
    await undoUnfinished(project);
    checkGround(before, await readGround(project, judged));
    return carryOut(project, plan, options.commit);
  });
  const { pointer } = plan;
  cli.emit({
    model,
    stage: options.to,
    artifact: pointer.artifact.digest,
    commit,
    forced: plan.forced,
    files: plan.files.map((file) => file.path),
    verdict: judged.judgement.report.verdict,
  });
  for (const warning of judged.judgement.report.warnings) cli.note(cli.paint.yellow(`! ${warning}`));
  const how = plan.forced ? cli.paint.red('FORCED') : cli.paint.green('promoted');
  cli.print(
    `${how} ${model} ${cli.paint.bold(shortDigest(pointer.artifact.digest))} to ${options.to}; against ${options.to}: ${judged.judgement.report.verdict}`,
  );
  cli.print(
    commit === null
      ? `not committed: models/${model} has the pointer and its evidence`
      : `commit ${commit.slice(0, 12)}. Push it: serving follows the branch.`,
  );
}

/** Before a pointer names them, the bytes are where everybody can fetch them; what the remote has is not sent again. */
async function sendModel(project: Project, judged: Judged, cli: Cli): Promise<void> {
  if (project.store.remoteUrl === null) return;
  const { collectModel } = await import('../registry/found-model.ts');
  const { roots, names } = collectModel(judged.candidate, project.store);
  await project.store.push(roots, names, cli);
}

/** What a decision stands on. */
interface Ground {
  readonly head: string | null;
  readonly base: string | null;
  /** of the work tree: what is in the stage, and in staging */
  readonly current: Pointer | null;
  readonly staging: Pointer | null;
}

async function readGround({ git, root }: Project, { model, stage, base }: Judged): Promise<Ground> {
  const [{ readPointer }, { workTree }] = await Promise.all([import('../registry/pointer.ts'), import('../registry/tree.ts')]);
  const here = workTree(root);
  return {
    head: await git.resolve('HEAD'),
    base: await git.resolve(base.name),
    current: await readPointer(here, model, stage),
    staging: await readPointer(here, model, 'staging'),
  };
}

/** Nothing of it may have moved while the model was judged and sent. */
function checkGround(before: Ground, now: Ground): void {
  if (canonicalJson({ ...before }) === canonicalJson({ ...now })) return;
  throw new PlumbError('REPOSITORY_BUSY', {
    what: 'a commit or another promotion came between the decision and its commit',
    mend: 'run it again: it is decided on what is there now',
  });
}

async function decide(
  project: Project,
  judged: Judged,
  { options, cli, ground }: { readonly options: PromoteOptions; readonly cli: Cli; readonly ground: Ground },
): Promise<PromotionPlan> {
  const [{ planPromotion }, { pointerHistory }] = await Promise.all([import('../registry/promotion.ts'), import('../registry/history.ts')]);
  const { candidate, judgement, base } = judged;
  const { head, current, staging } = ground;
  if (ground.base !== base.commit) checkGround({ ...ground, base: base.commit }, ground);
  const identity = await project.git.identity();
  if (identity === null)
    throw new PlumbError('GIT_FAILED', {
      what: 'git does not know who you are',
      mend: 'git config user.name "Your Name" && git config user.email you@example.org',
    });
  const historyAt = async (commit: string | null): Promise<PointerHistory> =>
    commit === null ? [] : pointerHistory(project.git, project.prefix, commit, judged.model, judged.stage);
  const json = canonicalJson(judgement.report);
  const reason = { reason: options.reason ?? '' };
  refuseStrayBranch(judged, current);
  return planPromotion({
    model: judged.model,
    stage: judged.stage,
    policy: judged.policy,
    policyText: base.policyText,
    candidate: {
      artifact: candidate.artifact,
      run: candidate.made.digest,
      evaluation: candidate.evaluated.digest,
      records: candidate.records,
      data: candidate.data,
      code: judged.source,
      metrics: candidate.evaluated.record.metrics,
    },
    report: { digest: digestOf(json), json },
    gate: judgement.gate,
    comparisons: judgement.comparisons,
    current,
    staging,
    history: await historyAt(head),
    // what the base took back is taken back, also for a branch that began before it
    baseHistory: base.commit === head ? [] : await historyAt(base.commit),
    by: `${identity.name} <${identity.email}>`,
    at: cli.now(),
    base: base.commit,
    ...(options.force === true ? { force: reason } : {}),
    ...(options.again === true ? { again: reason } : {}),
  });
}

/** What moves is the pointer of this branch, what judges is the base: both must begin at the same model. */
function refuseStrayBranch({ model, stage, served, base }: Judged, current: Pointer | null): void {
  const there = served[stage]?.pointer.artifact.digest;
  const here = current?.artifact.digest;
  if (base.commit === null || there === here) return;
  const name = (digest: Digest | undefined): string => (digest === undefined ? 'nothing' : shortDigest(digest));
  throw new PlumbError('PROMOTION_REFUSED', {
    what: `on this branch ${name(here)} is in ${stage} as ${model}, on the base ${name(there)}: the comparison would be with another model than the one that is replaced`,
    mend: 'merge the base into this branch, or promote on the base itself',
  });
}

/** Evidence first, the pointer last; a failed commit puts all of it back. */
async function carryOut(project: Project, plan: PromotionPlan, commit: boolean): Promise<string | null> {
  const { changeTogether } = await import('../project/together.ts');
  const isPointer = (path: string): boolean => path === `models/${plan.pointer.model}/${plan.pointer.stage}.json`;
  const ordered = plan.files.toSorted((a, b) => Number(isPointer(a.path)) - Number(isPointer(b.path)));
  const paths = plan.files.map((file) => project.prefix + file.path);
  return changeTogether(project, ordered, async () => (commit ? project.git.commit(plan.message, paths) : null));
}
