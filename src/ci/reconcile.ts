// Makes the log of decisions say what is true of the main branch: each commit that moved a pointer, took a model out or changed the policy is judged again,
// from git and the forge's API alone. That a check ran, who says that he is whom, what a status says: nothing of it is asked. Only what the pushed log says is
// served, so a run that is killed anywhere, and two that run at once, come to the same.
//
// What a run learns counts from the next record on: one decision is pushed before the next one is made. Answers that are missing decide nothing: they are thrown.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { PullRequest } from '../forge/forge.ts';
import type { Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { DecisionLog, LogRecord } from '../registry/decision-log.ts';
import type { MoveInput, MoveJudgement } from '../registry/move-input.ts';
import type { PointerPlace } from '../registry/pointer.ts';
import type { PullFacts } from '../registry/pull-facts.ts';
import type { Point } from '../registry/judgement.ts';
import type { FactsForge } from './pull-asking.ts';
import { draftOf, refuse, type Draft } from './reconcile-draft.ts';
import { factsOfMerged } from './reconcile-facts.ts';
import { draftGlass, type Glass } from './reconcile-glass.ts';
import { policyDigest, policyGap, policyInForce, policyTrouble } from './reconcile-policy.ts';
import { bringingOf, type Bringing, type Line, type PullAsking } from './reconcile-pulls.ts';
import type { Sight } from './reconcile-sight.ts';
import { draftStart, type StartPlace } from './reconcile-start.ts';
import { walkLine, type Step } from './reconcile-steps.ts';
import { decidedBefore, refusedTips, type RefusedTip } from './reconcile-tips.ts';

/** What reconcile needs of the world. */
export interface ReconcileWorld extends StartPlace {
  /** null: nobody is asked */
  readonly forge: (PullAsking & FactsForge) | null;
  /** Brings main and the log here as they are now. @throws PlumbError AUDIT_REWRITTEN, AUDIT_INVALID */
  look(): Promise<Sight>;
  judge(input: Pick<MoveInput, 'before' | 'after' | 'policy' | 'facts' | 'log'>): Promise<MoveJudgement | null>;
  /** Signs and pushes. @returns the log with it; null: somebody else wrote to it first, look again */
  append(log: DecisionLog | null, draft: Draft): Promise<DecisionLog | null>;
  pause(ms: number): Promise<void>;
}

export interface ReconcileWish {
  /** begin the log with what the pointers name now, where there is none; why, for the record */
  readonly start: { readonly reason: string | null } | null;
  /** have what is refused served, by somebody who takes it on himself */
  readonly glass: Glass | null;
}

/** What a run came to. */
export interface Reconciled {
  readonly tip: Oid;
  readonly log: DecisionLog;
  /** records that this run wrote */
  readonly written: readonly LogRecord[];
  /** why the glass was not broken, where that was wished; null: it was, or nobody wished it */
  readonly denied: PlumbError | null;
  /** what is refused and stands so on the main branch, with what was found now */
  readonly refused: readonly { readonly tip: RefusedTip; readonly judgement: MoveJudgement | null }[];
}

/** So often somebody else may be first. */
const mostLost = 20;

/**
 * @throws PlumbError AUDIT_MISSING (no log, and no wish to start one), AUDIT_REWRITTEN, AUDIT_INVALID, AUDIT_SIGNER, REPOSITORY_BUSY, FORGE_FAILED,
 * FORGE_DENIED, FORGE_BUSY: what was decided until then is pushed, and the next run goes on
 */
export async function reconcile(world: ReconcileWorld, wish: ReconcileWish): Promise<Reconciled> {
  const written: LogRecord[] = [];
  let sight = await world.look();
  for (let lost = 0; lost < mostLost;) {
    const run = new Run(world, sight);
    const result = await run.decideAll(wish);
    written.push(...result.written);
    if (!result.lost) return { tip: sight.tip, log: run.log, written, denied: run.denied, refused: run.standing() };
    lost += 1;
    sight = await world.look();
  }
  throw new PlumbError('REPOSITORY_BUSY', {
    what: `the log of decisions was written to by somebody else ${mostLost} times while this run decided`,
    mend: 'let one runner reconcile (a concurrency group in CI), and run it again',
  });
}

/** From one look at the world to the next. */
class Run {
  readonly #world: ReconcileWorld;
  readonly #tip: Oid;
  #log: DecisionLog | null;
  readonly #written: LogRecord[] = [];
  denied: PlumbError | null = null;
  /** number of a record -> what was found when it was judged again, under which policy */
  readonly #again = new Map<number, { readonly policy: string | undefined; readonly judgement: MoveJudgement | null }>();

  constructor(world: ReconcileWorld, { tip, log }: Sight) {
    this.#world = world;
    this.#tip = tip;
    this.#log = log;
  }

  get log(): DecisionLog {
    if (this.#log === null) throw new Error('the log is begun first');
    return this.#log;
  }

  async decideAll(wish: ReconcileWish): Promise<{ written: readonly LogRecord[]; lost: boolean }> {
    const lost = !(await this.#start(wish)) || !(await this.#decideNew()) || !(await this.#healAll()) || !(await this.#breakGlass(wish.glass));
    return { written: this.#written, lost };
  }

  standing(): Reconciled['refused'] {
    return refusedTips(this.log).map((tip) => ({ tip, judgement: this.#again.get(tip.record.decision.seq)?.judgement ?? null }));
  }

  /** @returns whether it was ours to write */
  async #append(draft: Draft): Promise<boolean> {
    const before = this.#log?.records.length ?? 0;
    const log = await this.#world.append(this.#log, draft);
    if (log === null) return false;
    this.#log = log;
    this.#written.push(...log.records.slice(before));
    return true;
  }

  async #start({ start }: ReconcileWish): Promise<boolean> {
    if (this.#log !== null) return true;
    if (start !== null) return this.#append(await draftStart(this.#world, this.#tip, start.reason));
    throw new PlumbError('AUDIT_MISSING', {
      what: `there is no log of decisions yet: no branch ${this.#world.logBranch}`,
      mend: 'look at what the pointers name, and begin one with it: `plumb reconcile --start`. Where there was one before, somebody took it away: put it back instead',
    });
  }

  /** The policy first: what came after it is judged by it. */
  async #decideNew(): Promise<boolean> {
    for (;;) {
      const { last } = this.log;
      if (last === null) throw new Error('a log has a record');
      const walk = await walkLine(this.#world.git, this.#world.prefix, { from: last, to: this.#tip });
      const coming = new Set(walk.steps.flatMap(({ paths }) => paths));
      if (!(await this.#heal((tip) => tip.paths.includes(files.policy) && !tip.paths.some((path) => coming.has(path))))) return false;
      const [step] = walk.steps;
      if (step === undefined) return true;
      const { prefix, branch } = this.#world;
      const found = await judgeStep(this.#world, { walk, prefix, branch }, step, this.log);
      const draft = await draftOf(this.#world, found.step, { ...found, policy: this.log.policy?.digest ?? null });
      if (!(await this.#append(draft))) return false;
      if (!found.judgement.holds) this.#keep(this.log.records.at(-1)?.decision.seq ?? 0, found.judgement);
    }
  }

  #healAll(): Promise<boolean> {
    return this.#heal(() => true);
  }

  /** Judges again what is refused and stands so: approvals may have come since. */
  async #heal(isMeant: (tip: RefusedTip) => boolean): Promise<boolean> {
    for (const tip of refusedTips(this.log)) {
      const { seq, commit } = tip.record.decision;
      if (!tip.whole || !isMeant(tip) || this.#again.get(seq)?.policy === this.#policyName()) continue;
      const { git, prefix, branch } = this.#world;
      const walk = await walkLine(git, prefix, { from: decidedBefore(this.log, tip.record) ?? commit, to: this.#tip });
      const step = walk.steps.find((one) => one.commit === commit);
      if (step === undefined) continue;
      const found = await judgeStep(this.#world, { walk, prefix, branch }, step, this.log);
      this.#keep(seq, found.judgement);
      if (!found.judgement.holds) continue;
      if (!(await this.#append(await draftOf(this.#world, found.step, { ...found, policy: this.log.policy?.digest ?? null })))) return false;
    }
    return true;
  }

  #keep(seq: number, judgement: MoveJudgement): void {
    this.#again.set(seq, { policy: this.#policyName(), judgement });
  }

  #policyName(): string | undefined {
    return this.log.policy?.digest;
  }

  async #breakGlass(glass: Glass | null): Promise<boolean> {
    if (glass === null) return true;
    const standing = this.standing().find(({ tip }) => tip.record.decision.moves.some((move) => isAt(move, glass.place) && !move.served));
    try {
      return await this.#append(await draftGlass(this.#world, this.log, glass, standing ?? null));
    } catch (error) {
      if (!isPlumbError(error, 'PROMOTION_REFUSED')) throw error;
      // all else that was decided is told before this is
      this.denied = error;
      return true;
    }
  }
}

function isAt(one: PointerPlace, other: PointerPlace): boolean {
  return one.model === other.model && one.stage === other.stage;
}

interface JudgedStep {
  readonly step: Step;
  readonly judgement: MoveJudgement;
  readonly pull: PullRequest | null;
}

/** A forge tells of a merge a moment after git does: so long a commit is young, and asked about again. */
const youngMs = 120_000;
const waitsMs = [1000, 2000, 4000];

/** Whatever does not come to a whole answer is refused, and told; only what a forge does not answer at all is thrown. */
async function judgeStep(world: ReconcileWorld, line: Line, step: Step, log: DecisionLog): Promise<JudgedStep> {
  const { git, prefix, forge } = world;
  const policy = await policyInForce(world, log);
  const judge = async (of: Step, facts: PullFacts | null | 'no forge'): Promise<MoveJudgement> =>
    settled(world, of, { log, judgement: await world.judge({ before: of.before ?? of.commit, after: of.commit, policy, facts, log }) });
  if (forge === null) return { step, judgement: await judge(step, 'no forge'), pull: null };
  for (let tries = 0; ; tries += 1) {
    const brought = await bringingOf(forge, line, step);
    const found = await judgeBrought(brought, step, {
      judge,
      factsOf: (pull, of) => (policy === null ? null : factsOfMerged(forge, pull, { git, prefix, step: of, policy: policy.policy })),
    });
    const wait = waitsMs[tries];
    const isYoung = Math.abs(world.now().getTime() - step.date.getTime()) < youngMs;
    if (brought.kind !== 'pushed' || found.judgement.holds || !isYoung || wait === undefined) return found;
    await world.pause(wait);
  }
}

interface Asking {
  judge(step: Step, facts: PullFacts | null): Promise<MoveJudgement>;
  /** null: no policy is in force, and nothing is asked */
  factsOf(pull: PullRequest, step: Step): Promise<PullFacts> | null;
}

async function judgeBrought(brought: Bringing, step: Step, { judge, factsOf }: Asking): Promise<JudgedStep> {
  if (brought.kind === 'pushed') return { step, judgement: await judge(step, null), pull: null };
  if (brought.kind === 'part') {
    const { pull } = brought;
    const why = `the commit is a part of pull request ${pull.number}, which is decided about as a whole: with the last of its commits that moves something`;
    return { step, pull, judgement: refuse(await judge(step, null), { point: 'files', holds: false, why }) };
  }
  let first: JudgedStep | undefined;
  for (const one of brought.pulls) {
    const judgement = await judge(one.step, await factsOf(one.pull, one.step));
    const found = { step: one.step, pull: one.pull, judgement: one.whole || judgement.fast ? judgement : refuse(judgement, inParts(one.pull)) };
    if (found.judgement.holds) return found;
    first ??= found;
  }
  return first ?? { step, judgement: await judge(step, null), pull: null };
}

/** Some of it came at another time, and would not be judged. A move back needs no pull request. */
function inParts({ number }: PullRequest): Point {
  const why = `pull request ${number} changes more than came with this commit, and the rest is not found on the main branch: open one that changes this alone`;
  return { point: 'files', holds: false, why };
}

/** A step always comes to a judgement. A policy that would end the log does not hold, nor one of which people saw a part; the one that is in force may come back. */
async function settled(
  world: ReconcileWorld,
  { commit, before }: Step,
  { judgement, log }: { readonly judgement: MoveJudgement | null; readonly log: DecisionLog },
): Promise<MoveJudgement> {
  if (judgement === null) {
    const why = 'nothing of what it changes can be judged: no pointer, no revocation and no policy comes out of it';
    const nothing = { moves: [], revoked: [], fast: false, counted: [], refused: [], review: null };
    return { kind: 'removal', holds: false, points: [{ point: 'files', holds: false, why }], ...nothing };
  }
  if (judgement.kind !== 'policy') return judgement;
  if ((await policyDigest(world, commit)) === log.policy?.digest) return broughtBack(judgement);
  const why =
    (await policyGap(world, { before: before ?? commit, after: commit }, log)) ?? (judgement.holds ? await policyTrouble(world, commit, log) : null);
  return why === null ? judgement : refuse(judgement, { point: 'policy', holds: false, why });
}

/** What was refused is taken back: nothing changes, so nobody is asked. */
function broughtBack(judgement: MoveJudgement): MoveJudgement {
  const others = judgement.points.filter(({ point }) => !['policy', 'promoter', 'approvals'].includes(point));
  const points: Point[] = [...others, { point: 'policy', holds: true, why: 'it brings back the policy that is in force' }];
  return { ...judgement, points, holds: points.every(({ holds }) => holds === true), counted: [], refused: [] };
}
