// Objects that are files of their own, as far as one look at the disk goes. Everything here is synchronous: threads use it, and handing a call of a few
// microseconds to another thread and back costs several times the call.
import { statSync, type Stats } from 'node:fs';
import type { Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';
import { objectPath } from '../layout.ts';
import { isSealed, seal } from './seal.ts';
import { hashOpen, isAsItWas, withFile } from './steady.ts';
import type { Control } from './task.ts';

export type LooseState = 'missing' | 'good' | 'bad';

/** Facts of an object's file; null: it is not there. */
export function factsOf(root: string, digest: Digest): Stats | null {
  const path = objectPath(root, digest);
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    return facts?.isFile() === true ? facts : null;
  } catch (error) {
    throw systemError(error, 'read', path);
  }
}

/** Is it there, and as it was when it was verified? */
export function isTrusted(root: string, digest: Digest): boolean {
  const facts = factsOf(root, digest);
  return facts !== null && isSealed(facts.mtimeMs, digest);
}

/** Hashes an object, and seals it if it is good. */
export async function hashLoose(root: string, digest: Digest, control: Control): Promise<LooseState> {
  const path = objectPath(root, digest);
  const state = await withFile<LooseState>(path, async (file) => {
    if ((await hashOpen(file, path, control)) !== digest) return 'bad';
    if (!isSealed(file.facts.mtimeMs, digest) && isAsItWas(file)) seal(path, digest, file.facts);
    return 'good';
  });
  return state ?? 'missing';
}

/** Looks at the seal, and hashes where there is none. */
export async function checkLoose(root: string, digest: Digest, control: Control): Promise<LooseState> {
  return isTrusted(root, digest) ? 'good' : hashLoose(root, digest, control);
}
