// Which way working copies come out of the cache is found out by trying: documentation of file systems and containers is often wrong.
//   reflink    bytes are shared until either side is written: nothing can go wrong
//   hardlink   the working copy is the cache's own file. Read-only, so an editor makes a new file or is refused; but who may write read-only files all
//              the same (root) would write into the cache: then it is not chosen
//   copy       always works
import { accessSync, closeSync, constants, copyFileSync, linkSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryBeside } from '../../base/atomic.ts';
import { errnoOf, PlumbError } from '../../base/errors.ts';
import type { LinkKind } from './cache.ts';
import { makeFolder, objectMode } from './sharing.ts';

export interface ChosenLink {
  readonly kind: LinkKind;
  /** for `plumb doctor`: what decided it */
  readonly why: string;
}

/** @throws PlumbError CONFIG_INVALID for a value of PLUMB_LINK that is none */
export function preferredLink(options: { readonly link?: LinkKind; readonly env: Readonly<Record<string, string | undefined>> }): ChosenLink | null {
  const named = options.env['PLUMB_LINK'];
  if (named !== undefined && named !== '') {
    if (named !== 'reflink' && named !== 'hardlink' && named !== 'copy') {
      throw new PlumbError('CONFIG_INVALID', {
        what: `PLUMB_LINK is ${JSON.stringify(named)}; it can be reflink, hardlink or copy`,
        mend: 'give it one of these values, or take it out of the environment',
      });
    }
    return { kind: named, why: 'PLUMB_LINK says so' };
  }
  return options.link === undefined ? null : { kind: options.link, why: 'plumbline.yaml says so' };
}

/**
 * Tries which way files can come from a cache into a folder. Leaves nothing behind.
 * @param target a folder that is there
 */
export function tryLinks(root: string, target: string): ChosenLink {
  const made: string[] = [];
  try {
    const source = probeIn(root, made);
    if (source === null) return { kind: 'copy', why: 'the cache can only be read, and holds nothing yet to try with' };
    const copy = temporaryBeside(join(placeToTry(root, target), 'probe'));
    made.push(copy);
    const refused = tried(() => copyFileSync(source, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE));
    if (refused === null) return { kind: 'reflink', why: 'the file system shares bytes between files (reflink)' };
    rmSync(copy, { force: true });
    const unlinked = tried(() => linkSync(source, copy));
    if (unlinked !== null) return { kind: 'copy', why: `neither reflinks (${refused}) nor hard links (${unlinked}) work between the cache and here` };
    const unwritable = tried(() => closeSync(openSync(copy, 'r+')));
    if (unwritable === null)
      return { kind: 'copy', why: 'this user may write read-only files (root may), so an edit would go through a hard link into the cache' };
    return { kind: 'hardlink', why: `no reflinks here (${refused}); hard links work, and read-only files are safe from this user` };
  } finally {
    for (const path of made) rmSync(path, { force: true });
  }
}

/** What works within one file system works there in the cache's tmp/ as well, where nobody minds what a killed process leaves. */
function placeToTry(root: string, target: string): string {
  try {
    const folder = join(root, 'tmp');
    accessSync(folder, constants.W_OK);
    return statSync(folder).dev === statSync(target).dev ? folder : target;
  } catch {
    return target;
  }
}

/** A read-only file of the cache: made for the purpose, or where nothing can be made, one that is there. */
function probeIn(root: string, made: string[]): string | null {
  const probe = temporaryBeside(join(root, 'tmp', 'probe'));
  try {
    makeFolder(root, dirname(probe));
    // on a full disk it is made, and cannot be filled
    made.push(probe);
    writeFileSync(probe, 'probe', { flag: 'wx', mode: objectMode });
    return probe;
  } catch {
    return firstFileBelow(join(root, 'objects')) ?? firstFileBelow(join(root, 'packs'));
  }
}

function firstFileBelow(folder: string): string | null {
  try {
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      if (!statSync(path).isDirectory()) return path;
      const inner = firstFileBelow(path);
      if (inner !== null) return inner;
    }
  } catch {
    // not there, or not to be read: as good as empty
  }
  return null;
}

/** @returns null: it worked; else the errno */
function tried(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}
