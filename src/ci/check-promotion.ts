// The required check of pull requests that move a pointer: gathers, judges, and says what to tell. All that judges comes from the main branch as origin has it
// now: policy, CODEOWNERS, data, suites. What the pull request brings is read as data; nothing of it is checked out or run.
import { PlumbError } from '../base/errors.ts';
import type { PullRequest } from '../forge/forge.ts';
import type { Git, Oid } from '../git/git.ts';
import { mergeBases } from '../git/merge-bases.ts';
import { fetchRefs, type RemoteOptions } from '../git/publish.ts';
import { judgeMove } from '../registry/judge-move.ts';
import { needsDecision } from '../registry/audit-coverage.ts';
import { changesNothing, readMoveChange, type MoveChange, type Sides } from '../registry/move-change.ts';
import type { JudgingPolicy, MoveInput, MoveJudgement } from '../registry/move-input.ts';
import type { PullFacts } from '../registry/pull-facts.ts';
import { defaultContext, policyAt } from './base-policy.ts';
import type { FactsForge } from './pull-asking.ts';
import { refuse } from './reconcile-draft.ts';
import { factsOfMerged } from './reconcile-facts.ts';
import { policyGap, policyInForce } from './reconcile-policy.ts';
import { lookAt, type Sight } from './reconcile-sight.ts';

export interface CheckWorld extends Pick<MoveInput, 'store' | 'trust' | 'now'> {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** short name of the main branch */
  readonly main: string;
  readonly forge: FactsForge;
  readonly remote: RemoteOptions;
  /** what vouches for the first record of the log; undefined: trust on first use */
  readonly pin: string | undefined;
}

export interface CheckedPull {
  readonly pull: Pick<PullRequest, 'number' | 'url' | 'head' | 'baseRef' | 'state'>;
  /** the main branch that it was judged against; null: it was not */
  readonly base: Oid | null;
  /** null: it does not go into the main branch now, or is not open: nothing is said of it */
  readonly context: string | null;
  /** null: there is nothing to judge */
  readonly judgement: MoveJudgement | null;
  readonly facts: PullFacts | null;
}

/**
 * @throws PlumbError FORGE_FAILED, FORGE_DENIED, FORGE_BUSY, GIT_REMOTE_FAILED, GIT_TOO_SHALLOW, AUDIT_INVALID, AUDIT_REWRITTEN: then there is no answer, and
 * none is not yes
 */
export async function checkPromotion(world: CheckWorld, number: number): Promise<CheckedPull> {
  const { git, prefix, forge } = world;
  const pull = await forge.findPullRequest({ number });
  if (pull === null) throw new PlumbError('FORGE_FAILED', { what: `there is no pull request ${number}`, mend: 'look at its number' });
  const about = { pull, base: null, context: null, judgement: null, facts: null };
  if (pull.state !== 'open' || pull.baseRef !== world.main) return about;
  const sight = await look(world, pull);
  // where there is a log, main may have a policy that nobody approved
  const policy = sight.log === null ? await policyAt(git, prefix, sight.tip) : await policyInForce(world, sight.log);
  const context = policy?.policy.check.context ?? defaultContext;
  const sides = { git, prefix, before: sight.tip, after: pull.head };
  const change = await readMoveChange(sides);
  if (await hidesMoves(sides, change)) return { ...about, base: sight.tip, context, judgement: untold };
  if (changesNothing(change)) return { ...about, base: sight.tip, context };
  const facts = policy === null ? null : await factsOf(world, pull, { base: sight.tip, policy, paths: change.paths });
  if (facts !== null && facts.head !== pull.head) throw moved(pull);
  const judged = await judgeMove({ ...sides, policy, facts, log: sight.log, store: world.store, trust: world.trust, now: world.now });
  const gap = change.policy && sight.log !== null ? await policyGap(world, { before: sight.tip, after: pull.head }, sight.log) : null;
  const judgement = judged === null || gap === null ? judged : refuse(judged, { point: 'policy', holds: false, why: gap });
  return { ...about, base: sight.tip, context, judgement, facts };
}

/**
 * What a branch changed is told from where it left main. Where it was merged across it left at several commits: a pointer may be as it was at one of them, and a
 * merge, which goes by all of them, moves it all the same.
 */
async function hidesMoves({ git, prefix, before, after }: Sides, { paths }: MoveChange): Promise<boolean> {
  const told = new Set(paths);
  const differing = (await git.changedPaths(before, after)).filter((path) => path.startsWith(prefix) && !told.has(path));
  return differing.some((path) => needsDecision(path.slice(prefix.length))) && (await mergeBases(git, before, after)).length > 1;
}

const untold: MoveJudgement = {
  kind: 'promotion',
  holds: false,
  points: [
    {
      point: 'files',
      holds: false,
      why: 'it left the main branch at several commits, and has other pointers than that: which of them a merge would move cannot be told. Merge the main branch into it',
    },
  ],
  moves: [],
  revoked: [],
  fast: false,
  counted: [],
  refused: [],
  review: null,
};

/** Main, the log and the head, brought here. */
async function look({ git, prefix, main, remote, pin }: CheckWorld, { number, head }: PullRequest): Promise<Sight> {
  const place = { git, prefix, branch: main, remote, pin };
  const first = await git.resolve(`refs/remotes/origin/${main}`);
  // the name of the log's branch stands in the policy of main, which may have to be fetched first
  const logBranch = async (tip: Oid | null): Promise<string> =>
    (tip === null ? null : await policyAt(git, prefix, tip))?.policy.audit?.branch ?? 'plumb/audit';
  const guess = await logBranch(first);
  const sight = await lookAt({ ...place, logBranch: guess }, null);
  const named = await logBranch(sight.tip);
  if ((await git.resolve(head)) !== head) await fetchRefs(git, { ...remote, refs: [{ from: `refs/pull/${number}/head` }] });
  if ((await git.resolve(head)) !== head) throw moved({ number, head });
  return named === guess ? sight : lookAt({ ...place, logBranch: named }, null);
}

function moved({ number, head }: Pick<PullRequest, 'number' | 'head'>): PlumbError {
  return new PlumbError('FORGE_MOVED', {
    what: `pull request ${number} ended with ${head.slice(0, 12)} a moment ago, and does not any more`,
    mend: 'nothing: the push that came is checked by itself',
  });
}

async function factsOf(
  { forge, git, prefix, now }: CheckWorld,
  pull: PullRequest,
  { base, policy, paths }: { readonly base: Oid; readonly policy: JudgingPolicy; readonly paths: readonly string[] },
): Promise<PullFacts> {
  const own = paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  const decided = own.filter((path) => needsDecision(path));
  const step = { commit: pull.head, date: now, message: '', parent: base, before: base, paths: decided };
  return factsOfMerged(forge, pull, { git, prefix, step, policy: policy.policy });
}
