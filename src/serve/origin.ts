// Bringing what origin has into this clone: at once when somebody says so, and from time to time in any case. One round at a time; hints that come during a
// round are one more round after it.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Git } from '../git/git.ts';
import { fetchRefs, remoteRefs, type RemoteOptions } from '../git/publish.ts';
import { createBell } from './bell.ts';

export interface OriginParts {
  /** the one thing here that may move refs: those below */
  readonly git: Git;
  readonly remote: RemoteOptions;
  /** which branches are looked at, short names; the main branch first */
  branches(): readonly string[];
  readonly everyMs: number;
  /** least time from the begin of one round to the next: a burst of hints is few rounds */
  readonly leastMs: number;
  /** done at the begin of each round; its failure is its own to tell */
  reconcile?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** after each round; null: it went well */
  onRound(trouble: PlumbError | null): void;
  /** refs have moved here */
  onMoved(): void;
  readonly signal: AbortSignal;
  /** milliseconds of a clock that never goes back */
  clock(): number;
}

export interface Origin {
  /** Look now. Returns at once. */
  hint(): void;
  /** Goes round until the signal. */
  run(): Promise<void>;
}

/** Where a branch of origin is put: what a mirror or a bare clone has as its own, a clone with a work tree has as origin's. */
export function refOfOrigin(git: Pick<Git, 'workTree'>, branch: string): string {
  return git.workTree === null ? `refs/heads/${branch}` : `refs/remotes/origin/${branch}`;
}

/** No longer than this from one failing round to the next. */
const mostWaitMs = 60_000;

export function followOrigin(parts: OriginParts): Origin {
  const { signal } = parts;
  const bell = createBell();
  return {
    hint: () => bell.ring(),
    async run() {
      for (let failures = 0; !signal.aborted;) {
        const begun = parts.clock();
        const trouble = await round(parts);
        if (signal.aborted) return;
        parts.onRound(trouble);
        failures = trouble === null ? 0 : failures + 1;
        const wait = failures === 0 ? parts.everyMs : Math.min(Math.max(parts.everyMs, mostWaitMs), parts.everyMs * 2 ** Math.min(failures, 10));
        await bell.wait(wait, signal);
        await pause(parts.leastMs - (parts.clock() - begun), signal);
      }
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return ms <= 0 ? Promise.resolve() : createBell().wait(ms, signal);
}

async function round(parts: OriginParts): Promise<PlumbError | null> {
  const { git, remote, signal } = parts;
  try {
    await parts.reconcile?.(signal);
    if (signal.aborted) return null;
    const wanted = parts.branches().map((branch) => ({ branch, from: `refs/heads/${branch}`, to: refOfOrigin(git, branch) }));
    const there = await remoteRefs(git, { ...remote, names: wanted.map(({ from }) => from) });
    const moved: typeof wanted = [];
    let gone: PlumbError | null = null;
    for (const one of wanted) {
      const here = await git.resolve(one.to);
      const commit = there.get(one.from);
      if (commit === undefined && (here !== null || one === wanted[0])) gone ??= missing(one.branch, remote.remote);
      else if (commit !== undefined && commit !== here) moved.push(one);
    }
    if (moved.length > 0) {
      await fetchRefs(git, { ...remote, refs: moved });
      parts.onMoved();
    }
    return gone;
  } catch (error) {
    if (isPlumbError(error)) return error;
    return new PlumbError('GIT_REMOTE_FAILED', {
      what: `${remote.remote} cannot be asked: ${String(error)}`,
      mend: 'run `plumb doctor`',
      cause: error,
    });
  }
}

function missing(branch: string, remote: string): PlumbError {
  return new PlumbError('GIT_REMOTE_FAILED', {
    what: `${remote} has no branch ${branch}; what was fetched before goes on counting`,
    mend: 'find out who took it away, and push it again from a clone that has it',
  });
}
