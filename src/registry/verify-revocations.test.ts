import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { artifactOf, better, ExampleRepository, good, policyText } from './example.fixture.ts';
import { revocationPath, serialiseRevocation } from './revocation.ts';
import type { Revocation } from './schema.ts';
import { verifyPointers } from './verify.ts';

let repository: ExampleRepository;
async function findings(history: boolean): Promise<string> {
  const { git, prefix, root } = repository;
  const result = await verifyPointers({ git, prefix, root, revision: 'HEAD', history, store: null });
  return result.findings.map(({ what }) => what).join('\n');
}

describe('a model that was taken out', () => {
  const digest = digestOf(artifactOf(better));
  const path = revocationPath('intents', digest);
  const revocation: Revocation = {
    plumbline: 'revocation/1',
    model: 'intents',
    digest,
    reason: 'it repeats what customers wrote',
    at: '2026-11-21T08:00:00.000Z',
    by: 'Ada Lovelace <ada@example.org>',
  };
  const revoke = async (text = serialiseRevocation(revocation)): Promise<string> => {
    await repository.write({ [path]: text });
    return repository.commitAll('revoke');
  };

  beforeEach(async () => {
    repository = await ExampleRepository.make();
    await repository.release({ candidate: good });
  });
  afterEach(() => repository.remove());

  test('before it was ever promoted: nothing is found until it is', async () => {
    await revoke();
    expect(await findings(true)).toBe('');
    const commit = (await repository.head()).slice(0, 12);
    await repository.promote({ candidate: better, stage: 'staging' });
    expect(await findings(true)).toContain(`${digest} came here, and commit ${commit} had taken it out for good`);
    expect(await findings(false)).toBe(`models/intents/staging.json: ${digest} was taken out for good, and is not served`);
  });

  test('while it was in a stage: its history holds, and the pointer is told until it moves', async () => {
    await repository.promote({ candidate: better, stage: 'staging' });
    await revoke();
    expect(await findings(true)).toBe(`models/intents/staging.json: ${digest} was taken out for good, and is not served`);
    await repository.run('revert', '--no-edit', 'HEAD~1');
    expect(await findings(true)).toBe('');
  });

  test('T17: a revert that brings it back is found', async () => {
    await repository.promote({ candidate: better, stage: 'staging' });
    await repository.run('revert', '--no-edit', 'HEAD');
    await revoke();
    await repository.run('revert', '--no-edit', 'HEAD~1');
    expect(await findings(true)).toContain('had taken it out for good');
  });

  test('a revocation that was changed, taken away, or is of something else', async () => {
    await revoke();
    await revoke(serialiseRevocation({ ...revocation, reason: 'nothing, really' }));
    await repository.run('rm', '-q', path);
    await repository.commitAll('quietly');
    expect(await findings(true)).toMatch(/a revocation was changed\n.*a revocation was taken away/);
    await repository.promote({ candidate: better, stage: 'staging' });
    expect(await findings(true)).toContain('had taken it out for good');
    await revoke(serialiseRevocation({ ...revocation, digest: digestOf('another') }));
    expect(await findings(false)).toContain('says another model or digest than its name');
  });
});

describe('models that move together', () => {
  const units = `${policyText.replace('      from: staging\n', '')}units:\n  both: [intents, other]\n`;
  beforeAll(async () => {
    repository = await ExampleRepository.make();
    await repository.write({ 'policy.yaml': units });
    await repository.commitAll('units');
    const order = { candidate: good, policyText: units, base: await repository.head() };
    const plans = [await repository.plan({ ...order, with: ['other'] }), await repository.plan({ ...order, model: 'other', with: ['intents'] })];
    for (const { files } of plans) await repository.write(Object.fromEntries(files.map((file) => [file.path, file.bytes])));
    await repository.commitAll('both');
  });
  afterAll(() => repository.remove());

  test('in one commit they hold', async () => {
    expect(await findings(true)).toBe('');
  });

  test('one alone is found, by its record and by the policy that judged', async () => {
    const base = await repository.head();
    const { files } = await repository.plan({ candidate: better, production: good, policyText: units, base, with: ['other'] });
    await repository.write(Object.fromEntries(files.map((file) => [file.path, file.bytes])));
    await repository.commitAll('one');
    const found = await findings(true);
    expect(found).toContain('its promotion record says that other moves with it, which this commit did not move');
    expect(found).toContain('the unit "both" moves as one, and this commit did not move other');
    await repository.run('revert', '--no-edit', 'HEAD');
    expect((await findings(true)).split('\n')).toHaveLength(2);
  });
});
