// What goes from a remote that several share, decided from values: what stands there, what lives, whose it is, how old it is.
//
// Nothing is deleted at once. A receipt that nobody needs is taken back: its text stays under a name for the grace time, and its packs with it. A pack that
// no receipt names is condemned: readers find it, writers do not. What was taken back or condemned and is needed after all goes back to its place; what is
// still needed by nobody when the grace time is over is deleted. So there are two times in which a mistake can be undone, and a push that was under way
// when the plan was made has a receipt when the packs are looked at again.
import { hexOf, type Digest } from '../base/digest.ts';
import type { RemoteEntry } from '../store/remote.ts';
import type { ReceiptThere, Survey } from './remote-survey.ts';

export interface Rules {
  readonly live: ReadonlyMap<Digest, string>;
  /** ours, as plumbline.yaml has it */
  readonly repository: string;
  /** a run that no pointer names is kept so many days */
  readonly runDays: number;
  /** 0: nobody else is at work */
  readonly graceMs: number;
  /** what no repository claims is ours */
  readonly force: boolean;
  readonly now: Date;
}

/** Lists of keys (hex). */
export interface ReceiptPlan {
  /** "all of this was sent": the next push shall look for itself */
  readonly snapshots: readonly string[];
  /** taken back before, and needed after all */
  readonly restored: readonly string[];
  /** others need it; our name leaves it */
  readonly released: readonly string[];
  /** nobody needs it */
  readonly takenBack: readonly string[];
  /** texts of receipts taken back so long ago that they are deleted, or pushed anew */
  readonly forgotten: readonly string[];
  readonly runs: readonly string[];
  readonly kept: {
    /** named by git or a run here, and why: by hex */
    readonly live: ReadonlyMap<string, string>;
    readonly young: number;
    /** only of other repositories */
    readonly others: number;
    /** of no repository: pushed by a project without a name */
    readonly nobodys: number;
  };
}

const dayMs = 86_400_000;

export function planReceipts(survey: Survey, rules: Rules): ReceiptPlan {
  const plan = { snapshots: [] as string[], released: [] as string[], takenBack: [] as string[] };
  const live = new Map<string, string>();
  const counts = { young: 0, others: 0, nobodys: 0 };
  const runs = new Set([...survey.runs.values()].map(({ digest }) => digest));
  for (const [hex, there] of survey.receipts) {
    const { root, packs, repositories } = there.receipt;
    const why = rules.live.get(root) ?? (runs.has(root) && isYounger(there, rules.runDays * dayMs, rules) ? 'a run that is young' : undefined);
    const isOurs = repositories.includes(rules.repository) || (repositories.length === 0 && rules.force);
    if (packs.length === 0) plan.snapshots.push(hex);
    else if (why !== undefined) live.set(hex, why);
    else if (isYounger(there, rules.graceMs, rules)) counts.young += 1;
    else if (!isOurs) counts[repositories.length === 0 ? 'nobodys' : 'others'] += 1;
    else if (repositories.length > 1) plan.released.push(hex);
    else plan.takenBack.push(hex);
  }
  const { restored, forgotten } = planTakenBack(survey, rules);
  return { ...plan, restored, forgotten, runs: planRuns(survey, rules, new Set(plan.takenBack)), kept: { live, ...counts } };
}

function planTakenBack(survey: Survey, rules: Rules): Pick<ReceiptPlan, 'restored' | 'forgotten'> {
  const restored: string[] = [];
  const forgotten: string[] = [];
  for (const [hex, there] of survey.takenBack) {
    if (survey.receipts.has(hex)) forgotten.push(hex);
    else if (rules.live.has(there.receipt.root)) restored.push(hex);
    else if (!isYounger(there, rules.graceMs, rules)) forgotten.push(hex);
  }
  return { restored, forgotten };
}

/** Names of runs whose record has no receipt any more: they would keep others from giving the name to a run that can be had. */
function planRuns(survey: Survey, rules: Rules, leaving: ReadonlySet<string>): string[] {
  return [...survey.runs].flatMap(([key, name]) => {
    const isKept =
      name.digest !== null && (rules.live.has(name.digest) || (survey.receipts.has(hexOf(name.digest)) && !leaving.has(hexOf(name.digest))));
    return isKept || isYounger(name, rules.graceMs, rules) ? [] : [key];
  });
}

/** A remote that does not say when is taken at its word only where nobody else is at work. */
function isYounger({ modified }: Pick<RemoteEntry, 'modified'>, ms: number, { now }: Pick<Rules, 'now'>): boolean {
  return ms > 0 && (modified === null || modified.getTime() > now.getTime() - ms);
}

export interface PackPlan {
  readonly condemned: readonly RemoteEntry[];
  readonly deleted: readonly RemoteEntry[];
  /** condemned before, and named again */
  readonly restored: readonly RemoteEntry[];
}

/** A pack that no receipt ever named may be of a push that is under way, whoever says that nobody is at work. */
const unfinishedMs = 3_600_000;

export interface PackRules extends Pick<Rules, 'graceMs' | 'now'> {
  /** packs that receipts named when the plan was made, by hex */
  readonly known: ReadonlySet<string>;
}

/**
 * @param named hex of the packs that receipts name, those that were taken back and are not forgotten yet, too
 */
export function planPacks(survey: Pick<Survey, 'packs' | 'condemned'>, named: ReadonlySet<string>, rules: PackRules): PackPlan {
  const unnamed = [...survey.packs.values()].filter(({ key }) => !named.has(key));
  const condemned = [...survey.condemned.values()];
  return {
    condemned: unnamed.filter((pack) => !isYounger(pack, rules.known.has(pack.key) ? rules.graceMs : Math.max(rules.graceMs, unfinishedMs), rules)),
    deleted: condemned.filter((pack) => !named.has(pack.key) && !isYounger(pack, rules.graceMs, rules)),
    // sent anew meanwhile, it is there already
    restored: condemned.filter(({ key }) => named.has(key) && !survey.packs.has(key)),
  };
}

/** Packs that have to stay once the plan for receipts is carried out. */
export function namedAfter(survey: Survey, plan: ReceiptPlan, { graceMs }: Pick<Rules, 'graceMs'>): Set<string> {
  const gone = new Set([...plan.snapshots, ...(graceMs === 0 ? plan.takenBack : [])]);
  const forgotten = new Set(plan.forgotten);
  return packsOf([
    ...[...survey.receipts].filter(([hex]) => !gone.has(hex)).map(([, there]) => there),
    ...[...survey.takenBack].filter(([hex]) => !forgotten.has(hex)).map(([, there]) => there),
  ]);
}

export function packsOf(receipts: Iterable<ReceiptThere>): Set<string> {
  const named = new Set<string>();
  for (const { receipt } of receipts) for (const { digest } of receipt.packs) named.add(hexOf(digest));
  return named;
}
