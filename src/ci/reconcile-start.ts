// The first record: somebody has looked at what the pointers of the main branch name, and the log goes on from there. What came before has no record, and
// what does not hold together is not served from here on.
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { claimedDecision } from '../registry/audit-chain.ts';
import { recordPath, type Decision } from '../registry/audit-record.ts';
import { readPin } from '../registry/audit-signers.ts';
import { listPointers, pointerPath } from '../registry/pointer.ts';
import { everRevoked, revokedIn } from '../registry/revocation.ts';
import { commitTree } from '../registry/tree.ts';
import { verifyPointer } from '../registry/verify-pointer.ts';
import { aboutStep, type Draft, type DraftFrame } from './reconcile-draft.ts';
import { policyTrouble } from './reconcile-policy.ts';

export interface StartPlace extends DraftFrame {
  readonly logBranch: string;
  /** what vouches for the first record; undefined: nothing does */
  readonly pin: string | undefined;
}

/**
 * Whoever may push to the main branch names the branch of the log there, and could so have another one begun, in which all that he pushed is taken over.
 * @throws PlumbError AUDIT_REWRITTEN where this clone has another log about the main branch, or the pin says that there must be one
 */
async function refuseSecondLog({ git, branch, pin }: StartPlace): Promise<void> {
  const mend = 'find out who moved or took away the log of decisions, and put back what was there: `audit.branch` of policy.yaml names its branch';
  if (pin !== undefined && 'record' in readPin(pin))
    throw new PlumbError('AUDIT_REWRITTEN', { what: `the log that begins with ${pin} is not there: another one is not begun`, mend });
  for (const { name, commit } of await git.tips()) {
    const bytes = await git.readBlob(commit, recordPath(0));
    const claimed = bytes === null ? null : claimedDecision(Buffer.from(bytes).toString('utf8'));
    if (claimed?.branch === branch)
      throw new PlumbError('AUDIT_REWRITTEN', {
        what: `there is a log of decisions about ${branch} already, in ${name}: another one is not begun`,
        mend,
      });
  }
}

/**
 * @param tip of the main branch. @param reason of whoever begins it
 * @throws PlumbError AUDIT_SIGNER where the policy names nobody who signs; AUDIT_REWRITTEN where there was a log before
 */
export async function draftStart(frame: StartPlace, tip: Oid, reason: string | null): Promise<Draft> {
  const { git, prefix } = frame;
  await refuseSecondLog(frame);
  const trouble = await policyTrouble(frame, tip, null);
  if (trouble !== null)
    throw new PlumbError('AUDIT_SIGNER', {
      what: `the log of decisions cannot begin: ${trouble}`,
      mend: 'add `audit: { keys: [...] }` to policy.yaml of the main branch; `plumb keys new --for audit` makes a pair',
    });
  const tree = commitTree(git, prefix, tip);
  const revoked = await everRevoked(git, prefix, tip);
  const moves: Decision['moves'] = [];
  const faults: string[] = [];
  const places = (await listPointers(tree))
    .filter(({ model }) => isName(model))
    .toSorted((a, b) => byCodeUnit(`${a.model}\0${a.stage}`, `${b.model}\0${b.stage}`));
  for (const place of places) {
    const { pointer, findings } = await verifyPointer(tree, place);
    const [bytes = null] = await tree.read([pointerPath(place)]);
    const taken = pointer === null ? null : revokedIn(pointer, revoked);
    const served = pointer !== null && findings.length === 0 && taken === null;
    if (!served)
      faults.push(taken === null ? (findings[0]?.what ?? pointerPath(place)) : `${pointerPath(place)} names ${taken}, which was taken out for good`);
    const to = pointer?.artifact.digest ?? null;
    moves.push({
      ...place,
      kind: pointer === null ? 'broken' : 'promotion',
      from: null,
      to,
      pointer: bytes === null ? null : digestOf(bytes),
      served,
    });
  }
  const { parents } = await git.readCommit(tip);
  const about = await aboutStep(frame, { commit: tip, parent: parents[0] ?? null, paths: [...places.map(pointerPath), files.policy].toSorted() });
  const policy = about.subject.find(({ name }) => name === files.policy)?.digest.sha256;
  return {
    ...about,
    kind: 'start',
    moves,
    revoked: [...revoked].toSorted(),
    policy: policy === undefined ? null : `sha256:${policy}`,
    holds: faults.length === 0,
    points: [
      {
        point: 'pointers',
        holds: faults.length === 0,
        why: faults.length === 0 ? `${places.length} pointers and their evidence hold together` : faults.slice(0, 5).join('; '),
      },
    ],
    pull: null,
    approvals: [],
    reason,
  };
}
