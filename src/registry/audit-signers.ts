// Who may sign the log of decisions, as a policy says it, and whether a record is signed by one of them.
// As in TUF, whoever signs now names who signs next: no key that came later vouches for what was before. Source: theupdateframework.github.io, specification 5.3
import { canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, isDigest, type Digest } from '../base/digest.ts';
import { openEnvelope, publicText, readPublicKey, refused, type Opened } from '../pipeline/attestation.ts';
import type { Identity } from '../pipeline/sigstore.ts';
import type { Signers } from './audit-record.ts';
import type { Policy } from './schema.ts';

export const nobody: Signers = { keys: [], jobs: null };

/**
 * @param root text of the file that `trust.sigstore.root` names, at the commit of the policy; null: it is not there
 * @throws PlumbError SIGNING_KEY
 */
export function signersOf({ audit, trust }: Policy, root: string | null): Signers {
  const keys = (audit?.keys ?? []).map(({ name, public: text }) => ({ name, public: publicText(readPublicKey(text)) }));
  const workflows = audit?.workflows ?? [];
  if (workflows.length === 0 || trust?.sigstore === undefined || root === null) return { keys, jobs: null };
  const { repository, repositoryId = null, sigstore } = trust;
  return { keys, jobs: { workflows: [...workflows], repository, repositoryId, issuer: sigstore.issuer, root: digestOf(root) } };
}

export function sameSigners(a: Signers, b: Signers): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** What vouches for the first record, from outside of the log: the one record that it may be, or a key that must have signed it. */
export type Pin = { readonly record: Digest } | { readonly key: string };

/** @param text SHA-256 of the first record ('sha256:...'), or a public key (base64 or PEM). @throws PlumbError SIGNING_KEY */
export function readPin(text: string): Pin {
  const trimmed = text.trim();
  return isDigest(trimmed) ? { record: trimmed } : { key: publicText(readPublicKey(trimmed)) };
}

/** What is wrong with the form of a record: only one text is one record, so that nobody can say the same in other bytes. null: nothing */
export function formFault(text: string): string | null {
  try {
    const value = JSON.parse(text) as Json;
    if (canonicalJson(value) !== text) return 'is not in the one canonical form: sorted keys, no white space';
    return texts64(value).every((one) => Buffer.from(one, 'base64').toString('base64') === one) ? null : 'holds base64 that is not in its one form';
  } catch (error) {
    return `is not JSON: ${(error as Error).message.slice(0, 100)}`;
  }
}

/** The base64 texts of an envelope: what is signed and the signatures. A bundle has them inside, and its own reader is strict about the rest. */
function texts64(value: Json): string[] {
  const { payload, signatures, dsseEnvelope } = (value ?? {}) as { payload?: Json; signatures?: Json; dsseEnvelope?: Json };
  if (dsseEnvelope !== undefined) return texts64(dsseEnvelope);
  const sigs = Array.isArray(signatures) ? signatures.map((one: Json) => (one as { sig?: Json } | null)?.sig) : [];
  return [payload, ...sigs].filter((one): one is string => typeof one === 'string');
}

/**
 * The payload of a record that one of the signers signed.
 * @param rootText trusted_root.json by its digest; null: it is not there
 */
export async function openRecord(text: string, signers: Signers, rootText: (digest: Digest) => Promise<string | null>): Promise<Opened> {
  if (!isBundle(text)) {
    const opened = openEnvelope(text, signers.keys);
    return opened.state === 'verified' || !opened.why.startsWith('no key') ? opened : refused(whoSigns(signers));
  }
  const { jobs } = signers;
  if (jobs === null) return refused('it is signed by a job, and the policy that was in force lets none sign');
  const root = await rootText(jobs.root);
  if (root === null) return refused(`the certificates that count (${jobs.root}) are not there`);
  const { openBundle } = await import('../pipeline/sigstore.ts');
  const opened = openBundle(text, { issuer: jobs.issuer, root });
  if (opened.state === 'refused') return opened;
  const why = againstIdentity(opened.identity, jobs, opened.payload);
  return why === null ? { state: 'verified', payload: opened.payload, by: { kind: 'sigstore', name: opened.identity.workflow ?? '' } } : refused(why);
}

export function isBundle(text: string): boolean {
  return text.includes('"dsseEnvelope"');
}

function whoSigns({ keys }: Signers): string {
  const names = keys.map(({ name }) => JSON.stringify(name)).join(', ');
  return names === '' ? 'the policy that was in force names no key for the log' : `none of the keys that were in force (${names}) has signed it`;
}

/** Jobs that a pull request or a comment starts run at the ref of main as well: only what main itself starts speaks for it. */
const events: readonly string[] = ['push', 'schedule', 'workflow_dispatch', 'workflow_run', 'repository_dispatch'];

/** null: nothing speaks against it */
function againstIdentity(identity: Identity, jobs: NonNullable<Signers['jobs']>, payload: string): string | null {
  const { branch, run } = claimsOf(payload);
  const ref = `refs/heads/${branch}`;
  const repository = identity.repository === null ? '' : new URL(identity.repository).pathname.slice(1);
  if (repository.toLowerCase() !== jobs.repository.toLowerCase()) return `it was signed in the repository ${repository}`;
  if (jobs.repositoryId !== null && identity.repositoryId !== jobs.repositoryId)
    return `it was signed in another repository that is called ${repository}`;
  if (identity.ref !== ref) return `it was signed by a job of ${identity.ref ?? 'no ref'}, not of ${ref}`;
  if (!jobs.workflows.some((path) => identity.workflow === `${identity.repository ?? ''}/${path}@${ref}`))
    return `it was signed by ${identity.workflow ?? 'no workflow'}, which the policy that was in force does not name`;
  if (!events.includes(identity.event ?? '')) return `it was signed by a job that was started by ${identity.event ?? 'nothing'}`;
  if (run !== null && identity.run !== run && identity.run?.startsWith(`${run}/attempts/`) !== true)
    return 'it names another run than the one that signed it';
  return null;
}

function claimsOf(payload: string): { readonly branch: string; readonly run: string | null } {
  const { predicate } = JSON.parse(payload) as { predicate?: { branch?: unknown; by?: { run?: unknown } } };
  const run = predicate?.by?.run;
  return { branch: String(predicate?.branch), run: typeof run === 'string' ? run : null };
}
