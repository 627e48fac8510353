// What a job of CI says of the runs that it made: an in-toto statement in a DSSE envelope, signed by an Ed25519 key, or by Sigstore (sigstore.ts).
// Source: github.com/in-toto/attestation, spec/v1/statement.md; github.com/secure-systems-lab/dsse, protocol.md
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { countSchema, fields, z } from '../base/schema.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** The job that vouches. */
const jobSchema = fields({
  repository: z.string(),
  repositoryId: z.string().optional(),
  ref: z.string().describe('refs/heads/main, refs/pull/7/merge'),
  commit: z.string().describe('the head of the pull request, else the commit that the job was started for'),
  checkedOut: z.string().describe('GITHUB_SHA'),
  workflow: fields({ path: z.string(), blob: z.string().nullable().describe('git id of the file that the job was made of') }),
  event: z.string(),
  runId: z.string(),
  attempt: countSchema,
});
export type Job = z.infer<typeof jobSchema>;

/** The statement: these run records were made, or taken over, by this job, for this trust domain. */
export const statementSchema = fields({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(fields({ name: z.string().describe('stage'), digest: fields({ sha256: hex.describe('of the run record') }) })).min(1),
  predicateType: z.literal('https://plumbline.dev/run/v1'),
  predicate: fields({ domain: z.string().describe('trusted, pull-7: whose runs these are'), job: jobSchema }),
}).describe('in-toto statement about run records; the payload of the signature in a name of the store');
export type Statement = z.infer<typeof statementSchema>;

export const payloadType = 'application/vnd.in-toto+json';

const envelopeSchema = z.object({
  payload: z.string(),
  payloadType: z.literal(payloadType),
  signatures: z.array(z.object({ keyid: z.string().default(''), sig: z.string() })).min(1),
});

/** The bytes that are signed are those of the statement's canonical JSON. */
export function statementOf(runs: readonly { readonly stage: string; readonly digest: Digest }[], domain: string, job: Job): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: runs.map(({ stage, digest }) => ({ name: stage, digest: { sha256: hexOf(digest) } })),
    predicateType: 'https://plumbline.dev/run/v1',
    predicate: { domain, job },
  };
}

/** @param variable where it was found, for the message. @throws PlumbError SIGNING_KEY */
export function readSigningKey(text: string, variable = 'PLUMB_SIGNING_KEY'): KeyObject {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // the error may hold part of the key
  }
  throw new PlumbError('SIGNING_KEY', {
    what: `${variable} is no Ed25519 private key (PKCS#8 in PEM, or base64 of that)`,
    mend: 'make a pair with `plumb keys new`, and put the private half into the secret whole',
  });
}

/** @param text PEM, or base64 of the 32 bytes. @throws PlumbError SIGNING_KEY */
export function readPublicKey(text: string): KeyObject {
  try {
    const raw = Buffer.from(text, 'base64');
    const key = text.includes('-----BEGIN')
      ? createPublicKey(text)
      : createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
    if (key.asymmetricKeyType === 'ed25519' && (text.includes('-----BEGIN') || raw.length === 32)) return key;
  } catch {
    // told below
  }
  throw new PlumbError('SIGNING_KEY', {
    what: `"${text.slice(0, 60)}" is no Ed25519 public key`,
    mend: 'write base64 of its 32 bytes, as `plumb keys new` prints it, or PEM',
  });
}

/** base64 of the 32 bytes of a public key, or of the public half of a private one. */
export function publicText(key: KeyObject): string {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}

function keyId(key: KeyObject): string {
  return digestOf(Buffer.from(publicText(key), 'base64'));
}

/** What DSSE signs: lengths stand before the parts, so that no two pairs of type and payload are one text. */
export function preAuthEncoding(payload: Uint8Array, type = payloadType): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

/**
 * Any in-toto statement in an envelope.
 * @param payload the statement's canonical JSON
 * @returns the envelope in one line of JSON
 */
export function sealEnvelope(payload: string, key: KeyObject): string {
  const bytes = Buffer.from(payload);
  const sig = sign(null, preAuthEncoding(bytes), key).toString('base64');
  return canonicalJson({ payload: bytes.toString('base64'), payloadType, signatures: [{ keyid: keyId(key), sig }] });
}

/** @returns the envelope in one line of JSON */
export function signStatement(statement: Statement, key: KeyObject): string {
  return sealEnvelope(canonicalJson(statement), key);
}

export interface Refused {
  readonly state: 'refused';
  readonly why: string;
}

export interface PublicKey {
  readonly name: string;
  /** base64 of the 32 bytes, or PEM */
  readonly public: string;
}

/** Who signed. */
export interface SignedBy {
  readonly kind: 'key' | 'sigstore';
  readonly name: string;
}

/** An envelope after its signature was looked at, whatever its statement is about. */
export type Opened = { readonly state: 'verified'; readonly payload: string; readonly by: SignedBy } | Refused;

/** An attestation about runs after its signature was looked at. */
export type Checked = { readonly state: 'verified'; readonly statement: Statement; readonly by: SignedBy } | Refused;

/** @param text an envelope, as `sealEnvelope` makes it. @param keys public keys that count */
export function openEnvelope(text: string, keys: readonly PublicKey[]): Opened {
  const envelope = parse(text, envelopeSchema);
  if (envelope === null) return refused('what should be its signature is none');
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = preAuthEncoding(payload);
  // the id is a hint of strangers: every key is tried
  const by = keys.find((key) => envelope.signatures.some(({ sig }) => verify(null, signed, readPublicKey(key.public), Buffer.from(sig, 'base64'))));
  if (by === undefined) return refused('no key that policy.yaml names has signed it');
  return { state: 'verified', payload: payload.toString('utf8'), by: { kind: 'key', name: by.name } };
}

/** @param text an envelope, as `signStatement` makes it. @param keys public keys that count */
export function verifyEnvelope(text: string, keys: readonly PublicKey[]): Checked {
  const opened = openEnvelope(text, keys);
  if (opened.state === 'refused') return opened;
  const statement = parse(opened.payload, statementSchema);
  return statement === null ? refused('what is signed is no statement about runs') : { state: 'verified', statement, by: opened.by };
}

export function refused(why: string): Refused {
  return { state: 'refused', why };
}

/** null for what does not parse. */
export function parse<T>(text: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
