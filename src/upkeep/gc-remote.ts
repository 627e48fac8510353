// The garbage collection of a remote: survey, plan, and what the plan says, step by step. The order is what makes it safe: snapshots go first, so that no
// push is told that all is there; a receipt goes before its packs are condemned; receipts are read once more before a pack is. Killed between any two
// steps, it leaves a remote in which every receipt can be fetched, and the next gc goes on.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { receiptText, type Receipt } from '../store/pack/receipt.ts';
import { eachInParallel } from '../store/parallel.ts';
import type { Remote, RemoteEntry } from '../store/remote.ts';
import type { TransferOptions } from '../store/store.ts';
import { RemoteNotes } from '../store/transfer/notes.ts';
import { readReceipt, writeReceipt } from '../store/transfer/receipts.ts';
import { collectLive } from './live.ts';
import { liveOfNeighbours } from './neighbours.ts';
import { namedAfter, packsOf, planPacks, planReceipts, type PackPlan, type ReceiptPlan, type Rules } from './remote-plan.ts';
import { planRepack, type Repacking } from './remote-repack.ts';
import { listableRemote, surveyAgain, surveyRemote, takenBackKey, type Survey } from './remote-survey.ts';
import { readRetention } from './retention.ts';

export interface RemoteRequest extends TransferOptions {
  /** versions that no repository claims are ours */
  readonly force: boolean;
  /** ms; 0: nobody else is at work, and what goes is deleted at once */
  readonly graceMs: number;
  readonly now: Date;
}

export interface RemotePlan {
  readonly survey: Survey;
  readonly rules: Rules;
  readonly receipts: ReceiptPlan;
  /** packs that receipts name as they stand, by hex */
  readonly known: ReadonlySet<string>;
  /** as far as it can be told before receipts are taken back */
  readonly packs: PackPlan;
  readonly repacking: Repacking | null;
}

/** How long what a gc of the remote lets go of can be had back, ms: twice as long until its bytes are deleted. */
export const remoteGraceMs = 7 * 86_400_000;

const width = 16;

/**
 * @throws PlumbError REMOTE_MISSING, REMOTE_CANNOT, CONFIG_INVALID without a name of the repository, GIT_TOO_SHALLOW, RECEIPT_INVALID where it cannot be
 *   told what a receipt needs, REMOTE_FAILED
 */
export async function planRemote(project: Project, request: RemoteRequest): Promise<RemotePlan> {
  const remote = listableRemote(project.store.remote);
  repositoryOf(project);
  // what lives is asked last: whoever commits and then pushes is seen whole
  const survey = await surveyRemote(remote, request);
  const rules = await rulesOf(project, request);
  const [spoiled] = survey.spoiled;
  if (spoiled !== undefined) throw spoiled.error;
  const receipts = planReceipts(survey, rules);
  const named = namedAfter(survey, receipts, rules);
  const known = namedIn(survey);
  const packs = planPacks(survey, named, { ...rules, known });
  const repacking = remote.dropsPacks === true ? null : await planRepack(project.store, remote, repackable(survey, receipts, rules), request);
  return { survey, rules, receipts, known, packs, repacking };
}

function repositoryOf({ config }: Project): string {
  if (config.repository !== undefined) return config.repository;
  throw new PlumbError('CONFIG_INVALID', {
    what: `${files.config} does not name this repository: nobody can tell what of the remote is its own`,
    where: { file: files.config },
    mend: 'add `repository: NAME` (the same in every clone), commit it, and run `plumb push` once on the branches that count',
  });
}

async function rulesOf(project: Project, { force, graceMs, now }: RemoteRequest): Promise<Rules> {
  const repository = repositoryOf(project);
  const retention = await readRetention(project);
  const how = { shallow: 'refuse', now } as const;
  const live = await collectLive(project, { ...how, workspaceOnly: false, retention });
  for (const [digest, why] of await liveOfNeighbours(project, how)) if (!live.has(digest)) live.set(digest, why);
  return { live, repository, runDays: retention.runDays, graceMs, force, now };
}

/** Receipts that stay, and packs that others hold on to: those of receipts that were taken back must be found as they were. */
function repackable(survey: Survey, plan: ReceiptPlan, { repository, graceMs }: Rules): { receipts: Receipt[]; fixed: Set<string> } {
  const leaving = new Set([...plan.snapshots, ...plan.takenBack]);
  const staying = [...survey.receipts].filter(([hex]) => !leaving.has(hex)).map(([, there]) => there);
  const ours = staying.filter(({ receipt }) => receipt.repositories.includes(repository));
  const forgotten = new Set(plan.forgotten);
  const held = [...survey.takenBack].filter(([hex]) => !forgotten.has(hex)).map(([, there]) => there);
  if (graceMs > 0) for (const hex of plan.takenBack) held.push(...[survey.receipts.get(hex) ?? []].flat());
  const others = staying.filter(({ receipt }) => !receipt.repositories.includes(repository));
  return { receipts: ours.map(({ receipt }) => receipt), fixed: packsOf([...held, ...others]) };
}

export interface RemoteDone {
  readonly takenBack: number;
  readonly released: number;
  readonly restored: number;
  readonly runs: number;
  readonly repacked: { readonly packs: number; readonly bytes: number };
  readonly condemned: Amount;
  readonly deleted: Amount;
}

export interface Amount {
  readonly packs: number;
  readonly bytes: number;
}

/** Does what the plan says. @throws PlumbError REMOTE_FAILED, REMOTE_DENIED, REMOTE_CANNOT: what was done stays done, and is safe */
export async function collectRemote(project: Project, plan: RemotePlan, request: RemoteRequest): Promise<RemoteDone> {
  return new Collection(listableRemote(project.store.remote), project, plan, request).run();
}

class Collection {
  readonly #remote: Remote;
  readonly #project: Project;
  readonly #plan: RemotePlan;
  readonly #request: RemoteRequest;

  constructor(remote: Remote, project: Project, plan: RemotePlan, request: RemoteRequest) {
    this.#remote = remote;
    this.#project = project;
    this.#plan = plan;
    this.#request = request;
  }

  async run(): Promise<RemoteDone> {
    const { receipts, survey } = this.#plan;
    await this.#each(receipts.snapshots, (hex) => this.#remote.remove('receipts', hex, this.#options));
    await this.#each(receipts.restored, (hex) => this.#restore(hex, survey.takenBack.get(hex)?.receipt));
    await this.#each(receipts.released, (hex) => this.#release(`sha256:${hex}`));
    const takenBack = await this.#count(receipts.takenBack, (hex) => this.#takeBack(hex));
    await this.#each(receipts.runs, (key) => this.#remote.remove('names', key, this.#options));
    await this.#each(receipts.forgotten, (hex) => this.#remote.remove('names', takenBackKey(hex), this.#options));
    const repacked = (await this.#plan.repacking?.carryOut()) ?? { packs: 0, bytes: 0 };
    const packs = this.#remote.dropsPacks === true ? { condemned: none, deleted: none } : await this.#collectPacks();
    const { restored, released, runs } = receipts;
    return { takenBack, released: released.length, restored: restored.length, runs: runs.length, repacked, ...packs };
  }

  get #options(): { signal: AbortSignal } {
    return { signal: this.#request.signal };
  }

  #each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    return eachInParallel(items, { width, signal: this.#request.signal }, async (item) => {
      await work(item);
    });
  }

  async #count<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<number> {
    let count = 0;
    await this.#each(items, async (item) => {
      if (await work(item)) count += 1;
    });
    return count;
  }

  async #restore(hex: string, receipt: Receipt | undefined): Promise<void> {
    if (receipt === undefined) return;
    const { packs } = receipt;
    await this.#remote.write('receipts', hex, Buffer.from(receiptText(receipt)), { ifAbsent: true, packs }, this.#options);
    await this.#remote.remove('names', takenBackKey(hex), this.#options);
  }

  async #release(root: Digest): Promise<void> {
    const receipt = await readReceipt(this.#remote, root, this.#options);
    if (receipt === null) return;
    const repositories = receipt.repositories.filter((name) => name !== this.#plan.rules.repository);
    if (repositories.length > 0) await writeReceipt(this.#remote, { ...receipt, repositories }, this.#options);
  }

  /** @returns false when somebody claimed it since the plan was made */
  async #takeBack(hex: string): Promise<boolean> {
    const { repository, graceMs } = this.#plan.rules;
    const receipt = await readReceipt(this.#remote, `sha256:${hex}`, this.#options);
    if (receipt === null || receipt.repositories.some((name) => name !== repository)) return false;
    const { packs } = receipt;
    const text = Buffer.from(receiptText(receipt));
    if (graceMs > 0) await this.#remote.write('names', takenBackKey(hex), text, { ifAbsent: false, packs }, this.#options);
    await this.#remote.remove('receipts', hex, this.#options);
    return true;
  }

  /** Packs of the survey, and receipts as they are by now: a push that ended meanwhile has written its own. */
  async #collectPacks(): Promise<{ condemned: Amount; deleted: Amount }> {
    const { rules, survey } = this.#plan;
    const first = await this.#look(survey);
    const { condemned, restored } = planPacks(first, namedIn(first), { ...rules, known: this.#plan.known });
    await this.#each(restored, (pack) => this.#move(pack, 'packs'));
    await this.#each(condemned, (pack) => this.#move(pack, 'condemned'));
    const last = await this.#look(first);
    // without a grace time, what was condemned a moment ago, too
    const all = rules.graceMs === 0 ? new Map([...survey.condemned, ...condemned.map((pack) => [pack.key, pack] as const)]) : survey.condemned;
    const plan = planPacks({ packs: new Map(), condemned: all }, namedIn(last), { ...rules, known: this.#plan.known });
    await this.#each(plan.restored, (pack) => this.#move(pack, 'packs'));
    const notes = new RemoteNotes(this.#project.store.cacheDir, this.#remote.url);
    await this.#each(plan.deleted, async ({ key }) => {
      await this.#remote.remove('condemned', key, this.#options);
      await notes.forgetIndex(`sha256:${key}`);
    });
    const back = new Set(plan.restored.map(({ key }) => key));
    const deleted = new Set(plan.deleted.map(({ key }) => key));
    return { condemned: amountOf(condemned.filter(({ key }) => !back.has(key) && !deleted.has(key))), deleted: amountOf(plan.deleted) };
  }

  async #look(before: Survey): Promise<Survey> {
    const now = await surveyAgain(this.#remote, before, this.#request.now, this.#request);
    const [spoiled] = now.spoiled;
    if (spoiled !== undefined) throw spoiled.error;
    return now;
  }

  /** Another gc may have been faster. */
  async #move({ key }: RemoteEntry, to: 'packs' | 'condemned'): Promise<void> {
    await this.#remote.movePack(`sha256:${key}`, to, this.#options).catch((error: unknown) => {
      if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
    });
  }
}

function namedIn(survey: Survey): Set<string> {
  return packsOf([...survey.receipts.values(), ...survey.takenBack.values()]);
}

const none: Amount = { packs: 0, bytes: 0 };

function amountOf(packs: readonly RemoteEntry[]): Amount {
  return { packs: packs.length, bytes: packs.reduce((sum, { bytes }) => sum + bytes, 0) };
}
