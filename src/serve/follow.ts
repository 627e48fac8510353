// Seeing a branch move. Polling is the truth: it works on every file system and for every way in which git stores refs. What the kernel tells
// of the git folder is a hint that makes us look sooner.
import { watch } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Git, Oid } from '../git/git.ts';
import { createBell, type Bell } from './bell.ts';

/** What a follower saw: the commit that the ref is at now, or why that cannot be said. */
export type Sighting =
  | { readonly kind: 'commit'; readonly commit: Oid; readonly noticedMs: number }
  | { readonly kind: 'absent'; readonly noticedMs: number }
  | { readonly kind: 'trouble'; readonly error: unknown };

export interface Follower {
  readonly git: Pick<Git, 'refToken' | 'resolve' | 'gitDir'>;
  /** branch, or anything else that git resolves; a branch is seen fastest */
  readonly ref: string;
  /** refs that are looked at beside it: when one of them moves, where `ref` is comes again */
  also?(): readonly string[];
  readonly pollMs: number;
  readonly signal: AbortSignal;
  /** milliseconds of a clock that never goes back */
  now(): number;
  /** told at every look at the ref that succeeded, whether it moved or not */
  onLook?(): void;
  /** whoever brings refs here rings it, so that they are seen at once */
  readonly bell?: Bell;
}

/**
 * Yields where the ref is, at once and then whenever it moved, until the signal. Whoever is slow in taking sightings gets the newest, never a
 * queue of old ones. Trouble is told once and looked at again at every poll.
 */
export async function* followRef(follower: Follower): AsyncGenerator<Sighting, void> {
  const { git, ref, signal, bell = createBell() } = follower;
  const close = watchRef(git.gitDir, ref, () => bell.ring());
  let seen: string | undefined;
  let seenBeside = '';
  let before: Oid | null | undefined;
  let troubled = false;
  try {
    while (!signal.aborted) {
      try {
        const [token, ...others] = await Promise.all([ref, ...(follower.also?.() ?? [])].map((name) => git.refToken(name)));
        const beside = others.join('\n');
        const noticedMs = follower.now();
        follower.onLook?.();
        if (token !== seen || beside !== seenBeside) {
          const commit = await git.resolve(ref);
          const isNews = commit !== before || beside !== seenBeside || troubled;
          seen = token;
          seenBeside = beside;
          if (isNews) {
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
      await bell.wait(follower.pollMs, signal);
    }
  } finally {
    close();
  }
}

/** A hint may be missed or be about something else: both cost nothing but time. @returns what ends it */
function watchRef(gitDir: string, ref: string, onHint: () => void): () => void {
  // packed-refs lies in the first, the branch's own file in the second
  const folders = new Set([gitDir, dirname(join(gitDir, ref.startsWith('refs/') ? ref : join('refs', 'heads', ref)))]);
  const watchers = [...folders].flatMap((folder) => {
    try {
      const watcher = watch(folder, { persistent: false }, onHint);
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  });
  return () => watchers.forEach((watcher) => watcher.close());
}
