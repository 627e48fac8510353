// Taking a model out for good: its revocation, and in the same commit the way back wherever a pointer names it. Where the line has no earlier model that may be
// served, the pointer goes: a stage without a model is better than one with this.
import { byCodeUnit } from '../base/canonical.ts';
import { hexOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { files as projectFiles } from '../project/layout.ts';
import { pointerHistory, stateOf, type PointerHistory } from './history.ts';
import { oneLine } from './one-line.ts';
import { placeOf, pointerPath, type PointerPlace } from './pointer.ts';
import { digestsOf, everRevoked, revocationPath, revokedIn, serialiseRevocation } from './revocation.ts';
import { stages } from './schema.ts';
import { commitTree } from './tree.ts';
import { describeStep, findWayBack, type ChangedFile, type StepBack } from './way-back.ts';

export interface RevocationWish {
  readonly model: string;
  /** 'sha256:...', or the first seven or more hex digits of it: of an artifact that the model's history has, or of a part of one */
  readonly digest: string;
  readonly reason: string;
  /** name <e-mail> */
  readonly by: string;
  readonly at: Date;
  /** also what no history knows; then all of the digest has to be said */
  readonly force: boolean;
}

export interface RevocationPlan {
  readonly digest: Digest;
  /** pointers that move in the same commit */
  readonly steps: readonly StepBack[];
  /** project-relative; the pointers last. Empty: it is out already, and nothing names it */
  readonly files: readonly ChangedFile[];
  /** of the commit */
  readonly message: string;
}

type Place = { readonly git: Git; readonly prefix: string };

/**
 * @param tip commit on which the files would change, and whose first-parent line is the history
 * @throws PlumbError MODEL_UNKNOWN, USAGE (several begin so; no reason), GIT_TOO_SHALLOW, EVIDENCE_INVALID, NAME_INVALID
 */
export async function planRevocation(where: Place, wish: RevocationWish, tip: Oid): Promise<RevocationPlan> {
  const { git, prefix } = where;
  const { model } = wish;
  if (oneLine(wish.reason) === '')
    throw new PlumbError('USAGE', { what: 'a model is taken out for good, and nobody says why', mend: 'add --reason "...": it is kept for ever' });
  const histories = await Promise.all(stages.map((stage) => pointerHistory(git, prefix, tip, model, stage)));
  const digest = findDigest(wish, histories);
  const revoked = new Set([...(await everRevoked(git, prefix, tip)), digest]);
  const { steps, files } = await waysBack(where, tip, { digest, revoked });
  const path = revocationPath(model, digest);
  const isThere = (await git.readBlob(tip, prefix + path)) !== null;
  const text = serialiseRevocation({
    plumbline: 'revocation/1',
    model,
    digest,
    reason: wish.reason.trim(),
    at: wish.at.toISOString(),
    by: wish.by,
  });
  const own = isThere ? [] : [{ path, bytes: Buffer.from(text) }];
  return { digest, steps, files: [...own, ...files], message: describeRevocation({ model, digest, reason: wish.reason, steps }) };
}

function findDigest({ model, digest: text, force }: RevocationWish, histories: readonly PointerHistory[]): Digest {
  const hex = /^(?:sha256:)?([0-9a-f]{7,64})$/.exec(text)?.[1];
  if (hex === undefined) {
    throw new PlumbError('USAGE', {
      what: `"${oneLine(text, 100)}" is no digest`,
      mend: `write its first seven or more hex digits: \`plumb history ${model}\` shows them`,
    });
  }
  const known = new Set(histories.flat().flatMap(({ pointer }) => (pointer === null ? [] : digestsOf(pointer))));
  const found = [...known].filter((digest) => hexOf(digest).startsWith(hex));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) throw new PlumbError('USAGE', { what: `"${hex}" begins ${found.length} digests`, mend: 'write more of the digest' });
  if (force && hex.length === 64) return `sha256:${hex}`;
  throw new PlumbError('MODEL_UNKNOWN', {
    what: `no pointer of ${model} ever named ${hex.slice(0, 12)} on this branch`,
    mend: force
      ? 'with --force, write all 64 hex digits'
      : `\`plumb history ${model}\` shows what it named; for one that was never promoted, add --force`,
  });
}

/** Every pointer of the project that names it goes back, with those that were moved together with it. */
async function waysBack(
  where: Place,
  tip: Oid,
  { digest, revoked }: { readonly digest: Digest; readonly revoked: ReadonlySet<Digest> },
): Promise<{ steps: StepBack[]; files: ChangedFile[] }> {
  const { git, prefix } = where;
  const steps: StepBack[] = [];
  const files = new Map<string, ChangedFile>();
  const places = (await commitTree(git, prefix, tip).list(projectFiles.models)).flatMap((path) => placeOf(path) ?? []);
  for (const place of places) {
    if (steps.some((step) => samePlace(step.place, place))) continue;
    const history = await pointerHistory(git, prefix, tip, place.model, place.stage);
    const pointer = history[0]?.pointer ?? null;
    if (pointer === null || !digestsOf(pointer).includes(digest)) continue;
    const way = await wayBack(where, tip, { place, history, revoked });
    steps.push(...way.steps);
    for (const file of way.files) files.set(file.path, file);
  }
  const sorted = [...files.values()].toSorted((a, b) => byCodeUnit(a.path, b.path));
  return { steps, files: sorted.toSorted((a, b) => Number(placeOf(a.path) !== null) - Number(placeOf(b.path) !== null)) };
}

async function wayBack(
  where: Place,
  tip: Oid,
  { place, history, revoked }: { readonly place: PointerPlace; readonly history: PointerHistory; readonly revoked: ReadonlySet<Digest> },
): Promise<{ steps: readonly StepBack[]; files: readonly ChangedFile[] }> {
  const earlier = stateOf(history)
    .line.slice(0, -1)
    .findLast(({ pointer }) => pointer !== null && revokedIn(pointer, revoked) === null);
  if (earlier !== undefined) return findWayBack(where, { place, to: earlier.commit }, tip);
  return { steps: [{ place, from: history[0]?.after ?? null, to: null }], files: [{ path: pointerPath(place), bytes: null }] };
}

function samePlace(a: PointerPlace, b: PointerPlace): boolean {
  return a.model === b.model && a.stage === b.stage;
}

/** A reason is one line of the last paragraph, behind our word. */
function describeRevocation({
  model,
  digest,
  reason,
  steps,
}: {
  readonly model: string;
  readonly digest: Digest;
  readonly reason: string;
  readonly steps: readonly StepBack[];
}): string {
  const body = ['It is never served and never promoted again.', ...steps.map(describeStep)].join('\n');
  const trailers = [`Plumb-Model: ${model}`, `Plumb-Revoked: ${digest}`, `Plumb-Reason: ${oneLine(reason)}`].join('\n');
  return `revoke ${model} ${shortDigest(digest)}\n\n${body}\n\n${trailers}\n`;
}
