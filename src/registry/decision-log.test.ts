// The log of decisions as a reader gets it, and all that somebody may have done to it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import { publicText } from '../pipeline/attestation.ts';
import { keySigner, planRecords } from './audit-append.ts';
import { unrecorded } from './audit-coverage.ts';
import { AuditedRepository, forged, logRef, newKey, payloadOf, policyWithKeys } from './audit.fixture.ts';
import { findBranch, soundLog } from './decision-log.ts';
import { artifactOf, bad, better, good } from './example.fixture.ts';
import { revocationPath } from './revocation.ts';

const key = newKey();
const stranger = newKey();
const [goodOne, betterOne] = [digestOf(artifactOf(good)), digestOf(artifactOf(better))];

/** A log of four: start, staging, production, a better one. */
async function story(prefix = ''): Promise<AuditedRepository> {
  const audited = await AuditedRepository.make(key, prefix);
  const { repository } = audited;
  await repository.promote({ candidate: good, stage: 'staging' });
  await audited.record();
  await repository.promote({ candidate: good });
  await audited.record();
  await repository.promote({ candidate: better, stage: 'staging' });
  await audited.record();
  return audited;
}

describe('a log that holds', () => {
  let audited: AuditedRepository;
  beforeAll(async () => (audited = await story('sub folder/')));
  afterAll(() => audited.remove());

  test('says what is served where, since when, and by which commit', async () => {
    const log = soundLog(await audited.log());
    expect(log.records.map(({ decision }) => decision.kind)).toEqual(['start', 'promotion', 'promotion', 'promotion']);
    expect(log.served('intents', 'production')).toMatchObject({ artifact: goodOne, seq: 2, since: '2026-11-22T08:03:00.000Z' });
    expect(log.served('intents', 'staging')).toMatchObject({ artifact: betterOne, seq: 3 });
    expect(log.servedSince('intents', 'staging', goodOne)).toBeNull();
    expect(log.servedSince('intents', 'staging', betterOne)).toEqual(new Date('2026-11-22T08:04:00.000Z'));
    expect(log.allServed().map(({ stage }) => stage)).toEqual(['production', 'staging']);
    expect(log.last).toBe(await audited.repository.head());
    expect(log.records.every(({ signedBy }) => signedBy.name === 'log')).toBe(true);
    expect(log.servedPointers('intents', 'production')).toEqual([log.served('intents', 'production')?.pointer]);
    expect(log.servedPointers('intents', 'staging')).toHaveLength(2);
  });

  test('is complete as long as every change of a pointer has a record', async () => {
    const { git, prefix } = audited.repository;
    const { records, last } = await audited.log();
    expect(await unrecorded(git, prefix, last ?? '', records)).toEqual([]);
    const cut = await unrecorded(git, prefix, last ?? '', records.slice(0, -1));
    expect(cut).toMatchObject([{ kind: 'pending', paths: ['models/intents/staging.json'] }]);
    const gap = await unrecorded(
      git,
      prefix,
      last ?? '',
      records.filter(({ decision }) => decision.seq !== 2),
    );
    expect(gap).toMatchObject([{ kind: 'gap', paths: ['models/intents/production.json'] }]);
  });

  test('is pinned by the digest of its first record, or by the key that signed it', async () => {
    const { records } = await audited.log();
    expect((await audited.log()).trust).toBe('first-use');
    for (const pin of [records[0]?.digest ?? '', publicText(key), `${publicText(key)}\n`])
      expect(await audited.log({ pin })).toMatchObject({ trust: 'pinned', findings: [] });
    for (const pin of [records[1]?.digest ?? '', publicText(stranger)]) {
      const log = await audited.log({ pin });
      expect(log.findings).toMatchObject([{ kind: 'invalid', seq: 0 }]);
      expect(log.allServed()).toEqual([]);
    }
  });

  test('a reader who knows it verifies what came since, and nothing else', async () => {
    const known = await audited.log();
    const again = await audited.log({ known });
    expect(again.records.every((record, seq) => record === known.records[seq])).toBe(true);
    expect(again.findings).toEqual([]);
  });

  test('is found as it was fetched, or as it is here', async () => {
    const { repository } = audited;
    expect(await findBranch(repository.git, 'plumb/audit')).toBe(logRef);
    expect(await findBranch(repository.git, 'plumb/none')).toBeNull();
    await repository.run('update-ref', 'refs/remotes/origin/plumb/audit', `${logRef}~1`);
    expect(await findBranch(repository.git, 'plumb/audit')).toBe(logRef);
    await repository.run('update-ref', 'refs/remotes/origin/plumb/audit', 'HEAD');
    await expect(findBranch(repository.git, 'plumb/audit')).rejects.toMatchObject({ code: 'AUDIT_REWRITTEN' });
    await repository.run('update-ref', '-d', 'refs/remotes/origin/plumb/audit');
  });
});

describe('what follows from it', () => {
  let audited: AuditedRepository;
  beforeAll(async () => (audited = await AuditedRepository.make(key)));
  afterAll(() => audited.remove());

  test('what does not hold is not served, until somebody heals it or breaks the glass', async () => {
    const { repository } = audited;
    await repository.promote({ candidate: good, stage: 'staging' });
    await audited.record();
    const refused = await repository.promote({ candidate: bad, stage: 'staging' });
    await audited.record({ holds: false });
    expect((await audited.log()).served('intents', 'staging')?.artifact).toBe(goodOne);
    await repository.promote({ candidate: good, model: 'other' });
    const newest = await repository.head();
    await audited.record();
    // an approval came afterwards: the record goes back to the commit that was refused
    await audited.record({ commit: refused });
    const log = soundLog(await audited.log());
    expect(log.served('intents', 'staging')).toMatchObject({ artifact: digestOf(artifactOf(bad)), commit: refused });
    expect(log.last).toBe(newest);
  });

  test('a revoked model is served no more, whatever its pointer says', async () => {
    const { repository } = audited;
    await repository.write({ [revocationPath('intents', digestOf(artifactOf(bad)))]: '{}\n' });
    await repository.commitAll('revoke');
    await audited.record({ kind: 'revocation', reason: 'it leaks' });
    const log = soundLog(await audited.log());
    expect(log.served('intents', 'staging')).toBeNull();
    expect([...log.revoked]).toEqual([digestOf(artifactOf(bad))]);
  });

  test('a key is followed by the key that it vouches for, and by no other', async () => {
    const { repository } = audited;
    const next = newKey();
    await repository.write({ 'policy.yaml': policyWithKeys({ next }) });
    const commit = await repository.commitAll('another key');
    audited.signer = keySigner(next);
    await expect(audited.record({ kind: 'policy' })).rejects.toMatchObject({ code: 'AUDIT_SIGNER' });
    audited.signer = keySigner(key);
    await audited.record({ kind: 'policy' });
    const log = soundLog(await audited.log());
    expect(log.policy).toMatchObject({ commit });
    expect(log.signers?.keys).toEqual([{ name: 'next', public: publicText(next) }]);
    await repository.promote({ candidate: better, stage: 'staging', policyText: policyWithKeys({ next }) });
    await expect(audited.record()).rejects.toMatchObject({ code: 'AUDIT_SIGNER', message: expect.stringContaining('"next"') });
    audited.signer = keySigner(next);
    await audited.record();
    expect(soundLog(await audited.log()).records.at(-1)?.signedBy.name).toBe('next');
  });

  test('a policy that names nobody for the log cannot come into force', async () => {
    const { repository } = audited;
    await repository.write({ 'policy.yaml': 'version: 1\nmodels: {}\ngates: {}\n' });
    await repository.commitAll('no audit');
    await expect(audited.record({ kind: 'policy' })).rejects.toMatchObject({ code: 'AUDIT_SIGNER', message: expect.stringContaining('would end') });
  });

  test('time does not go backwards, even where a clock does', async () => {
    const { repository } = audited;
    const before = (await audited.log()).records.at(-1)?.decision.at;
    await repository.promote({ candidate: good, stage: 'staging' });
    await audited.record({ at: '2001-01-01T00:00:00.000Z' });
    expect((await audited.log()).records.at(-1)?.decision.at).toBe(before);
  });
});

describe('T29: a rewritten audit history is found', () => {
  let audited: AuditedRepository;
  let texts: string[];
  beforeAll(async () => {
    audited = await story();
    texts = await audited.texts();
  });
  afterAll(() => audited.remove());

  const firstOf = async (changed: readonly string[], paths?: string[]): Promise<unknown> => {
    await audited.rewrite(changed, paths);
    const log = await audited.log();
    expect(log.records.length).toBeLessThan(4);
    expect(() => soundLog(log)).toThrow(/does not hold/);
    return log.findings[0];
  };
  const about = (seq: number, what: string): object => ({ seq, what: expect.stringContaining(what) });

  test('T29: a record that was taken out, put in twice, or put elsewhere', async () => {
    const [a = '', b = '', c = '', d = ''] = texts;
    expect(await firstOf([a, b, d])).toMatchObject(about(2, 'number 3'));
    expect(await firstOf([a, b, b, c])).toMatchObject(about(2, 'number 1'));
    expect(await firstOf([a, c, b, d])).toMatchObject(about(1, 'number 2'));
    expect(await firstOf([b, c, d])).toMatchObject(about(0, 'number 1'));
  });

  test('T29: a record that is missing under its number, or a file that is none', async () => {
    const [a = '', b = '', c = ''] = texts;
    expect(await firstOf([a, b, c], ['records/00000000.json', 'records/00000001.json', 'records/00000003.json'])).toMatchObject(
      about(2, 'no record that comes next'),
    );
    expect(await firstOf([a, b], ['records/00000000.json', 'readme.md'])).toMatchObject(about(0, 'readme.md'));
  });

  test('T29: any changed byte of a record', async () => {
    const text = texts[2] ?? '';
    const places = Array.from({ length: 24 }, (_, at) => Math.floor((at * text.length) / 24));
    for (const at of places) {
      const letter = text[at] === 'A' ? 'B' : 'A';
      expect(await firstOf([...texts.slice(0, 2), text.slice(0, at) + letter + text.slice(at + 1), texts[3] ?? ''])).toMatchObject({ seq: 2 });
    }
  }, 30_000);

  test('T29: a record in other bytes that say the same', async () => {
    const spaced = JSON.stringify(JSON.parse(texts[3] ?? ''), null, 1);
    expect(await firstOf([...texts.slice(0, 3), spaced])).toMatchObject(about(3, 'canonical'));
  });

  test('T29: a record that a stranger signed, and one whose text was changed under its signature', async () => {
    const other = await forged(texts, 3, (predicate) => (predicate['holds'] = true), keySigner(stranger));
    expect(await firstOf(other)).toMatchObject(about(3, 'none of the keys'));
    const envelope = JSON.parse(texts[3] ?? '') as { payload: string };
    const statement = payloadOf(texts[3] ?? '');
    statement.predicate['reason'] = 'nothing to see';
    const edited = canonicalJson({ ...envelope, payload: Buffer.from(canonicalJson(statement as never)).toString('base64') });
    expect(await firstOf([...texts.slice(0, 3), edited])).toMatchObject(about(3, 'none of the keys'));
  });

  test('T29: a log of its own that begins anew, by the pin and by who knew the other', async () => {
    const known = await (async () => {
      await audited.rewrite(texts);
      return audited.log();
    })();
    const begun = await forged(texts.slice(0, 2), 0, (predicate) => (predicate['at'] = '2026-11-22T08:00:30.000Z'), keySigner(key));
    await audited.rewrite(begun);
    expect((await audited.log({ pin: known.records[0]?.digest ?? '' })).findings).toMatchObject([about(0, 'expected')]);
    expect((await audited.log({ known })).findings).toMatchObject([{ kind: 'rewritten', seq: 0 }]);
    // cut off at the end: a new reader sees a log that holds, who knew it does not, and main has changes without a record
    await audited.rewrite(texts.slice(0, 3));
    expect((await audited.log({ known })).findings).toMatchObject([{ kind: 'rewritten', seq: 3 }]);
    const { git, prefix } = audited.repository;
    const cut = await audited.log();
    expect(cut.findings).toEqual([]);
    expect(await unrecorded(git, prefix, await audited.repository.head(), cut.records)).toMatchObject([{ kind: 'pending' }]);
  });

  test('T29: what the key itself may not say', async () => {
    const signer = keySigner(key);
    const changes: [string, (predicate: Record<string, unknown>) => void][] = [
      ['before the one that it follows', (predicate) => (predicate['at'] = '2020-01-01T00:00:00.000Z')],
      ['other signers', (predicate) => (predicate['signers'] = { keys: [{ name: 'eve', public: publicText(stranger) }], jobs: null })],
      ['no decision about one', (predicate) => (predicate['policy'] = digestOf('a policy of my own'))],
      ['though it does not hold', (predicate) => (predicate['holds'] = false)],
      ['starts a log', (predicate) => (predicate['kind'] = 'start')],
      ['about the branch', (predicate) => (predicate['branch'] = 'other')],
      ['says that it is number', (predicate) => (predicate['seq'] = 7)],
    ];
    for (const [what, change] of changes) expect(await firstOf(await forged(texts, 3, change, signer))).toMatchObject(about(3, what));
  });

  test('T10: a model whose name is a path is no decision, whoever signed it', async () => {
    const traversal = (predicate: Record<string, unknown>): void => {
      for (const move of predicate['moves'] as { model: string }[]) move.model = '../../etc';
    };
    expect(await firstOf(await forged(texts, 3, traversal, keySigner(key)))).toMatchObject(about(3, 'no decision'));
  });

  test('T29: a commit that the main branch never had, or has no more', async () => {
    const { repository } = audited;
    await audited.rewrite(texts);
    const head = await repository.head();
    const behind = await audited.log({ main: await repository.run('rev-parse', 'HEAD~1') });
    expect(behind.findings).toMatchObject([{ kind: 'behind', seq: 3 }]);
    expect(() => soundLog(behind)).toThrow(expect.objectContaining({ code: 'AUDIT_BEHIND' }) as Error);
    await repository.run('commit', '-q', '--amend', '-m', 'another story');
    const gone = await audited.log();
    expect(gone.findings).toMatchObject([{ kind: 'rewritten', seq: 3 }]);
    expect(gone.served('intents', 'staging')?.artifact).toBe(goodOne);
    expect(() => soundLog(gone)).toThrow(expect.objectContaining({ code: 'AUDIT_REWRITTEN' }) as Error);
    await repository.run('reset', '-q', '--hard', head);
  });

  test('T29: a pointer of which main has other bytes', async () => {
    const signer = keySigner(key);
    const statement = payloadOf(texts[3] ?? '') as { predicate: Record<string, unknown>; subject: { digest: { sha256: string } }[] } & {
      predicate: { moves: { pointer: string }[] };
    };
    const other = digestOf('another pointer');
    for (const move of statement.predicate.moves) move.pointer = other;
    for (const one of statement.subject) one.digest.sha256 = other.slice(7);
    const text = canonicalJson(JSON.parse(await signer(canonicalJson(statement as never))));
    expect(await firstOf([...texts.slice(0, 3), text])).toMatchObject(about(3, 'does not have'));
  });
});

test('what readers would not believe is not written', async () => {
  const audited = await AuditedRepository.make(key);
  const { git, prefix } = audited.repository;
  await audited.repository.promote({ candidate: good, stage: 'staging' });
  const draft = await audited.draft();
  const log = await audited.log();
  const plan = (wish: object, signer = keySigner(key)): Promise<unknown> =>
    planRecords({ git, prefix, log, drafts: [{ ...draft, ...wish }], signer });
  await expect(plan({}, keySigner(stranger))).rejects.toMatchObject({ code: 'AUDIT_SIGNER' });
  await expect(plan({ holds: false })).rejects.toMatchObject({ code: 'AUDIT_INVALID' });
  await expect(plan({})).resolves.toMatchObject({ parent: log.tip, files: [{ path: 'records/00000001.json' }] });
  await audited.remove();
});
