import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import type { PromotionPlan } from '../registry/promotion.ts';
import type { Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import type { Judged } from './judging.ts';
import { forgeOption, type ForgeOptions } from './open-forge.ts';
import { withPipeline } from './open-pipeline.ts';
import { checkGround, planMoves, readGround, refuseStrayBranch, sendModel, together, type Decision, type Ground } from './promote-plan.ts';

export interface PromoteOptions extends ForgeOptions {
  readonly to: Stage;
  readonly force?: true;
  readonly again?: true;
  readonly reason?: string;
  readonly base?: string;
  readonly commit: boolean;
  readonly pr?: true;
  readonly dryRun?: true;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model...>', 'names of models; several move as one commit')
    .requiredOption('--to <stage>', 'staging or production')
    .option('--pr', "open a pull request on top of origin's main branch, or bring the open one up to date; nothing here changes")
    .option('--reason <text>', 'why; needed with --force and --again, recorded in the evidence and shown in history')
    .option('--force', 'promote although the gate does not hold')
    .option('--again', 'promote a model that was taken back before')
    .option('--base <revision>', 'revision whose policy and pointers count (default: the main branch)')
    .option('--no-commit', 'write the pointer and its evidence, commit nothing')
    .option('--dry-run', 'decide, and say what would come of it; nothing is written or sent')
    .addOption(forgeOption())
    .addHelpText(
      'after',
      '\nWrites models/<model>/<stage>.json with its evidence, and commits just these files; with --pr on a branch of its own, with the report as the text of\n' +
        'the pull request. That needs a token in PLUMB_FORGE_TOKEN (GITHUB_TOKEN, GITEA_TOKEN).\n\n' +
        'Examples:\n  $ plumb promote intents --to staging\n  $ plumb promote intents router --to production --pr',
    )
    .action(async (models: string[], options: PromoteOptions) => promote(models, options, cli));
};

async function promote(models: readonly string[], options: PromoteOptions, cli: Cli): Promise<void> {
  checkOptions(models, options);
  const project = await openProject(cli);
  if (options.pr === true) return (await import('./promote-pull.ts')).promoteByPull(project, models, options, cli);
  // what a killed promotion left would be in the way of this one
  const { undoUnfinished } = await import('../project/together.ts');
  if (options.dryRun !== true) await project.mutex(() => undoUnfinished(project));
  const judged = await judgeModels(project, models, { ...options, cli });
  // a refusal comes before anything is sent
  const before = await groundHere(project, judged);
  const plans = await decideHere(project, judged, { options, cli, ground: before });
  if (options.dryRun === true) return tell(plans, judged, { commit: null, ended: 'nothing was written: --dry-run', cli });
  for (const one of judged) await sendModel(project, one, cli);
  const commit = await project.mutex(async () => {
    await undoUnfinished(project);
    checkGround(before, await groundHere(project, judged));
    return carryOut(project, plans, options.commit);
  });
  const ended =
    commit === null
      ? `not committed: ${models.map((model) => `models/${model}`).join(', ')} ${models.length === 1 ? 'has' : 'have'} the pointer and its evidence`
      : `commit ${commit.slice(0, 12)}. ${wayOn(judged)}`;
  tell(plans, judged, { commit, ended, cli });
}

/** Where a log of decisions says what is served, a push alone is refused: nobody can have approved it. */
function wayOn(judged: readonly Judged[]): string {
  if (!judged.some(({ policy }) => policy.audit !== undefined)) return 'Push it: serving follows the branch.';
  return 'It is served once a pull request brought it (push a branch, or `plumb promote --pr`); pushed to main, `plumb reconcile` refuses it.';
}

function checkOptions(models: readonly string[], options: PromoteOptions): void {
  const usage = (what: string, mend: string): PlumbError => new PlumbError('USAGE', { what, mend });
  if (options.to !== 'staging' && options.to !== 'production')
    throw usage(`--to ${String(options.to)}: there is no such stage`, 'write --to staging or --to production');
  if ((options.force === true || options.again === true) && (options.reason ?? '').trim() === '')
    throw usage('--force and --again need a reason', 'add --reason "why": it is recorded and shown for ever');
  if (new Set(models).size < models.length) throw usage('a model is named twice', 'name each once');
  if (options.pr === true && (options.base !== undefined || !options.commit))
    throw usage("--pr is judged by origin's main branch, and always commits", 'leave --base and --no-commit out');
}

/** @param base revision whose policy and pointers count */
export async function judgeModels(
  project: Project,
  models: readonly string[],
  { to, base, dryRun, cli }: { readonly to: Stage; readonly base?: string | undefined; readonly dryRun?: true | undefined; readonly cli: Cli },
): Promise<Judged[]> {
  const [{ judgeModel }, { publishBaselines }] = await Promise.all([import('./judging.ts'), import('./publish-baselines.ts')]);
  return withPipeline(project, cli, async (open) => {
    const judged: Judged[] = [];
    for (const model of models) judged.push(await judgeModel(open, { model, stage: to, against: to, base }, cli));
    if (dryRun !== true) await publishBaselines(open, judged, cli);
    return judged;
  });
}

/** Of the work tree. */
async function groundHere({ git, root }: Project, judged: readonly Judged[]): Promise<Ground> {
  const { workTree } = await import('../registry/tree.ts');
  const base = judged[0]?.base.name;
  return readGround(judged, {
    tree: workTree(root),
    head: await git.resolve('HEAD'),
    base: base === undefined ? null : await git.resolve(base),
  });
}

async function decideHere(
  project: Project,
  judged: readonly Judged[],
  { options, cli, ground }: { readonly options: PromoteOptions; readonly cli: Cli; readonly ground: Ground },
): Promise<PromotionPlan[]> {
  const { committer } = await import('./promotion-pull.ts');
  const { name, email } = await committer(project, cli);
  for (const one of judged) {
    if (ground.base !== one.base.commit) checkGround({ ...ground, base: one.base.commit }, ground);
    refuseStrayBranch(one, ground);
  }
  return planMoves(project, judged, { ground, decision: decisionOf(options, { by: `${name} <${email}>`, at: cli.now(), base: ground.base }) });
}

export function decisionOf(options: PromoteOptions, rest: Pick<Decision, 'by' | 'at' | 'base'>): Decision {
  return { ...rest, force: options.force === true, again: options.again === true, reason: options.reason ?? '' };
}

/** Evidence first, the pointers last; a failed commit puts all of it back. */
async function carryOut(project: Project, plans: readonly PromotionPlan[], commit: boolean): Promise<string | null> {
  const { changeTogether } = await import('../project/together.ts');
  const { files, message } = together(plans);
  const paths = files.map((file) => project.prefix + file.path);
  return changeTogether(project, files, async () => (commit ? project.git.commit(message, paths) : null));
}

export interface Outcome {
  readonly commit: string | null;
  /** the last line for people */
  readonly ended: string;
  readonly cli: Cli;
  /** for --json, beside what a promotion says */
  readonly more?: Readonly<Record<string, unknown>>;
}

export function tell(plans: readonly PromotionPlan[], judged: readonly Judged[], { commit, ended, cli, more = {} }: Outcome): void {
  const moves = plans.map(({ pointer, forced }) => {
    const report = judged.find(({ model }) => model === pointer.model)?.judgement.report;
    return { model: pointer.model, artifact: pointer.artifact.digest, forced, verdict: report?.verdict ?? null, warnings: report?.warnings ?? [] };
  });
  const stage = plans[0]?.pointer.stage ?? null;
  const documents = moves.map(({ warnings: _, ...move }) => move);
  // of one model, as it always was
  const only = documents.length === 1 ? documents[0] : {};
  cli.emit({ ...only, stage, commit, moves: documents, files: together(plans).files.map((file) => file.path), ...more });
  for (const warning of new Set(moves.flatMap(({ warnings }) => warnings))) cli.note(cli.paint.yellow(`! ${warning}`));
  for (const { model, artifact, forced, verdict } of moves) {
    const how = forced ? cli.paint.red('FORCED') : cli.paint.green('promoted');
    cli.print(`${how} ${model} ${cli.paint.bold(shortDigest(artifact))} to ${stage}; against ${stage}: ${verdict}`);
  }
  cli.print(ended);
}
