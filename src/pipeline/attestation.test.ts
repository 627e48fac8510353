import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { preAuthEncoding, publicText, readPublicKey, readSigningKey, signStatement, statementOf, verifyEnvelope } from './attestation.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const keys = [{ name: 'ci', public: publicText(privateKey) }];
const job = {
  repository: 'acme/intents',
  ref: 'refs/heads/main',
  commit: 'a'.repeat(40),
  checkedOut: 'a'.repeat(40),
  workflow: { path: '.github/workflows/main.yml', blob: null },
  event: 'push',
  runId: '1',
  attempt: 1,
};

test('what is signed comes back, of however many runs', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 64 }), (stages) => {
      const statement = statementOf(
        stages.map((stage) => ({ stage, digest: digestOf(stage) })),
        'trusted',
        job,
      );
      const note = signStatement(statement, privateKey);
      expect(note).not.toContain('\n');
      expect(verifyEnvelope(note, keys)).toEqual({ state: 'verified', statement, by: { kind: 'key', name: 'ci' } });
    }),
    { numRuns: 30 },
  );
});

test('a flipped letter, anywhere, is refused, or changes nothing that is read', () => {
  const statement = statementOf([{ stage: 'train', digest: digestOf('a') }], 'trusted', job);
  const note = signStatement(statement, privateKey);
  let refusals = 0;
  fc.assert(
    fc.property(fc.nat({ max: note.length - 1 }), fc.constantFrom('A', '7', '"', '}', '\\'), (at, letter) => {
      const checked = verifyEnvelope(note.slice(0, at) + letter + note.slice(at + 1), keys);
      if (checked.state === 'refused') refusals += 1;
      else expect(checked.statement).toEqual(statement);
    }),
    { numRuns: 400 },
  );
  expect(refusals).toBeGreaterThan(100);
});

test('T13: what no key of ours signed, and what is no statement, is refused', () => {
  const note = signStatement(statementOf([{ stage: 'train', digest: digestOf('a') }], 'trusted', job), privateKey);
  const other = [{ name: 'other', public: publicText(generateKeyPairSync('ed25519').privateKey) }];
  expect(verifyEnvelope(note, other).state).toBe('refused');
  expect(verifyEnvelope(note, []).state).toBe('refused');
  for (const text of ['', '{}', '[]', 'null', '{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}', '\u0000'])
    expect(verifyEnvelope(text, keys).state).toBe('refused');
  // a signature on something else than a statement, by our own key
  const odd = signStatement({ hello: 1 } as never, privateKey);
  expect(verifyEnvelope(odd, keys)).toEqual({ state: 'refused', why: 'what is signed is no statement about runs' });
});

test('the encoding is that of DSSE', () => {
  // Source: github.com/secure-systems-lab/dsse, protocol.md, "Test vectors"
  expect(preAuthEncoding(Buffer.from('hello world'), 'http://example.com/HelloWorld').toString()).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
});

test('keys in the forms in which people have them, and no others', () => {
  expect(publicText(readSigningKey(pem))).toBe(keys[0]?.public);
  expect(publicText(readSigningKey(Buffer.from(pem).toString('base64')))).toBe(keys[0]?.public);
  expect(publicText(readPublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString()))).toBe(keys[0]?.public);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const text of ['', 'AAAA', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()])
    expect(() => readSigningKey(text)).toThrow(expect.objectContaining({ code: 'SIGNING_KEY' }));
  for (const text of ['', 'AAAA', rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()])
    expect(() => readPublicKey(text)).toThrow(expect.objectContaining({ code: 'SIGNING_KEY' }));
  expect(() => readSigningKey('-----BEGIN PRIVATE KEY-----\nsecret words\n-----END PRIVATE KEY-----')).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('secret words') }),
  );
});
