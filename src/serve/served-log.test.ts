// Where there is a log of decisions, only what it says is served: real repositories, real logs, a real server.
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { revocationPath, serialiseRevocation } from '../registry/revocation.ts';
import { openPredictor } from '../train/predictor.ts';
import { keepLog, policyText, type TestLog } from './log.fixture.ts';
import { openMemory } from './memory.ts';
import { startServer, type RunningServer, type ServeEvent, type ServeOptions } from './server.ts';
import { createTestbed, pointerText, trainTinyModels, type Testbed, type TinyModels } from './testbed.ts';

let models: TinyModels;
beforeAll(async () => void (models = await trainTinyModels()));
afterAll(() => models.remove());

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

interface Place {
  readonly bed: Testbed;
  readonly fruit: Digest;
  readonly colour: Digest;
  readonly other: Digest;
}

/** A repository whose store has three models; nothing is promoted. */
async function place(): Promise<Place> {
  const bed = await createTestbed();
  endings.push(() => bed.remove());
  const put = async (path: string): Promise<Digest> => (await bed.store.putFile(path)).digest;
  return { bed, fruit: await put(models.fruit), colour: await put(models.colour), other: await put(models.other) };
}

interface Started {
  readonly server: RunningServer;
  readonly events: ServeEvent[];
  stop(): Promise<void>;
}

async function start(bed: Testbed, options: Partial<ServeOptions> = {}): Promise<Started> {
  const events: ServeEvent[] = [];
  const server = await startServer({
    git: bed.git,
    store: bed.store,
    prefix: '',
    ref: 'main',
    stage: 'production',
    memory: await openMemory(join(bed.root, '.plumb', 'serve')),
    open: openPredictor,
    pollMs: 50,
    address: { host: '127.0.0.1', port: 0 },
    ...options,
    tell: (event) => void events.push(event),
  });
  endings.push(() => server.close());
  return { server, events, stop: () => server.close() };
}

/** Digest of the model that answers, or the code of the error. */
async function answer(server: RunningServer, name = 'intents'): Promise<string> {
  const { body } = await request(`${server.url}/v1/models/${name}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"text": "x"}',
  });
  const said = (await body.json()) as { model?: { digest: string }; error?: { code: string } };
  return said.model?.digest ?? said.error?.code ?? '';
}

interface Ready {
  readonly ready: boolean;
  readonly degraded: boolean;
  readonly decidedBy: string;
  readonly log?: { readonly records: number; readonly trust: string };
  readonly reasons: readonly { readonly code: string; readonly model?: string }[];
}

async function readyz(server: RunningServer): Promise<Ready> {
  return (await (await request(`${server.url}/readyz`)).body.json()) as Ready;
}

const codes = async (server: RunningServer): Promise<string[]> => (await readyz(server)).reasons.map(({ code }) => code);

/** The log has served fruit; the pointer on main names it. */
async function logged(options: Parameters<typeof keepLog>[1] = {}): Promise<Place & { log: TestLog; first: string }> {
  const there = await place();
  const log = await keepLog(there.bed, options);
  const first = await there.bed.promote(there.fruit);
  await log.decide({ commit: first, moves: { intents: there.fruit } });
  return { ...there, log, first };
}

test('a pointer that nobody decided about is not served; once the log says so it is', async () => {
  const { bed, log, fruit, colour } = await logged();
  const { server } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  const commit = await bed.promote(colour);
  await expect.poll(async () => (await request(`${server.url}/readyz`)).body.text()).toContain(commit);
  expect(await answer(server)).toBe(fruit);
  expect(await readyz(server)).toMatchObject({ ready: true, degraded: false, decidedBy: 'log', log: { records: 1, trust: 'first-use' } });
  await log.decide({ commit, moves: { intents: colour }, served: false });
  await expect.poll(async () => (await readyz(server)).log?.records).toBe(2);
  expect(await answer(server)).toBe(fruit);
  await log.decide({ commit, moves: { intents: colour } });
  await expect.poll(() => answer(server)).toBe(colour);
});

test('without a log pointers are believed, and it says so', async () => {
  const { bed, fruit } = await place();
  await bed.promote(fruit);
  const { server } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  expect(await readyz(server)).toMatchObject({ decidedBy: 'pointers', note: expect.stringContaining('no log of decisions') });
});

test('a server that believed pointers goes over to the log when there is one', async () => {
  const { bed, fruit, colour } = await place();
  await bed.promote(fruit);
  const { server } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  const log = await keepLog(bed);
  // from here on the policy wants a log, and there is none: what is served stays
  await bed.promote(colour);
  await expect.poll(() => codes(server)).toEqual(['AUDIT_MISSING']);
  expect(await answer(server)).toBe(fruit);
  await log.decide({ commit: await bed.gitCommand('rev-parse', 'HEAD'), moves: { intents: colour } });
  await expect.poll(() => answer(server)).toBe(colour);
  expect(await codes(server)).toEqual([]);
});

test('no commit to main switches the log off: another branch of it, or none, changes nothing', async () => {
  const { bed, log, fruit, colour } = await logged();
  const { server, stop } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  await bed.commit({ 'policy.yaml': policyText(log.publicKey, 'another/branch') }, 'the log elsewhere');
  const commit = await bed.commit(
    { 'policy.yaml': null, 'models/intents/production.json': pointerText(colour, { model: 'intents', stage: 'production' }) },
    'no policy at all',
  );
  await expect.poll(async () => (await request(`${server.url}/readyz`)).body.text()).toContain(commit);
  expect(await answer(server)).toBe(fruit);
  await stop();
  const again = await start(bed);
  await expect.poll(() => answer(again.server)).toBe(fruit);
  // nor for a server that knows nothing yet
  const fresh = await start(bed, { memory: await openMemory(null) });
  await expect.poll(() => answer(fresh.server)).toBe(fruit);
});

test('a log that is cut, gone or broken keeps what is served, degraded, with the reason; and mends', async () => {
  const { bed, log, colour } = await logged();
  const commit = await bed.promote(colour);
  const tip = await log.decide({ commit, moves: { intents: colour } });
  const { server, events } = await start(bed);
  await expect.poll(() => answer(server)).toBe(colour);
  for (const [spoil, code] of [
    [() => log.cut(1), 'AUDIT_REWRITTEN'],
    [() => log.set(null), 'AUDIT_MISSING'],
    [async () => log.set(await bed.gitCommand('rev-parse', 'main')), 'AUDIT_INVALID'],
  ] as const) {
    await spoil();
    // a log without even one record it knew is one that was rewritten, too
    await expect.poll(async () => (await codes(server))[0]).toMatch(code === 'AUDIT_INVALID' ? /AUDIT_(INVALID|REWRITTEN)/ : code);
    expect(await readyz(server)).toMatchObject({ ready: true, degraded: true });
    expect(await answer(server)).toBe(colour);
    await log.set(tip);
    await expect.poll(() => codes(server)).toEqual([]);
  }
  expect(events.filter((event) => event.event === 'trouble').length).toBeGreaterThanOrEqual(3);
});

test('a log that was rolled back while the server was down is found, and what was served goes on', async () => {
  const { bed, log, fruit, colour } = await logged();
  const commit = await bed.promote(colour);
  await log.decide({ commit, moves: { intents: colour } });
  const before = await start(bed);
  await expect.poll(() => answer(before.server)).toBe(colour);
  await before.stop();
  await log.cut(1);
  const after = await start(bed);
  await expect.poll(() => answer(after.server)).toBe(colour);
  expect(await codes(after.server)).toEqual(['AUDIT_REWRITTEN']);
  // who never saw the longer one cannot know
  const fresh = await start(bed, { memory: await openMemory(null) });
  await expect.poll(() => answer(fresh.server)).toBe(fruit);
});

test('a log of another key is believed by nobody who pinned one, and nothing is served by it', async () => {
  const { bed, log, fruit } = await logged();
  const stranger = await logged();
  const { server } = await start(bed, { pin: stranger.log.publicKey, memory: await openMemory(null) });
  await expect.poll(() => codes(server)).toEqual(['AUDIT_INVALID']);
  expect(await answer(server)).toBe('MODEL_UNKNOWN');
  const own = await start(bed, { pin: log.publicKey, memory: await openMemory(null) });
  await expect.poll(() => answer(own.server)).toBe(fruit);
  expect((await readyz(own.server)).log?.trust).toBe('pinned');
});

test('with a pinned key and no log nothing is served, whatever pointers say', async () => {
  const { bed, fruit } = await place();
  await bed.promote(fruit);
  const { server } = await start(bed, { pin: policyKey });
  await expect.poll(() => codes(server)).toEqual(['AUDIT_MISSING']);
  expect(await answer(server)).toBe('MODEL_UNKNOWN');
});
const policyKey = Buffer.alloc(32, 7).toString('base64');

test('T17: a revocation on main ends a model within a poll, before any record, and after a restart', async () => {
  const { bed, log, fruit, colour } = await logged();
  const { server, stop, events } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  const at = performance.now();
  await bed.commit(revocation(fruit), 'fruit is out');
  await expect.poll(() => answer(server), { interval: 10 }).toBe('MODEL_REVOKED');
  expect(performance.now() - at).toBeLessThan(5000);
  expect(events.filter((event) => event.event === 'revoked')).toHaveLength(1);
  expect(await codes(server)).toEqual(['MODEL_REVOKED']);
  await stop();
  // taking the file away does not bring it back: not for a server that knew, nor for one that reads the history
  await bed.gitCommand('revert', '--no-edit', 'HEAD');
  for (const memory of [undefined, await openMemory(null)]) {
    const again = await start(bed, memory === undefined ? {} : { memory });
    await expect.poll(() => codes(again.server)).toEqual(['MODEL_REVOKED']);
    expect(await answer(again.server)).toBe('MODEL_REVOKED');
    await again.stop();
  }
  const commit = await bed.promote(colour);
  const last = await start(bed);
  await log.decide({ commit, moves: { intents: colour } });
  await expect.poll(() => answer(last.server)).toBe(colour);
});

test('T17: what the log has taken out is not served, though main has no file of it', async () => {
  const { bed, log, fruit, first } = await logged();
  const { server } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  await log.decide({ commit: first, kind: 'revocation', moves: {}, revoked: [fruit] });
  await expect.poll(() => answer(server)).toBe('MODEL_REVOKED');
});

test('a record that says another model than the pointer it is about moves nothing', async () => {
  const { bed, log, fruit, colour } = await logged();
  const { server } = await start(bed);
  await expect.poll(() => answer(server)).toBe(fruit);
  await log.decide({ commit: await bed.promote(colour), moves: { intents: fruit } });
  await expect.poll(() => codes(server)).toEqual(['POINTER_INVALID']);
  expect(await answer(server)).toBe(fruit);
});

test('models that one record moved are swapped together, or none of them', async () => {
  const { bed, log, fruit, colour, other } = await logged();
  const two = await bed.promote(colour, { model: 'second' });
  await log.decide({ commit: two, moves: { second: colour } });
  const { server } = await start(bed);
  await expect.poll(async () => [await answer(server), await answer(server, 'second')]).toEqual([fruit, colour]);
  const missing: Digest = `sha256:${'0'.repeat(64)}`;
  const both = async (second: Digest): Promise<string> =>
    bed.commit(
      {
        'models/intents/production.json': pointerText(other, { model: 'intents', stage: 'production' }),
        'models/second/production.json': pointerText(second, { model: 'second', stage: 'production' }),
      },
      'both',
    );
  await log.decide({ commit: await both(missing), moves: { intents: other, second: missing } });
  await expect.poll(async () => (await codes(server)).toSorted()).toEqual(['BYTES_MISSING', 'MODEL_NOT_READY']);
  expect([await answer(server), await answer(server, 'second')]).toEqual([fruit, colour]);
  // a restart comes to the same
  const again = await start(bed);
  await expect.poll(async () => [await answer(again.server), await answer(again.server, 'second')]).toEqual([fruit, colour]);
  await log.decide({ commit: await both(fruit), moves: { intents: other, second: fruit } });
  for (const one of [server, again.server]) await expect.poll(async () => [await answer(one), await answer(one, 'second')]).toEqual([other, fruit]);
});

function revocation(digest: Digest): Record<string, string> {
  const text = serialiseRevocation({
    plumbline: 'revocation/1',
    model: 'intents',
    digest,
    reason: 'bad',
    at: '2026-11-21T00:00:00.000Z',
    by: 'Test',
  });
  return { [revocationPath('intents', digest)]: text };
}
