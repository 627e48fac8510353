// The checkpoint of a stage on this machine. While a stage runs, and until another fingerprint wants the place, it stands in the work tree at the path
// that pipeline.yaml names; else it is parked in .plumb/checkpoints/<key>/files. Every step is a rename, and the order says whose a folder is at any
// time: `<hash of the path>.here` names the key of what stands in the work tree.
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import { systemError } from '../base/errors.ts';
import { countSchema, digestSchema, fields, instantSchema, z } from '../base/schema.ts';
import { refuseWayOut } from '../datasets/paths.ts';

const stateSchema = fields({
  stage: z.string(),
  path: z.string(),
  /** how often the stage was started with this checkpoint */
  attempt: countSchema,
  /** that it ran in attempts that are over */
  seconds: z.number().nonnegative(),
  /** when the attempt that is not over began */
  begun: instantSchema.nullable(),
  /** it ended well: what stands there is nobody's any more */
  ended: z.boolean(),
  /** the checkpoint/1 that is in the store of this, or that this came from */
  shared: digestSchema.nullable(),
});

export type CheckpointState = z.infer<typeof stateSchema>;

export interface CheckpointPlace {
  /** absolute */
  readonly root: string;
  /** absolute: .plumb */
  readonly localDir: string;
  readonly stage: string;
  /** in the project, as pipeline.yaml says */
  readonly path: string;
  /** hex of fingerprint and trust domain */
  readonly key: string;
}

/** Parked checkpoints of other fingerprints, of one path: of an edit that is taken back soon. They are large. */
const mostParked = 2;

const none: Omit<CheckpointState, 'stage' | 'path'> = { attempt: 0, seconds: 0, begun: null, ended: false, shared: null };

export class CheckpointFolder {
  readonly absolute: string;
  readonly #place: CheckpointPlace;
  readonly #all: string;
  readonly #own: string;
  readonly #here: string;

  constructor(place: CheckpointPlace) {
    this.#place = place;
    this.absolute = join(place.root, place.path);
    this.#all = join(place.localDir, 'checkpoints');
    this.#own = join(this.#all, place.key);
    this.#here = join(this.#all, `${hexOf(digestOf(place.path))}.here`);
  }

  /** What is known of the earlier attempts; of none where there were none, or where the file is none of ours. */
  state(): CheckpointState {
    const { stage, path } = this.#place;
    const found = readState(this.#own);
    if (found === null || found.ended || found.path !== path) return { ...none, stage, path };
    if (found.begun === null) return found;
    // it was killed: what it wrote last says how long it was at work
    const seconds = Math.max(0, (standOf(this.#standing()).newest - Date.parse(found.begun)) / 1000);
    return { ...found, seconds: found.seconds + seconds, begun: null };
  }

  async keep(state: CheckpointState): Promise<void> {
    mkdirSync(this.#own, { recursive: true });
    await writeFileAtomic(join(this.#own, 'state.json'), `${JSON.stringify(state)}\n`);
  }

  /** Is there anything to go on from? */
  hasFiles(): boolean {
    return standOf(this.#standing()).newest > -Infinity;
  }

  /** Is it in the work tree? */
  isStanding(): boolean {
    return readKey(this.#here) === this.#place.key && isFolder(this.absolute);
  }

  /** What ended well is gone, though whoever wanted to remove it was killed. */
  async open({ fresh }: { readonly fresh: boolean }): Promise<void> {
    if (fresh || readState(this.#own)?.ended === true) await this.forget();
    await this.#bring();
  }

  /**
   * Puts this checkpoint, or an empty folder, where the command looks for it. What stands there of another fingerprint is parked; what is
   * nobody's goes, as outputs do.
   */
  async #bring(): Promise<void> {
    const { root, path, key } = this.#place;
    await refuseWayOut(root, dirname(path));
    try {
      mkdirSync(this.#all, { recursive: true });
      const owner = readKey(this.#here);
      if (owner !== key || !isFolder(this.absolute)) {
        if (owner !== null && owner !== key && isFolder(this.absolute)) this.#park(owner);
        rmSync(this.absolute, { recursive: true, force: true });
        await writeFileAtomic(this.#here, `${key}\n`);
        mkdirSync(dirname(this.absolute), { recursive: true });
        if (isFolder(this.#parked())) renameSync(this.#parked(), this.absolute);
      }
      mkdirSync(this.absolute, { recursive: true });
      this.#letGo();
    } catch (error) {
      throw systemError(error, 'write', this.absolute);
    }
  }

  /** Nothing of this checkpoint is left. */
  async forget(): Promise<void> {
    const { root, path, key } = this.#place;
    await refuseWayOut(root, dirname(path));
    if (readKey(this.#here) === key) {
      rmSync(this.absolute, { recursive: true, force: true });
      rmSync(this.#here, { force: true });
    }
    rmSync(this.#own, { recursive: true, force: true });
  }

  #parked(): string {
    return join(this.#own, 'files');
  }

  /** Where its files are at the moment. */
  #standing(): string {
    return this.isStanding() ? this.absolute : this.#parked();
  }

  #park(owner: string): void {
    const target = join(this.#all, owner, 'files');
    rmSync(target, { recursive: true, force: true });
    mkdirSync(dirname(target), { recursive: true });
    renameSync(this.absolute, target);
  }

  /** The oldest of what is parked for this path goes; so does what ended well and was not taken away. */
  #letGo(): void {
    const parked = readdirSync(this.#all).flatMap((name) => {
      const folder = join(this.#all, name);
      const state = name === this.#place.key ? null : readState(folder);
      return state === null || state.path !== this.#place.path
        ? []
        : [{ folder, ended: state.ended, at: look(join(folder, 'state.json'))?.mtimeMs ?? 0 }];
    });
    const byAge = parked.toSorted((a, b) => Number(a.ended) - Number(b.ended) || b.at - a.at || byCodeUnit(a.folder, b.folder));
    for (const { folder } of byAge.filter((one, at) => one.ended || at >= mostParked)) rmSync(folder, { recursive: true, force: true });
  }
}

function readState(folder: string): CheckpointState | null {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')));
  } catch {
    return null;
  }
}

/** What stands in the file is joined to a path. */
function readKey(file: string): string | null {
  try {
    const key = readFileSync(file, 'utf8').trim();
    return /^[0-9a-f]{64}$/.test(key) ? key : null;
  } catch {
    return null;
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  return look(path)?.isDirectory() === true;
}

/** What is below a folder: a text that is equal as long as no file changes, and when the youngest was written, in ms (-Infinity: there is none). */
export function standOf(folder: string): { readonly text: string; readonly newest: number } {
  const all = [...filesBelow(folder)];
  const lines = all.map(({ path, size, mtimeMs, ino }) => JSON.stringify([path, size, mtimeMs, ino]));
  return { text: lines.toSorted(byCodeUnit).join('\n'), newest: all.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), -Infinity) };
}

interface FileThere {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

function* filesBelow(folder: string): Generator<FileThere> {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // it is not there, or went a moment ago
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    const facts = look(path);
    if (facts?.isDirectory() === true) yield* filesBelow(path);
    else if (facts !== undefined) yield { path, size: facts.size, mtimeMs: facts.mtimeMs, ino: facts.ino };
  }
}
