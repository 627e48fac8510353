// The main branch and the log of decisions, as origin has them: looked at, brought here, and added to. The log's branch only ever grows: one that does not have
// what was seen of it before is not taken.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { moveRef } from '../git/move-ref.ts';
import { commitFiles, fetchRefs, pushBranch, remoteRefs, type RemoteOptions } from '../git/publish.ts';
import { planRecords, type AppendPlan, type DecisionDraft, type LogSigner } from '../registry/audit-append.ts';
import { logState } from '../registry/audit-state.ts';
import { readLog, soundLog, type DecisionLog } from '../registry/decision-log.ts';

export interface OriginPlace {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** short names */
  readonly branch: string;
  readonly logBranch: string;
  /** null: this clone is all that there is, and its own branches are meant */
  readonly remote: RemoteOptions | null;
  /** what vouches for the first record; undefined: trust on first use */
  readonly pin: string | undefined;
}

export interface Sight {
  /** the main branch */
  readonly tip: Oid;
  /** null: there is none yet */
  readonly log: DecisionLog | null;
}

/** The ref of this clone that a branch of origin is kept in: what a bare clone has as its own, a clone with a work tree has as origin's. */
export function refOf({ git, remote }: Pick<OriginPlace, 'git' | 'remote'>, branch: string): string {
  return git.workTree === null || remote === null ? `refs/heads/${branch}` : `refs/remotes/origin/${branch}`;
}

/**
 * @param known what this process believed of the log before
 * @throws PlumbError AUDIT_REWRITTEN, AUDIT_INVALID, GIT_REMOTE_FAILED, GIT_REMOTE_DENIED, GIT_REVISION_UNKNOWN (no main branch), SIGNING_KEY (the pin)
 */
export async function lookAt(place: OriginPlace, known: DecisionLog | null): Promise<Sight> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await lookOnce(place, known);
    } catch (error) {
      // main went on, and another runner recorded it, between the two answers of origin
      if (!isPlumbError(error, 'AUDIT_BEHIND') || place.remote === null || tries === mostLooks) throw error;
    }
  }
}

const mostLooks = 3;

async function lookOnce(place: OriginPlace, known: DecisionLog | null): Promise<Sight> {
  const { git, branch, logBranch, remote } = place;
  const [main, log] = [refOf(place, branch), refOf(place, logBranch)];
  if (remote !== null) await bringHere(place, remote);
  const tip = await git.resolve(main);
  if (tip === null)
    throw new PlumbError('GIT_REVISION_UNKNOWN', { what: `there is no branch ${branch}`, mend: 'name it in plumbline.yaml: `main: <branch>`' });
  if ((await git.resolve(log)) === null) return { tip, log: null };
  return { tip, log: soundLog(await readLog({ git, prefix: place.prefix, ref: log, main: tip, pin: place.pin, known: known ?? undefined })) };
}

async function bringHere(place: OriginPlace, remote: RemoteOptions): Promise<void> {
  const { git, branch, logBranch } = place;
  const [main, log] = [branch, logBranch].map((name) => ({ from: `refs/heads/${name}`, to: refOf(place, name) })) as [Ref, Ref];
  const there = await remoteRefs(git, { ...remote, names: [main.from, log.from] });
  const [hereMain, hereLog] = [await git.resolve(main.to), await git.resolve(log.to)];
  const wanted = [...(there.get(main.from) === hereMain ? [] : [main]), ...(there.get(log.from) === hereLog ? [] : [{ from: log.from }])];
  const tip = there.get(log.from) ?? null;
  if (tip === null && hereLog !== null) throw gone(logBranch, hereLog);
  if (wanted.length === 0) return;
  await fetchRefs(git, { ...remote, refs: tip === null ? [main] : wanted });
  if (tip === null || tip === hereLog) return;
  if (hereLog !== null && (await git.mergeBase(hereLog, tip)) !== hereLog) throw parted(logBranch, { here: hereLog, there: tip });
  await moveRef(git, { name: log.to, from: hereLog, to: tip });
}

interface Ref {
  readonly from: string;
  readonly to: string;
}

function gone(branch: string, here: Oid): PlumbError {
  return new PlumbError('AUDIT_REWRITTEN', {
    what: `origin has no branch ${branch} any more; this clone has its commit ${here.slice(0, 12)}`,
    mend: `find out who took it away, then put it back: git push origin ${here}:refs/heads/${branch}`,
  });
}

function parted(branch: string, { here, there }: { readonly here: Oid; readonly there: Oid }): PlumbError {
  return new PlumbError('AUDIT_REWRITTEN', {
    what: `${branch} of origin (${there.slice(0, 12)}) does not have what it had before (${here.slice(0, 12)}): it was rewritten`,
    mend: `find out who wrote to it, then put back what was there: git push --force-with-lease origin ${here}:refs/heads/${branch}`,
  });
}

/**
 * Signs a record and pushes it in one step: of two who add to the same log, one is first.
 * @returns the log with it; null: somebody else was first
 * @throws PlumbError AUDIT_SIGNER, AUDIT_INVALID, SIGNING_FAILED, GIT_PUSH_REFUSED, GIT_REMOTE_DENIED, GIT_REMOTE_FAILED
 */
export async function appendTo(
  place: OriginPlace,
  log: DecisionLog | null,
  { draft, signer }: { readonly draft: DecisionDraft; readonly signer: LogSigner },
): Promise<DecisionLog | null> {
  const { git, prefix, logBranch } = place;
  const plan = await planRecords({ git, prefix, log, drafts: [draft], signer });
  const commit = await commitFiles(git, {
    parent: plan.parent,
    files: new Map(plan.files.map(({ path, bytes }) => [path, Buffer.from(bytes)])),
    message: plan.message,
    author: { name: 'plumb reconcile', email: 'plumb@reconcile.invalid' },
    at: new Date(draft.at),
  });
  if (!(await publish(place, plan, commit))) return null;
  const ref = refOf(place, logBranch);
  return { ...logState([...(log?.records ?? []), ...plan.records]), ref, tip: commit, trust: log?.trust ?? 'first-use', findings: [] };
}

async function publish(place: OriginPlace, { parent }: AppendPlan, commit: Oid): Promise<boolean> {
  const { git, logBranch, remote } = place;
  const local = { name: refOf(place, logBranch), from: parent, to: commit };
  if (remote === null) return moveRef(git, local);
  if ((await pushBranch(git, { ...remote, commit, branch: logBranch, expected: parent })) === 'refused') return false;
  // what git itself did of it while it pushed is the same
  await moveRef(git, local).catch((error: unknown) => {
    if (!isPlumbError(error)) throw error;
  });
  return true;
}
