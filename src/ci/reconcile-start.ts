// The first record: somebody has looked at what the pointers of the main branch name, and the log goes on from there. What came before has no record, and
// what does not hold together is not served from here on.
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { Decision } from '../registry/audit-record.ts';
import { listPointers, pointerPath } from '../registry/pointer.ts';
import { everRevoked, revokedIn } from '../registry/revocation.ts';
import { commitTree } from '../registry/tree.ts';
import { verifyPointer } from '../registry/verify-pointer.ts';
import { aboutStep, type Draft, type DraftFrame } from './reconcile-draft.ts';
import { policyTrouble } from './reconcile-policy.ts';

/**
 * @param tip of the main branch. @param reason of whoever begins it
 * @throws PlumbError AUDIT_SIGNER where the policy names nobody who signs
 */
export async function draftStart(frame: DraftFrame & { readonly logBranch: string }, tip: Oid, reason: string | null): Promise<Draft> {
  const { git, prefix } = frame;
  const trouble = await policyTrouble(frame, tip);
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
