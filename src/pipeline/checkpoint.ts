// A stage that was stopped, by its time limit, by a signal, by kill -9 or with its whole job, goes on where it was: what its command wrote into the folder
// that pipeline.yaml names as its checkpoint is there again when it is started for the same fingerprint.
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { formatSeconds } from '../base/progress.ts';
import { domainText } from '../project/trust-domain.ts';
import { CheckpointFolder, standOf, type CheckpointState } from './checkpoint-folder.ts';
import { keepCheckpoint, type KeptCheckpoint } from './checkpoint-share.ts';
import type { ProcessEnd } from './executors/local.ts';
import { commandOf, type ReadyStage } from './plan.ts';
import { isLoss } from './records.ts';
import type { StageWorld } from './stage-world.ts';

/** Of this machine: one a fingerprint and trust domain. */
export function checkpointFolder(ready: ReadyStage, world: Pick<StageWorld, 'runs' | 'workspace'>): CheckpointFolder | null {
  const { name, checkpoint } = ready.stage.spec;
  if (checkpoint === undefined) return null;
  const { root, localDir } = world.workspace;
  const key = hexOf(digestOf(canonicalJson({ checkpoint: ready.fingerprint, domain: domainText(world.runs.domain) })));
  return new CheckpointFolder({ root, localDir, stage: name, path: checkpoint, key });
}

/**
 * Lays the checkpoint out for a command that is about to start.
 * @param options.fresh whoever forces a run wants one from the beginning
 * @returns null for a stage without one
 */
export async function openCheckpoint(ready: ReadyStage, world: StageWorld, options: { fresh: boolean }): Promise<OpenCheckpoint | null> {
  const folder = checkpointFolder(ready, world);
  if (folder === null) return null;
  await world.workspace.claim(ready.stage.spec.checkpoint ?? '');
  await folder.open(options);
  const open = new OpenCheckpoint(ready, world, folder);
  if (!options.fresh && !ready.stage.spec.always) await open.takeShared();
  await open.begin();
  return open;
}

/** A file that was written this long ago is believed to be whole. */
const quietMs = 2000;

class OpenCheckpoint {
  readonly #ready: ReadyStage;
  readonly #world: StageWorld;
  readonly #folder: CheckpointFolder;
  #state: CheckpointState;
  #began = 0;
  /** to others, as it is */
  #isSent = false;
  #timer: NodeJS.Timeout | undefined;
  /** what stood there when it was saved last */
  #saved = '';
  #saving: Promise<void> = Promise.resolve();

  constructor(ready: ReadyStage, world: StageWorld, folder: CheckpointFolder) {
    this.#ready = ready;
    this.#world = world;
    this.#folder = folder;
    this.#state = folder.state();
  }

  get environment(): Readonly<Record<string, string>> {
    return { PLUMB_CHECKPOINT: this.#folder.absolute };
  }

  /** For the run record of a stage that was started more than once. */
  get measured(): Record<string, number> {
    const { attempt, seconds } = this.#state;
    return attempt > 1 ? { attempts: attempt, earlierSeconds: seconds } : {};
  }

  /** The checkpoint of another machine, where that one got further. */
  async takeShared(): Promise<void> {
    const { checkpoints } = this.#world;
    const found = checkpoints === undefined ? null : await checkpoints.find(this.#ready.fingerprint);
    if (found === null) return;
    if (found.state === 'refused') return this.#say(`its checkpoint in the store is not used: ${found.why}`);
    const { digest, record } = found.kept;
    const { attempt } = this.#state;
    const isOurs = attempt > record.attempt || (attempt === record.attempt && this.#folder.hasFiles());
    if (isOurs || canonicalJson(record.command) !== canonicalJson(commandOf(this.#ready))) return;
    try {
      const path = this.#ready.stage.spec.checkpoint ?? '';
      await this.#world.workspace.restore({ path, digest: record.folder, bytes: record.bytes, kind: 'folder' });
      this.#state = { ...this.#state, attempt: record.attempt, seconds: record.seconds, shared: digest };
    } catch (error) {
      if (!isLoss(error)) throw error;
      this.#say(`its checkpoint in the store cannot be had: ${(error as Error).message}`);
      await this.#folder.open({ fresh: true });
    }
  }

  async begin(): Promise<void> {
    const { attempt, seconds } = this.#state;
    if (this.#folder.hasFiles()) this.#say(`goes on from its checkpoint: attempt ${attempt + 1}, after ${formatSeconds(seconds)}`);
    const now = this.#world.now();
    this.#began = now.getTime();
    this.#state = { ...this.#state, attempt: attempt + 1, begun: now.toISOString() };
    await this.#folder.keep(this.#state);
    const { builder, checkpoints } = this.#world;
    this.#isSent = (await checkpoints?.takesUnsigned({ builder, command: commandOf(this.#ready) })) ?? false;
    const everyMs = this.#isSent ? (checkpoints?.everyMs ?? null) : null;
    if (everyMs !== null) this.#timer = setInterval(() => void (this.#saving = this.#saving.then(() => this.#saveQuiet())), everyMs);
  }

  /** The command is over. What was stopped, and did not fail of itself, is given to others. */
  async over({ exit, signal, timedOut }: ProcessEnd): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
    const isAborted = this.#world.signal.aborted;
    // a command that takes a signal as a reason to save and to end well has not done what it is for
    if (exit === 0 && !timedOut && !isAborted) return;
    this.#state = { ...this.#state, seconds: this.#seconds(), begun: null };
    await this.#folder.keep(this.#state);
    // a shell says by 128 and more that a signal ended what it waited for
    const isStopped = timedOut || isAborted || signal !== null || (exit ?? 0) > 128;
    if (isStopped && this.#isSent) await this.#save();
    else if (this.#folder.hasFiles()) this.#say('its checkpoint is kept: the next run goes on from it, `plumb run --force` starts anew');
  }

  /** To be said before the run has its name: a checkpoint of what is done must not be gone on from. */
  async done(): Promise<void> {
    await this.#folder.keep({ ...this.#state, ended: true, begun: null });
  }

  async forget(run: Digest | null): Promise<void> {
    await this.#folder.forget();
    if (this.#state.shared === null || run === null) return;
    await this.#unlessTrouble(async () => this.#world.checkpoints?.retire(this.#ready.fingerprint, run));
  }

  #seconds(): number {
    return this.#state.seconds + (this.#world.now().getTime() - this.#began) / 1000;
  }

  /** While the command runs: only what it has not written to for a moment, and does not write to meanwhile. */
  async #saveQuiet(): Promise<void> {
    const { absolute } = this.#folder;
    const before = standOf(absolute);
    if (before.text === this.#saved || before.newest > this.#world.now().getTime() - quietMs) return;
    await this.#save(() => standOf(absolute).text === before.text);
    this.#saved = before.text;
  }

  async #save(isWhole: () => boolean = () => true): Promise<void> {
    await this.#unlessTrouble(async () => {
      const { stage, fingerprint } = this.#ready;
      const { attempt, shared } = this.#state;
      const { store, now, builder } = this.#world;
      const facts = { stage: stage.spec.name, fingerprint, command: commandOf(this.#ready), attempt, builder };
      // once it is over, the seconds are counted
      const seconds = this.#state.begun === null ? this.#state.seconds : this.#seconds();
      const kept = await keepCheckpoint(store, this.#folder.absolute, { ...facts, seconds, saved: now().toISOString() });
      if (kept === null || !isWhole()) return;
      await this.#world.checkpoints?.send(kept, shared);
      this.#state = { ...this.#state, shared: kept.digest };
      await this.#folder.keep(this.#state);
      this.#say(`its checkpoint is in the store: ${sizeText(kept)}`);
    });
  }

  /** A checkpoint is a help: a stage does not fail for want of one. */
  async #unlessTrouble(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#say(`its checkpoint is not in the store: ${(error as Error).message}`);
    }
  }

  #say(text: string): void {
    this.#world.onLine(this.#ready.stage.spec.name, text);
  }
}

export type { OpenCheckpoint };

function sizeText({ record }: KeptCheckpoint): string {
  return `${(record.bytes / 1e6).toFixed(1)} MB, attempt ${record.attempt}`;
}
