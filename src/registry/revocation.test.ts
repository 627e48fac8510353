import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { artifactOf, bad, better, ExampleRepository, good } from './example.fixture.ts';
import { everRevoked, parseRevocation, revocationOf, revocationPath, revokedBy, serialiseRevocation } from './revocation.ts';
import { planRevocation, type RevocationPlan, type RevocationWish } from './revocation-plan.ts';
import { verifyPointers } from './verify.ts';

let repository: ExampleRepository;
beforeEach(async () => {
  repository = await ExampleRepository.make('project/');
});
afterEach(() => repository.remove());

const digests = { good: digestOf(artifactOf(good)), better: digestOf(artifactOf(better)), bad: digestOf(artifactOf(bad)) };
const force = { reason: 'no time to wait' };

async function plan(wish: Partial<RevocationWish> = {}): Promise<RevocationPlan> {
  const usual = {
    model: 'intents',
    digest: hexOf(digests.bad).slice(0, 12),
    reason: 'trained on rows of a person who wants them gone',
    force: false,
  };
  return planRevocation(repository, { ...usual, by: 'Ada <ada@example.org>', at: new Date(0), ...wish }, await repository.head());
}

function stepsOf({ steps }: RevocationPlan): [string, Digest | null, Digest | null][] {
  return steps.map(({ place, from, to }) => [place.stage, from, to]);
}

/** As the command does it. */
async function carryOut({ files, message }: RevocationPlan): Promise<void> {
  for (const { path, bytes } of files) {
    if (bytes === null) await rm(join(repository.root, path));
    else await repository.write({ [path]: bytes });
  }
  await repository.commitAll(message);
}

async function findings(): Promise<readonly unknown[]> {
  const { git, prefix, root } = repository;
  return (await verifyPointers({ git, prefix, root, revision: null, history: true, store: null })).findings;
}

test('a revocation and the way back are one commit, which verifies, and whose file says who and why', async () => {
  await repository.release({ candidate: good });
  const before = await repository.pointer();
  await repository.release({ candidate: bad, production: good, force });
  const planned = await plan();
  expect(planned.digest).toBe(digests.bad);
  expect(stepsOf(planned)).toEqual([
    ['production', digests.bad, digests.good],
    ['staging', digests.bad, digests.good],
  ]);
  expect(planned.files.slice(-2).map(({ path }) => path)).toEqual(['models/intents/production.json', 'models/intents/staging.json']);
  await carryOut(planned);
  expect(await repository.pointer()).toEqual(before);
  expect(await findings()).toEqual([]);
  const path = revocationPath('intents', digests.bad);
  const text = await repository.run('show', `HEAD:project/${path}`);
  expect(await parseRevocation(`${text}\n`, path)).toMatchObject({
    digest: digests.bad,
    by: 'Ada <ada@example.org>',
    reason: expect.stringContaining('rows'),
  });
  expect(await repository.run('log', '-1', '--format=%B')).toContain(`Plumb-Revoked: ${digests.bad}`);
  // again: there is nothing to do
  expect((await plan()).files).toEqual([]);
});

test('it goes past earlier models that are revoked too, and away where there is none left', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.release({ candidate: bad, production: better, force });
  await carryOut(await plan({ digest: digests.better }));
  expect((await repository.pointer())?.artifact.digest).toBe(digests.bad);
  const planned = await plan();
  expect(stepsOf(planned).map(([, , to]) => to)).toEqual([digests.good, digests.good]);
  await carryOut(planned);
  const last = await plan({ digest: digests.good });
  expect(stepsOf(last).map(([, , to]) => to)).toEqual([null, null]);
  await carryOut(last);
  expect(await repository.pointer()).toBeNull();
  expect(await findings()).toEqual([]);
});

test('only what names it moves', async () => {
  await repository.release({ candidate: good });
  const production = await repository.pointer('production');
  await repository.promote({ candidate: better, stage: 'staging' });
  const planned = await plan({ digest: digests.better });
  expect(stepsOf(planned)).toEqual([['staging', digests.better, digests.good]]);
  await carryOut(planned);
  expect(await repository.pointer('production')).toEqual(production);
  expect(await findings()).toEqual([]);
});

test('what no history knows is refused, what begins several too; --force takes a whole digest', async () => {
  await repository.release({ candidate: good });
  const unknown: Digest = `sha256:${'1'.repeat(64)}`;
  await expect(plan({ digest: unknown })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  await expect(plan({ digest: '1111111', force: true })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  await expect(plan({ digest: 'HEAD' })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(plan({ digest: hexOf(digests.good).slice(0, 6) })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(plan({ digest: digests.good, reason: ' \n\u202e ' })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(plan({ model: '../x' })).rejects.toMatchObject({ code: 'NAME_INVALID' });
  expect(await plan({ digest: unknown, force: true })).toMatchObject({
    digest: unknown,
    steps: [],
    files: [{ path: revocationPath('intents', unknown) }],
  });
});

test('a reason cannot forge a line of the message, nor another file', async () => {
  await repository.release({ candidate: good });
  const planned = await plan({ digest: digests.good, reason: 'x\n\nPlumb-Revoked: sha256:0\u2028Plumb-Model: other' });
  expect(planned.message.match(/^Plumb-Revoked: /gm)).toHaveLength(1);
  expect(planned.message.match(/^Plumb-Model: intents$/gm)).toHaveLength(1);
});

test('a name is enough to take a model out; what is in the file has to be right for people', async () => {
  const path = revocationPath('intents', digests.good);
  expect(revokedBy([path, 'models/intents/revoked/short.json', 'models/intents/production.json', `${path}.bak`])).toEqual(new Set([digests.good]));
  expect(revocationOf(path)).toEqual({ model: 'intents', digest: digests.good });
  const revocation = {
    plumbline: 'revocation/1',
    model: 'intents',
    digest: digests.good,
    reason: 'x',
    at: '2026-11-21T00:00:00.000Z',
    by: 'A',
  } as const;
  const text = serialiseRevocation(revocation);
  expect(await parseRevocation(text, path)).toEqual(revocation);
  for (const wrong of ['{}', text.replace('intents', 'other'), text.trim(), `${text.slice(0, -3)},"more": 1}\n`, 'no JSON'])
    await expect(parseRevocation(wrong, path)).rejects.toMatchObject({ code: 'EVIDENCE_INVALID' });
});

test('what was ever taken out stays out, though its file is gone; on another branch it is not', async () => {
  await repository.release({ candidate: good });
  await repository.write({ [revocationPath('intents', digests.bad)]: 'whatever stands there' });
  await repository.commitAll('out');
  await repository.run('revert', '--no-edit', 'HEAD');
  const main = await repository.head();
  await repository.run('checkout', '-q', '-b', 'side', 'HEAD~2');
  await writeFile(join(repository.root, 'notes.txt'), 'x');
  const side = await repository.commitAll('side');
  expect(await everRevoked(repository.git, 'project/', main)).toEqual(new Set([digests.bad]));
  expect(await everRevoked(repository.git, 'project/', side)).toEqual(new Set());
});
