// `plumb promote --pr`: judged against origin's main branch as it is now, committed on top of it, and opened as a pull request.
import { digestOf, hexOf, shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { refuseTokenOfJob } from '../ci/forge-place.ts';
import type { Oid } from '../git/git.ts';
import { files as projectFiles } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { readPromotion } from '../registry/evidence.ts';
import { readPointer } from '../registry/pointer.ts';
import type { PromotionPlan } from '../registry/promotion.ts';
import { commitTree } from '../registry/tree.ts';
import type { Cli } from './command.ts';
import type { Judged } from './judging.ts';
import { openForgeOf } from './open-forge.ts';
import { planMoves, readGround, sendModel, together, type Decision, type Ground } from './promote-plan.ts';
import { decisionOf, judgeModels, tell, type PromoteOptions } from './promote.ts';
import { committer, fetchBranch, fetchMain, hasJust, openPull, type PullPlan, type RemoteMain } from './promotion-pull.ts';
import { pullText } from './promotion-text.ts';

export async function promoteByPull(project: Project, models: readonly string[], options: PromoteOptions, cli: Cli): Promise<void> {
  // what this token cannot do is said before anything is sent
  const open = await openForgeOf(project, options, cli, refuseTokenOfJob);
  const main = await fetchMain(project, open);
  const judged = await judgeModels(project, models, { to: options.to, base: await nameOfBase(project, main), cli });
  const author = await committer(project, cli);
  const tree = commitTree(project.git, project.prefix, main.commit);
  const ground = await readGround(judged, { tree, head: main.commit, base: main.commit });
  const branch = branchOf(judged);
  const fresh = decisionOf(options, { by: `${author.name} <${author.email}>`, at: cli.now(), base: main.commit });
  const before = await fetchBranch(project.git, branch, open.gitToken);
  const again = before === null ? null : await sameAsBefore(project, judged, { tip: before, main, ground, fresh });
  const plans = again ?? (await planMoves(project, judged, { ground, decision: fresh }));
  const plan: PullPlan = { branch, main, author, ...changeOf(project, plans), body: bodyOf(plans, judged, { ground, options }) };
  if (options.dryRun === true) {
    const ended = `nothing was sent: --dry-run; it would be the branch ${branch}, on top of ${main.commit.slice(0, 12)}`;
    return tell(plans, judged, { commit: null, ended, cli, more: { branch, base: main.commit, pull: null } });
  }
  for (const one of judged) await sendModel(project, one, cli);
  const { number, url, commit, state, warning } = await openPull(project.git, open, plan);
  if (warning !== null) cli.note(cli.paint.yellow(`! ${warning}`));
  const more = { branch, base: main.commit, pull: { number, url, state }, warnings: warning === null ? [] : [warning] };
  const ended = `pull request ${number} ${state === 'unchanged' ? 'says so already' : state}: ${url}\nIts merge is the promotion.`;
  tell(plans, judged, { commit, ended, cli, more });
}

/** A name, not a commit: it stands in the report, whose bytes shall be the same while main goes on. */
async function nameOfBase({ git, prefix }: Project, { branch, commit }: RemoteMain): Promise<string> {
  const name = `origin/${branch}`;
  if ((await git.resolve(name)) !== commit)
    throw new PlumbError('GIT_REVISION_AMBIGUOUS', {
      what: `"${name}" is something else here than the main branch of origin`,
      mend: `git branch -m ${name} <another name>`,
    });
  if ((await git.readBlob(commit, prefix + projectFiles.policy)) !== null) return name;
  throw new PlumbError('CONFIG_MISSING', {
    what: `${branch} of origin has no ${projectFiles.policy}: nobody could judge this pull request`,
    where: { file: projectFiles.policy },
    mend: `bring one to ${branch} first`,
  });
}

/** One branch for one content: asked for again, it is the same. */
function branchOf(judged: readonly Judged[]): string {
  const [first] = judged;
  if (first === undefined) throw new Error('nothing is promoted');
  const digests = judged.map(({ model, candidate }) => `${model} ${candidate.artifact.digest}`).toSorted();
  const rest = judged.length === 1 ? '' : `-and-${judged.length - 1}-more`;
  const digest = judged.length === 1 ? shortDigest(first.candidate.artifact.digest) : hexOf(digestOf(digests.join('\n'))).slice(0, 12);
  return `plumb/promote/${digests[0]?.split(' ')[0]}${rest}-${first.stage}-${digest}`;
}

interface Before {
  readonly tip: Oid;
  readonly main: RemoteMain;
  readonly ground: Ground;
  readonly fresh: Decision;
}

/**
 * Decided again with the time, the person and the base that the open branch has: where the same bytes come of it, they stay, with whatever was approved.
 * @returns null: another decision
 */
async function sameAsBefore(project: Project, judged: readonly Judged[], { tip, main, ground, fresh }: Before): Promise<PromotionPlan[] | null> {
  const tree = commitTree(project.git, project.prefix, tip);
  const [first] = judged;
  if (first === undefined) return null;
  const record = await readPointer(tree, first.model, first.stage)
    .then((pointer) => (pointer === null ? null : readPromotion(tree, pointer)))
    .catch((error: unknown) => {
      // somebody else's push to that branch: it is replaced
      if (error instanceof PlumbError) return null;
      throw error;
    });
  if (record === null) return null;
  const decision = { ...fresh, by: record.by, at: new Date(record.at), base: record.base };
  const plans = await planMoves(project, judged, { ground, decision });
  return (await hasJust(project.git, tip, { main, ...changeOf(project, plans) })) ? plans : null;
}

function changeOf({ prefix }: Project, plans: readonly PromotionPlan[]): Pick<PullPlan, 'files' | 'message'> {
  const { files, message } = together(plans);
  return { message, files: new Map(files.map(({ path, bytes }) => [prefix + path, Buffer.from(bytes)])) };
}

function bodyOf(
  plans: readonly PromotionPlan[],
  judged: readonly Judged[],
  { ground, options }: { ground: Ground; options: PromoteOptions },
): string {
  const moves = plans.map(({ pointer: { model, stage, artifact } }) => ({
    model,
    stage,
    from: ground.pointers[model]?.current?.artifact.digest ?? null,
    to: artifact.digest,
  }));
  const forced = plans
    .filter((plan) => plan.forced)
    .map(({ pointer }) => `The gate does not hold for ${pointer.model}: whoever may waive it has to approve.`);
  const reports = judged.map(({ judgement }) => judgement.report);
  return pullText({ kind: 'promotion', moves, reason: options.reason ?? null, notes: forced, reports });
}
