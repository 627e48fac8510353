// T19: what comes to the webhook. A real origin that is fetched from, a real server, real HTTP.
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { openGit } from '../git/open.ts';
import { openStore } from '../store/open.ts';
import { openPredictor } from '../train/predictor.ts';
import { openDeliveries, type Deliveries } from './deliveries.ts';
import { refOfOrigin } from './origin.ts';
import { readOnlyGit } from './read-only-git.ts';
import { startServer, type RunningServer, type ServeEvent } from './server.ts';
import { createTestbed, trainTinyModels, type Testbed, type TinyModels } from './testbed.ts';
import { defaultWebhookLimits, readWebhookSecret, type WebhookLimits } from './webhook.ts';

const secret = Buffer.from('a secret of thirty-two bytes, hm');

let models: TinyModels;
beforeAll(async () => void (models = await trainTinyModels()));
afterAll(() => models.remove());

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

interface Served {
  /** origin */
  readonly bed: Testbed;
  readonly server: RunningServer;
  readonly events: ServeEvent[];
  readonly fruit: Digest;
  readonly colour: Digest;
  /** how often origin was asked */
  rounds(): number;
}

interface Wish {
  readonly limits?: Partial<WebhookLimits>;
  readonly deliveries?: Deliveries;
  readonly everyMs?: number;
  readonly leastMs?: number;
  readonly bare?: boolean;
}

/** A server in a clone of the testbed. It fetches only when it is told, unless said otherwise. */
async function serve({ limits, deliveries, everyMs = 3_600_000, leastMs = 0, bare = true }: Wish = {}): Promise<Served> {
  const remote = await mkdtemp(join(tmpdir(), 'plumb-remote-'));
  const bed = await createTestbed({ remote });
  endings.push(async () => {
    await bed.remove();
    await rm(remote, { recursive: true, force: true });
  });
  const put = async (path: string): Promise<Digest> => (await bed.store.putFile(path)).digest;
  const [fruit, colour] = [await put(models.fruit), await put(models.colour)];
  await bed.promote(fruit);
  const clone = `${bed.root}/.plumb/clone`;
  await bed.gitCommand('clone', '--quiet', ...(bare ? ['--mirror'] : []), '.', clone);
  const git = await openGit(clone, process.env);
  const events: ServeEvent[] = [];
  let rounds = 0;
  const server = await startServer({
    git: readOnlyGit(git),
    // the bytes are where the testbed put them
    store: await openStore({ cacheDir: join(bed.root, '.plumb', 'cache'), remote }),
    prefix: '',
    ref: refOfOrigin(git, 'main'),
    stage: 'production',
    open: openPredictor,
    pollMs: 3_600_000,
    address: { host: '127.0.0.1', port: 0 },
    origin: {
      git,
      remote: { remote: 'origin', token: null },
      main: 'main',
      everyMs,
      leastMs,
      reconcile: async () => void (rounds += 1),
    },
    webhook: {
      secret,
      deliveries: deliveries ?? (await openDeliveries({ folder: null, most: 1000, keepMs: 1e9, now: () => Date.now() })),
      limits: { ...defaultWebhookLimits, ...limits },
    },
    tell: (event) => void events.push(event),
  });
  endings.push(() => server.close());
  await expect.poll(() => answering(server)).toBe(fruit);
  await expect.poll(() => rounds).toBeGreaterThan(0);
  return { bed, server, events, fruit, colour, rounds: () => rounds };
}

async function answering(server: RunningServer): Promise<string | undefined> {
  const answer = await request(`${server.url}/v1/models/intents/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"text": "x"}',
  });
  return ((await answer.body.json()) as { model?: { digest: string } }).model?.digest;
}

const sign = (body: string | Uint8Array, key: Uint8Array = secret): string => createHmac('sha256', key).update(body).digest('hex');
const payload = (): string => JSON.stringify({ ref: 'refs/heads/main', id: randomUUID() });

interface Told {
  readonly status: number;
  readonly body: { readonly accepted?: boolean; readonly error?: { readonly code: string } };
}

async function deliver(server: RunningServer, body: string | Uint8Array, headers: Readonly<Record<string, string | string[]>>): Promise<Told> {
  const answer = await request(`${server.url}/hooks/forge`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-github-delivery': randomUUID(), ...headers },
    body,
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Told['body'] };
}

const github = (body: string | Uint8Array): Record<string, string> => ({ 'x-hub-signature-256': `sha256=${sign(body)}`, 'x-github-event': 'push' });

test('T19: a delivery that is signed, by GitHub, Gitea or Forgejo, makes the server look at once', async () => {
  const { bed, server, fruit, colour } = await serve();
  const makers: ((body: string) => Record<string, string>)[] = [
    github,
    (body) => ({ 'x-gitea-signature': sign(body) }),
    (body) => ({ 'x-forgejo-signature': sign(body), 'x-gitea-signature': sign(body), 'x-hub-signature-256': `sha256=${sign(body)}` }),
  ];
  for (const [at, headers] of makers.entries()) {
    const wanted = at % 2 === 0 ? colour : fruit;
    await bed.promote(wanted);
    const body = payload();
    expect(await deliver(server, body, headers(body))).toMatchObject({ status: 202, body: { accepted: true } });
    await expect.poll(() => answering(server)).toBe(wanted);
  }
});

test('T19: forged or unsigned, nothing happens, and the answer does not say why', async () => {
  const { server, rounds } = await serve();
  const body = payload();
  const wrong = Buffer.from('another secret of thirty-two byte');
  const cases: Readonly<Record<string, Record<string, string | string[]>>> = {
    none: {},
    'another secret': { 'x-hub-signature-256': `sha256=${sign(body, wrong)}` },
    'of another body': { 'x-hub-signature-256': `sha256=${sign('{}')}` },
    'SHA-1': { 'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` },
    'an empty one': { 'x-hub-signature-256': '' },
    'a short one': { 'x-hub-signature-256': `sha256=${sign(body).slice(0, 8)}` },
    'without its prefix': { 'x-hub-signature-256': sign(body) },
    'one right, one wrong': { 'x-hub-signature-256': `sha256=${sign(body)}`, 'x-gitea-signature': sign(body, wrong) },
    'two in one header': { 'x-hub-signature-256': [`sha256=${sign(body, wrong)}`, `sha256=${sign(body)}`] },
    'the secret itself': { 'x-gitlab-token': secret.toString() },
    'an empty key': { 'x-hub-signature-256': `sha256=${createHmac('sha256', '').update(body).digest('hex')}` },
  };
  for (const [what, headers] of Object.entries(cases)) {
    const answer = await deliver(server, body, headers);
    expect([what, answer.status, answer.body.error?.code]).toEqual([what, 401, 'WEBHOOK_REFUSED']);
    expect(JSON.stringify(answer.body)).not.toContain(secret.toString());
  }
  expect((await request(`${server.url}/hooks/forge`)).statusCode).toBe(404);
  expect(rounds()).toBe(1);
});

test('T19: what the message says is not believed: only origin is', async () => {
  const { bed, server, fruit, rounds } = await serve();
  await bed.gitCommand('branch', 'mallory');
  const body = JSON.stringify({ ref: 'refs/heads/mallory', repository: { clone_url: 'https://mallory.example/x.git' }, after: 'f'.repeat(40) });
  expect((await deliver(server, body, github(body))).status).toBe(202);
  await expect.poll(rounds).toBe(2);
  // nor has it to be JSON: the signature is over the bytes
  const odd = Buffer.from([0xff, 0x00, 0x7b]);
  expect((await deliver(server, odd, { ...github(odd), 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(202);
  await expect.poll(rounds).toBe(3);
  expect(await answering(server)).toBe(fruit);
});

test('T19: a replayed delivery has no effect: the same again, under another number, or the number with other bytes; after a restart too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-deliveries-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const remembered = (): Promise<Deliveries> => openDeliveries({ folder, most: 1000, keepMs: 1e9, now: () => Date.now() });
  const { server, rounds } = await serve({ deliveries: await remembered() });
  const body = payload();
  const number = randomUUID();
  const headers = { ...github(body), 'x-github-delivery': number };
  expect((await deliver(server, body, headers)).status).toBe(202);
  await expect.poll(rounds).toBe(2);
  const replays = async (to: RunningServer): Promise<void> => {
    const other = payload();
    for (const [bytes, more] of [
      [body, headers],
      [body, { ...headers, 'x-github-delivery': randomUUID() }],
      [body, { 'x-gitea-signature': sign(body) }],
      [other, { ...github(other), 'x-github-delivery': number }],
    ] as const) {
      const answer = await deliver(to, bytes, more);
      expect([answer.status, answer.body.error?.code]).toEqual([409, 'WEBHOOK_REPLAYED']);
    }
  };
  await replays(server);
  expect(rounds()).toBe(2);
  await server.close();
  const again = await serve({ deliveries: await remembered() });
  await replays(again.server);
  expect(again.rounds()).toBe(1);
  expect(await readFile(join(folder, 'deliveries'), 'utf8')).not.toContain(number);
});

test('T19: a flood is bounded: large bodies, many at once, many good ones; replays use up nothing', async () => {
  const { server, rounds } = await serve({ limits: { bytes: 1000, burst: 3, perMinute: 0 } });
  const large = 'x'.repeat(1001);
  expect((await deliver(server, large, github(large))).status).toBe(413);
  const first = payload();
  expect((await deliver(server, first, github(first))).status).toBe(202);
  for (let at = 0; at < 5; at += 1) expect((await deliver(server, first, github(first))).status).toBe(409);
  const statuses: number[] = [];
  for (let at = 0; at < 4; at += 1) {
    const body = payload();
    statuses.push((await deliver(server, body, github(body))).status);
  }
  expect(statuses).toEqual([202, 202, 429, 429]);
  await expect.poll(rounds).toBeGreaterThan(1);
  expect(rounds()).toBeLessThanOrEqual(4);
});

test('a burst of good deliveries is few rounds, and none of what they tell is missed', async () => {
  const { bed, server, colour, rounds } = await serve({ leastMs: 300 });
  await Promise.all(
    Array.from({ length: 20 }, () => {
      const body = payload();
      return deliver(server, body, github(body));
    }),
  );
  await bed.promote(colour);
  const body = payload();
  await deliver(server, body, github(body));
  await expect.poll(() => answering(server)).toBe(colour);
  expect(rounds()).toBeLessThan(10);
});

test('without a webhook polling finds it, in a clone with a work tree too', async () => {
  const { bed, server, colour } = await serve({ everyMs: 50, bare: false });
  const before = await bed.gitCommand('-C', '.plumb/clone', 'rev-parse', 'main');
  await bed.promote(colour);
  await expect.poll(() => answering(server)).toBe(colour);
  // the work tree and its branch are the user's
  expect(await bed.gitCommand('-C', '.plumb/clone', 'rev-parse', 'main')).toBe(before);
  expect(await bed.gitCommand('-C', '.plumb/clone', 'status', '--porcelain')).toBe('');
});

test('an origin that does not answer is said, what is served goes on, and it is asked again', async () => {
  const { bed, server, colour, fruit } = await serve({ everyMs: 50 });
  const reasons = async (): Promise<string[]> => {
    const answer = (await (await request(`${server.url}/readyz`)).body.json()) as { reasons: { code: string }[] };
    return answer.reasons.map(({ code }) => code);
  };
  const clone = `${bed.root}/.plumb/clone`;
  await bed.gitCommand('-C', clone, 'remote', 'set-url', 'origin', `${bed.root}/nowhere`);
  await expect.poll(async () => (await reasons())[0]).toMatch(/^GIT_REMOTE_/);
  expect(await answering(server)).toBe(fruit);
  await bed.gitCommand('-C', clone, 'remote', 'set-url', 'origin', bed.root);
  await bed.promote(colour);
  const body = payload();
  await deliver(server, body, github(body));
  await expect.poll(() => answering(server)).toBe(colour);
  expect(await reasons()).toEqual([]);
});

test('a secret that is short, or none, is refused before anything listens', () => {
  for (const value of [undefined, '', 'fifteen bytes..'])
    expect(() => readWebhookSecret({ PLUMB_WEBHOOK_SECRET: value })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  expect(() => readWebhookSecret({ PLUMB_WEBHOOK_SECRET: 'fifteen bytes..' })).not.toThrow(/fifteen/);
  expect(readWebhookSecret({ PLUMB_WEBHOOK_SECRET: secret.toString() })).toEqual(secret);
});

test('deliveries are forgotten by number and by time, and a torn line is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-deliveries-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  let now = 1000;
  const open = (): Promise<Deliveries> => openDeliveries({ folder, most: 3, keepMs: 100, now: () => now });
  const name = (at: number): string => at.toString(16).padStart(64, '0');
  const first = await open();
  for (let at = 0; at < 20; at += 1) expect(await first.take([name(at)])).toBe(true);
  expect(first.has([name(19)])).toBe(true);
  expect(first.has([name(16)])).toBe(false);
  expect((await readFile(join(folder, 'deliveries'), 'utf8')).split('\n').length).toBeLessThan(10);
  const second = await open();
  expect(await second.take([name(50), name(18)])).toBe(false);
  now = 1101;
  expect(await second.take([name(18)])).toBe(true);
  const { appendFile } = await import('node:fs/promises');
  await appendFile(join(folder, 'deliveries'), `1101 ${name(77).slice(0, 30)}`);
  const third = await open();
  expect(third.has([name(18)])).toBe(true);
  expect(third.has([name(77)])).toBe(false);
});
