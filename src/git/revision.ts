// The name of a commit, taken apart: a base (branch, tag, id) and steps from there.
import { PlumbError } from '../base/errors.ts';
import { isOid, isRefName } from './names.ts';
import type { Refs } from './refs.ts';

export interface Revision {
  /** 'main', 'HEAD', 'v1.0', '1a2b3c4' */
  readonly base: string;
  /** '', '~2', '^2~1', '^{commit}', '@{1}' */
  readonly steps: string;
}

/** @returns null for what names no commit in any repository: options, paths ('HEAD:file'), ranges, the empty text */
export function splitRevision(text: string): Revision | null {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  if (text === '' || text.startsWith('-') || text.includes('..') || /[\u0000-\u001f\u007f]/.test(text)) return null;
  const cut = /[~^:]|@\{/.exec(text)?.index ?? text.length;
  const base = text.slice(0, cut);
  const steps = text.slice(cut);
  if (steps.replaceAll(/\{[^}]*\}/g, '').includes(':')) return null;
  return { base: base === '' || base === '@' ? 'HEAD' : base, steps };
}

/** In git's order of preference. Source: gitrevisions(7) */
const rules: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => `refs/${name}`,
  (name) => `refs/tags/${name}`,
  (name) => `refs/heads/${name}`,
  (name) => `refs/remotes/${name}`,
  (name) => `refs/remotes/${name}/HEAD`,
];

/**
 * The one ref that a short or whole name stands for, or null where it stands for none.
 * git takes the first in its order with a warning; we refuse, for a tag called "main" must not decide what is served.
 * @throws PlumbError GIT_REVISION_AMBIGUOUS
 */
export async function findRef(refs: Refs, name: string): Promise<{ readonly name: string; readonly oid: string } | null> {
  if (isOid(name)) return null;
  const found: { name: string; oid: string }[] = [];
  for (const rule of rules) {
    const full = rule(name);
    // of the files beside refs/, git takes those in capitals only: HEAD, ORIG_HEAD, FETCH_HEAD
    if (!isRefName(full) || (!full.includes('/') && !/^[A-Z_]+$/.test(full))) continue;
    const oid = await refs.read(full);
    if (oid !== null) found.push({ name: full, oid });
    if (full === 'HEAD' || (oid !== null && full === name)) break;
  }
  const [first, second] = found;
  if (first === undefined) return null;
  if (second === undefined) return first;
  throw new PlumbError('GIT_REVISION_AMBIGUOUS', {
    what: `"${name}" names ${found.map((ref) => ref.name).join(' and ')}`,
    mend: `write the one that you mean in full: ${second.name}`,
  });
}
