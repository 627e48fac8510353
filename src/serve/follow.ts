// Seeing a branch move. Polling is the truth: it works on every file system and for every way in which git stores refs. What the kernel tells
// of the git folder is a hint that makes us look sooner.
import { watch } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Git, Oid } from '../git/git.ts';

/** What a follower saw: the commit that the ref is at now, or why that cannot be said. */
export type Sighting =
  | { readonly kind: 'commit'; readonly commit: Oid; readonly noticedMs: number }
  | { readonly kind: 'absent'; readonly noticedMs: number }
  | { readonly kind: 'trouble'; readonly error: unknown };

export interface Follower {
  readonly git: Pick<Git, 'refToken' | 'resolve' | 'gitDir'>;
  /** branch, or anything else that git resolves; a branch is seen fastest */
  readonly ref: string;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** milliseconds of a clock that never goes back */
  now(): number;
  /** told at every look at the ref that succeeded, whether it moved or not */
  onLook?(): void;
}

/**
 * Yields where the ref is, at once and then whenever it moved, until the signal. Whoever is slow in taking sightings gets the newest, never a
 * queue of old ones. Trouble is told once and looked at again at every poll.
 */
export async function* followRef(follower: Follower): AsyncGenerator<Sighting, void> {
  const { git, ref, signal } = follower;
  const hints = watchRef(git.gitDir, ref);
  let seen: string | undefined;
  let before: Oid | null | undefined;
  let troubled = false;
  try {
    while (!signal.aborted) {
      try {
        const token = await git.refToken(ref);
        const noticedMs = follower.now();
        follower.onLook?.();
        if (token !== seen) {
          const commit = await git.resolve(ref);
          seen = token;
          if (commit !== before || troubled) {
            before = commit;
            troubled = false;
            yield commit === null ? { kind: 'absent', noticedMs } : { kind: 'commit', commit, noticedMs };
          }
        }
      } catch (error) {
        seen = undefined;
        if (!troubled) yield { kind: 'trouble', error };
        troubled = true;
      }
      await hints.wait(follower.pollMs, signal);
    }
  } finally {
    hints.close();
  }
}

interface Hints {
  /** Resolves after ms, at a hint, or at the signal: whichever comes first. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** A hint may be missed or be about something else: both cost nothing but time. */
function watchRef(gitDir: string, ref: string): Hints {
  let hinted = false;
  let wake: (() => void) | undefined;
  const onHint = (): void => {
    hinted = true;
    wake?.();
  };
  // packed-refs lies in the first, the branch's own file in the second
  const folders = new Set([gitDir, dirname(join(gitDir, 'refs', 'heads', ref))]);
  const watchers = [...folders].flatMap((folder) => {
    try {
      const watcher = watch(folder, { persistent: false }, onHint);
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  });
  return {
    async wait(ms, signal) {
      if (!hinted && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const end = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', end);
            wake = undefined;
            resolve();
          };
          const timer = setTimeout(end, ms);
          wake = end;
          signal.addEventListener('abort', end, { once: true });
        });
      }
      hinted = false;
    },
    close: () => watchers.forEach((watcher) => watcher.close()),
  };
}
