// A model that was taken out for good: one small file a digest. The name alone takes it out; what stands in it is for people and for `plumb verify`. So a
// file that was damaged, or that a newer version wrote, still does what it is there for.
import { canonicalJsonFile } from '../base/canonical.ts';
import { parseJson } from '../base/config.ts';
import { hexOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { checkName, isName } from '../base/names.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { revocationSchema, type Pointer, type Revocation } from './schema.ts';

/** 'models/intents/revoked/<64 hex>.json', project-relative. @throws PlumbError NAME_INVALID */
export function revocationPath(model: string, digest: Digest): string {
  return `${files.models}/${checkName('model', model)}/revoked/${hexOf(digest)}.json`;
}

const form = new RegExp(`^${files.models}/([^/]+)/revoked/([0-9a-f]{64})\\.json$`, 'u');

/** What a path, project-relative, takes out; null: it is no revocation's. */
export function revocationOf(path: string): { readonly model: string; readonly digest: Digest } | null {
  const [, model, hex] = form.exec(path) ?? [];
  return model === undefined || !isName(model) ? null : { model, digest: `sha256:${hex}` };
}

/** The only valid bytes of a revocation. */
export function serialiseRevocation(revocation: Revocation): string {
  return canonicalJsonFile({ ...revocation, reason: revocation.reason.toWellFormed(), by: revocation.by.toWellFormed() });
}

/**
 * @param path project-relative: a file that is about something else is refused
 * @throws PlumbError EVIDENCE_INVALID
 */
export async function parseRevocation(text: string, path: string): Promise<Revocation> {
  const invalid = (what: string, cause?: unknown): PlumbError =>
    new PlumbError('EVIDENCE_INVALID', {
      what: `${path} ${what}`,
      where: { file: path },
      mend: 'restore the file from git; `plumb revoke` writes it, and nobody takes it away',
      cause,
    });
  const place = revocationOf(path);
  const revocation = await parseJson(text, path, revocationSchema).catch((error: unknown) => {
    throw invalid('is no revocation', error);
  });
  if (revocation.model !== place?.model || revocation.digest !== place.digest) throw invalid('says another model or digest than its name');
  if (serialiseRevocation(revocation) !== text) throw invalid('is not in the canonical form');
  return revocation;
}

/** All that may never be served or promoted: by the names of these paths, project-relative. */
export function revokedBy(paths: Iterable<string>): Set<Digest> {
  const revoked = new Set<Digest>();
  for (const path of paths) {
    const found = revocationOf(path);
    if (found !== null) revoked.add(found.digest);
  }
  return revoked;
}

/**
 * What a branch has ever taken out, on its first-parent line: a file that was removed later still counts.
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function everRevoked(git: Git, prefix: string, commit: Oid): Promise<Set<Digest>> {
  const changes = await git.logChanges(commit, { path: `${prefix}${files.models}`, firstParent: true });
  return revokedBy(changes.flatMap(({ paths }) => paths.map((path) => path.slice(prefix.length))));
}

/** The first digest of a pointer that was taken out: of its artifact, or of a part that moves with it. */
export function revokedIn(pointer: Pick<Pointer, 'artifact' | 'parts'>, revoked: ReadonlySet<Digest>): Digest | null {
  return digestsOf(pointer).find((digest) => revoked.has(digest)) ?? null;
}

/** The artifact first, then its parts by name. */
export function digestsOf({ artifact, parts = {} }: Pick<Pointer, 'artifact' | 'parts'>): Digest[] {
  return [
    artifact.digest,
    ...Object.keys(parts)
      .toSorted()
      .flatMap((name) => parts[name]?.digest ?? []),
  ];
}
