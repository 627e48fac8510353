// Signatures without a key: the forge vouches for the identity of a job by OIDC, a certificate authority writes it into a certificate of some minutes,
// and a log or a time-stamp authority says when it was used. Loaded only where a signature of this kind is met or made.
// Source: github.com/sigstore/fulcio, docs/oid-info.md; github.com/sigstore/protobuf-specs, sigstore_trustroot.proto
import { bundleFromJSON, bundleToJSON, isBundleWithDsseEnvelope, type SerializedBundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { canonicalJson } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import type { Environment } from '../project/trust-domain.ts';
import { parse, payloadType, statementSchema, type Checked, type Job, type Refused, type Statement } from './attestation.ts';
import type { TrustPolicy } from './trust-policy.ts';

type SigstorePolicy = NonNullable<TrustPolicy['sigstore']>;

/** workflowCommit: the commit whose workflow file made the job, as the certificate has it */
export type CheckedBundle = Refused | (Extract<Checked, { state: 'verified' }> & { readonly workflowCommit: string });

/** What a certificate says of a job, by the last part of the extension's number below 1.3.6.1.4.1.57264.1. */
const extensions = { repository: 12, commit: 13, ref: 14, repositoryId: 15, workflow: 18, workflowCommit: 19, event: 20, run: 21 } as const;
/** repository: its address; workflow: address of the file, '@' and the ref; run: address of the run and its attempt; null: the certificate does not say */
export type Identity = Readonly<Record<keyof typeof extensions, string | null>>;

/** Whom a bundle is believed from. root: text of trusted_root.json */
export interface TrustedAuthority {
  readonly issuer: string;
  readonly root: string;
}

/** A bundle after its signature was looked at, whatever its statement is about. */
export type OpenedBundle = { readonly state: 'verified'; readonly payload: string; readonly identity: Identity } | Refused;

/**
 * What the root has is demanded: with logs, an entry in one; with logs of certificates, a receipt of one; with time-stamp authorities alone, a stamp.
 * @param text a bundle in one line of JSON
 */
export function openBundle(text: string, trusted: TrustedAuthority): OpenedBundle {
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(trusted.root));
    const bundle = bundleFromJSON(JSON.parse(text));
    if (!isBundleWithDsseEnvelope(bundle) || bundle.content.dsseEnvelope.payloadType !== payloadType) return notVerified('it holds no statement');
    const verifier = new Verifier(toTrustMaterial(root), {
      tlogThreshold: Math.min(1, root.tlogs.length),
      ctlogThreshold: Math.min(1, root.ctlogs.length),
      timestampThreshold: 1,
    });
    const signer = verifier.verify(toSignedEntity(bundle), { extensions: { issuer: trusted.issuer } });
    return {
      state: 'verified',
      payload: bundle.content.dsseEnvelope.payload.toString('utf8'),
      identity: identityOf(signer.identity?.oids ?? []),
    };
  } catch (error) {
    return notVerified(error instanceof Error ? error.message : String(error));
  }
}

/** @param text a bundle about runs, as `signBundle` makes it */
export function verifyBundle(text: string, trusted: TrustedAuthority): CheckedBundle {
  const opened = openBundle(text, trusted);
  if (opened.state === 'refused') return opened;
  const { payload, identity } = opened;
  const statement = parse(payload, statementSchema);
  if (statement === null) return notVerified('what is signed is no statement about runs');
  const { workflowCommit, repositoryId } = identity;
  const lie = contradiction(statement.predicate.job, identity);
  if (lie !== null || workflowCommit === null) return notVerified(`the statement and the certificate differ in ${lie ?? 'the workflow'}`);
  const job = { ...statement.predicate.job, ...(repositoryId === null ? {} : { repositoryId }) };
  return {
    state: 'verified',
    statement: { ...statement, predicate: { ...statement.predicate, job } },
    by: { kind: 'sigstore', name: identity.workflow ?? '' },
    workflowCommit,
  };
}

function notVerified(why: string): Refused {
  return { state: 'refused', why: `its Sigstore signature does not hold: ${why.slice(0, 200)}` };
}

/** The statement is written by the job, the certificate by somebody who asked the forge. @returns what differs, or null */
function contradiction(job: Job, identity: Identity): string | null {
  const repository = identity.repository === null ? null : new URL(identity.repository).pathname.slice(1);
  if (repository === null || repository.toLowerCase() !== job.repository.toLowerCase()) return 'the repository';
  if (identity.ref !== job.ref) return 'the ref';
  if (identity.commit !== job.checkedOut) return 'the commit';
  if (identity.event !== job.event) return 'the event';
  if (identity.workflow === null || !identity.workflow.startsWith(`${identity.repository}/${job.workflow.path}@`)) return 'the workflow';
  if (identity.run === null || !identity.run.endsWith(`/actions/runs/${job.runId}/attempts/${job.attempt}`)) return 'the run';
  return null;
}

type Oids = readonly { readonly oid?: { readonly id: readonly number[] } | undefined; readonly value: Uint8Array }[];

function identityOf(oids: Oids): Identity {
  const read = (last: number): string | null => {
    const found = oids.filter(({ oid }) => oid?.id.join('.') === `1.3.6.1.4.1.57264.1.${last}`);
    return found.length === 1 ? utf8String((found[0] as Oids[number]).value) : null;
  };
  return Object.fromEntries(Object.entries(extensions).map(([name, last]) => [name, read(last)])) as Identity;
}

/** A DER UTF8String, whole; null for anything else. */
function utf8String(der: Uint8Array): string | null {
  const [tag, first = 0, second = 0] = der;
  const [start, length] = first < 0x80 ? [2, first] : first === 0x81 ? [3, second] : [4, second * 256 + (der[3] ?? 0)];
  if (tag !== 0x0c || first > 0x82 || der.length !== start + length) return null;
  return Buffer.from(der.subarray(start)).toString('utf8');
}

/** One exchange, however many runs the statement is about. @returns the bundle in one line of JSON. @throws PlumbError SIGNING_FAILED */
export function signBundle(statement: Statement, policy: SigstorePolicy, root: string, env: Environment): Promise<string> {
  return sealBundle(canonicalJson(statement), policy, root, env);
}

/**
 * Signs as this job: a certificate, and what the policy names of log and time stamp.
 * @param payload canonical JSON of any in-toto statement
 * @returns the bundle in one line of JSON
 * @throws PlumbError SIGNING_FAILED
 */
export async function sealBundle(payload: string, policy: SigstorePolicy, root: string, env: Environment): Promise<string> {
  const hasLog = TrustedRoot.fromJSON(JSON.parse(root)).tlogs.length > 0;
  const witnesses: Witness[] = [
    ...(policy.rekor !== undefined || hasLog
      ? [new RekorWitness({ entryType: 'dsse', ...(policy.rekor === undefined ? {} : { rekorBaseURL: policy.rekor }) })]
      : []),
    ...(policy.timestamps === undefined ? [] : [new TSAWitness({ tsaBaseURL: policy.timestamps })]),
  ];
  const token = await identityToken(env);
  const signer = new FulcioSigner({
    identityProvider: { getToken: () => Promise.resolve(token) },
    ...(policy.fulcio === undefined ? {} : { fulcioBaseURL: policy.fulcio }),
  });
  try {
    const bundle = await new DSSEBundleBuilder({ signer, witnesses }).create({ data: Buffer.from(payload), type: payloadType });
    return JSON.stringify(bundleToJSON(bundle) satisfies SerializedBundle);
  } catch (error) {
    // messages of the client repeat a token that it does not understand
    throw failed((error instanceof Error ? error.message : String(error)).replaceAll(token, '[token]'));
  }
}

/** Source: docs.github.com, "OpenID Connect reference" */
async function identityToken(env: Environment): Promise<string> {
  const url = new URL(env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '');
  url.searchParams.set('audience', 'sigstore');
  const headers = { authorization: `Bearer ${env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? ''}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) }).catch((error: unknown) => {
    throw failed(`the forge was asked for a token of this job's identity: ${error instanceof Error ? error.message : String(error)}`);
  });
  const { value } = response.ok ? ((await response.json().catch(() => ({}))) as { value?: unknown }) : { value: undefined };
  if (typeof value === 'string') return value;
  throw failed(`the forge gave this job no token of its identity (${response.status})`);
}

function failed(why: string): PlumbError {
  return new PlumbError('SIGNING_FAILED', {
    what: `Sigstore signed nothing: ${why.slice(0, 300)}`,
    mend: 'give the job `permissions: id-token: write`, and see that it reaches the addresses of trust.sigstore in policy.yaml',
  });
}
