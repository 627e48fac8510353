// `plumb promote --pr`: judged against origin's main branch as it is now, committed on top of it, and opened as a pull request.
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf, shortDigest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { refuseTokenOfJob } from '../ci/forge-place.ts';
import type { Oid } from '../git/git.ts';
import { files as projectFiles } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { evidenceFolder, loadEvidence, readEvidenceText, readPromotion } from '../registry/evidence.ts';
import { pointerPath, readPointer, type PointerPlace } from '../registry/pointer.ts';
import type { PromotionPlan } from '../registry/promotion.ts';
import { commitTree, plannedTree, type FileTree } from '../registry/tree.ts';
import { reportSchema, type Report } from '../report/schema.ts';
import type { Cli } from './command.ts';
import type { Judged } from './judging.ts';
import { openForgeOf } from './open-forge.ts';
import { planMoves, readGround, sendModel, together, type Ground } from './promote-plan.ts';
import { decisionOf, judgeModels, tell, type PromoteOptions } from './promote.ts';
import { committer, fetchBranch, fetchMain, openPull, type PullPlan, type RemoteMain } from './promotion-pull.ts';
import { pullText } from './promotion-text.ts';

export async function promoteByPull(project: Project, models: readonly string[], options: PromoteOptions, cli: Cli): Promise<void> {
  // what this token cannot do is said before anything is sent
  const open = await openForgeOf(project, options, cli, refuseTokenOfJob);
  const main = await fetchMain(project, open);
  const judged = await judgeModels(project, models, { to: options.to, base: await nameOfBase(project, main), dryRun: options.dryRun, cli });
  const author = await committer(project, cli);
  const tree = commitTree(project.git, project.prefix, main.commit);
  const ground = await readGround(judged, { tree, head: main.commit, base: main.commit });
  const branch = branchOf(judged);
  const fresh = decisionOf(options, { by: `${author.name} <${author.email}>`, at: cli.now(), base: main.commit });
  const plans = await planMoves(project, judged, { ground, decision: fresh });
  const before = await fetchBranch(project.git, branch, open.gitToken);
  const same = before === null ? null : await sameDecision(project, plans, { tip: before, main });
  const change = same?.files ?? filesOf(project, plans);
  const reports = same?.reports ?? judged.map(({ judgement }) => judgement.report);
  const body = bodyOf(plans, { ground, options, reports });
  const plan: PullPlan = { branch, main, author, files: change, message: together(plans).message, body };
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

/**
 * Is what an open branch has the same decision? Then its bytes stay, with whatever was approved: another time, another commit of the same files and the report's
 * headline are no reason to ask people again.
 * @returns null: another decision, or none
 */
async function sameDecision(
  { git, prefix }: Project,
  plans: readonly PromotionPlan[],
  { tip, main }: { readonly tip: Oid; readonly main: RemoteMain },
): Promise<{ files: PullPlan['files']; reports: Report[] } | null> {
  const parted = await git.mergeBase(main.commit, tip);
  if (parted === null) return null;
  const paths = await git.changedPaths(parted, tip);
  const own = plans.flatMap(({ pointer }) => [prefix + pointerPath(pointer), `${prefix}${evidenceFolder(pointer)}/`]);
  if (!paths.every((path) => own.some((name) => path === name || (name.endsWith('/') && path.startsWith(name))))) return null;
  const tree = commitTree(git, prefix, tip);
  const reports: Report[] = [];
  for (const plan of plans) {
    const found = await readDecision(tree, plan.pointer).catch((error: unknown) => {
      // somebody else's push to that branch: it is replaced
      if (isPlumbError(error)) return null;
      throw error;
    });
    const fresh = await readDecision(plannedTree(plan.files), plan.pointer);
    if (found === null || fresh === null || found.decision !== fresh.decision) return null;
    reports.push(found.report);
  }
  const blobs = await git.readBlobs(tip, paths);
  return { files: new Map(paths.map((path, at) => [path, blobs[at] ?? null])), reports };
}

/** All that is decided about, and by what; not when, from which of several commits, and how the report is headed. */
async function readDecision(tree: FileTree, place: PointerPlace): Promise<{ decision: string; report: Report } | null> {
  const pointer = await readPointer(tree, place.model, place.stage);
  if (pointer === null) return null;
  const { findings } = await loadEvidence(tree, pointer);
  if (findings.length > 0) return null;
  const record = await readPromotion(tree, pointer);
  const { code: _code, report, promotion: _promotion, ...named } = pointer;
  const { at: _at, base: _base, pointer: _pointer, comparisons: _comparisons, by, ...decided } = record;
  const parsed = reportSchema.safeParse(JSON.parse(await readEvidenceText(tree, place, report, 'json')));
  return parsed.success ? { decision: canonicalJson({ named, decided, by }), report: parsed.data } : null;
}

function filesOf({ prefix }: Project, plans: readonly PromotionPlan[]): PullPlan['files'] {
  return new Map(together(plans).files.map(({ path, bytes }) => [prefix + path, Buffer.from(bytes)]));
}

function bodyOf(
  plans: readonly PromotionPlan[],
  { ground, options, reports }: { readonly ground: Ground; readonly options: PromoteOptions; readonly reports: readonly Report[] },
): string {
  const moves = plans.map(({ pointer: { model, stage, artifact } }) => ({
    model,
    stage,
    from: ground.pointers[model]?.current?.artifact.digest ?? null,
    to: artifact.digest,
  }));
  const notes = plans
    .filter((plan) => plan.forced)
    .map(({ pointer }) => `The gate does not hold for ${pointer.model}: whoever may waive it has to approve.`);
  return pullText({ kind: 'promotion', moves, reason: options.reason ?? null, notes, reports });
}
