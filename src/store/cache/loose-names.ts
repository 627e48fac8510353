// Which objects are files of their own, for whoever asks for very many and finds few: a folder is listed once instead of being asked for each.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Digest } from '../../base/digest.ts';
import { errnoOf, systemError } from '../../base/errors.ts';
import { objectPath } from '../layout.ts';
import { Prefixes, prefixOf } from '../pack/prefixes.ts';
import { momentMs, restMs } from './local-packs.ts';

/** A folder is worth listing when it is asked for more than this. */
const fewQuestions = 8;

/** What is known of the folder of those digests that begin with two digits. */
interface Start {
  looked: number;
  /** null: there is none */
  readonly mtimeMs: number | null;
  /** nothing had happened there for a while: as long as its time stays, its names do */
  readonly isAtRest: boolean;
  questions: number;
  names: Prefixes | null;
}

export class LooseNames {
  readonly #root: string;
  readonly #starts = new Map<string, Start>();

  constructor(root: string) {
    this.#root = root;
  }

  /** True: it is there now. False: it was not there a moment ago. */
  has(digest: Digest): boolean {
    const path = objectPath(this.#root, digest);
    const start = this.#startOf(digest, dirname(path));
    if (start.mtimeMs === null) return false;
    start.questions += 1;
    if (start.questions > fewQuestions) start.names ??= namesIn(dirname(path), digest.slice(7, 9));
    return start.names?.has(prefixOf(digest)) !== false && existsSync(path);
  }

  #startOf(digest: Digest, folder: string): Start {
    const name = digest.slice(7, 9);
    const known = this.#starts.get(name);
    const now = Date.now();
    if (known !== undefined && now - known.looked <= momentMs) return known;
    const mtimeMs = timeOf(folder);
    if (known?.isAtRest === true && known.mtimeMs === mtimeMs) {
      known.looked = now;
      return known;
    }
    const start = { looked: now, mtimeMs, isAtRest: mtimeMs !== null && Math.abs(now - mtimeMs) > restMs, questions: 0, names: null };
    this.#starts.set(name, start);
    return start;
  }
}

function timeOf(folder: string): number | null {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? null;
  } catch (error) {
    throw systemError(error, 'read', folder);
  }
}

function namesIn(folder: string, start: string): Prefixes {
  try {
    return new Prefixes(Float64Array.from(readdirSync(folder), (name) => Number.parseInt(start + name.slice(0, 10), 16)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Prefixes(new Float64Array());
    throw systemError(error, 'read', folder);
  }
}
