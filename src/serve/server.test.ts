// Real git, real HTTP, real models. Over 400 lines: one server, asked in every way that it can be asked, on one set of trained models.
import { chmod, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { Client, Pool, request } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { openGit } from '../git/open.ts';
import { openStore } from '../store/open.ts';
import type { PushRoot } from '../store/store.ts';
import { openPredictor } from '../train/predictor.ts';
import type { OpenModel } from './artifact.ts';
import { predictAnswerSchema } from './request.ts';
import { startServer, tryOnce, type RunningServer, type ServeEvent, type ServeOptions } from './server.ts';
import { createTestbed, pointerText, trainTinyModels, type Testbed, type TinyModels } from './testbed.ts';

let models: TinyModels;
beforeAll(async () => void (models = await trainTinyModels()));
afterAll(() => models.remove());

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

interface Served {
  readonly bed: Testbed;
  readonly server: RunningServer;
  readonly events: ServeEvent[];
  /** digests of two models that are in the store: one knows fruit, the other colours */
  readonly fruit: Digest;
  readonly colour: Digest;
}

async function serve(options: Partial<ServeOptions> & { remote?: string; promoted?: boolean } = {}): Promise<Served> {
  const bed = await createTestbed(options.remote === undefined ? {} : { remote: options.remote });
  endings.push(() => bed.remove());
  const fruit = (await bed.store.putFile(models.fruit)).digest;
  const colour = (await bed.store.putFile(models.colour)).digest;
  if (options.promoted !== false) await bed.promote(fruit);
  const { server, events } = await serveAt(bed, options);
  if (options.promoted !== false) await expect.poll(() => server.readiness().ready, { timeout: 10_000 }).toBe(true);
  return { bed, server, events, fruit, colour };
}

async function serveAt(bed: Testbed, options: Partial<ServeOptions> = {}): Promise<{ server: RunningServer; events: ServeEvent[] }> {
  const events: ServeEvent[] = [];
  const server = await startServer({
    git: bed.git,
    store: bed.store,
    prefix: '',
    ref: 'main',
    stage: 'production',
    open: openPredictor,
    pollMs: 50,
    address: { host: '127.0.0.1', port: 0 },
    ...options,
    tell: (event) => void events.push(event),
  });
  endings.push(() => server.close());
  return { server, events };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a server says is looked at, field by field
  readonly body: any;
}

async function get(server: RunningServer, path: string): Promise<Answer> {
  const { statusCode, headers, body } = await request(server.url + path);
  const text = await body.text();
  return { status: statusCode, headers, body: String(headers['content-type']).includes('json') ? JSON.parse(text) : text };
}

async function post(server: RunningServer, body: unknown, options: { name?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const answer = await request(`${server.url}/v1/models/${options.name ?? 'intents'}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...options.headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return { status: answer.statusCode, headers: answer.headers, body: await answer.body.json() };
}

function rootOf(digest: Digest): PushRoot {
  return {
    digest,
    bases: async () => [],
    async *objects() {
      yield { digest, bytes: 0, role: 'data' };
    },
  };
}

const transfer = { progress: silentProgress, signal: new AbortController().signal };

const answering = async (server: RunningServer): Promise<Digest> => (await post(server, { text: 'x' })).body.model?.digest;

test('one text and many: label, score, model digest, commit and request id', async () => {
  const { bed, server, fruit } = await serve();
  const commit = await bed.gitCommand('rev-parse', 'HEAD');
  const one = await post(server, { text: 'a ripe yellow banana' }, { headers: { 'x-request-id': 'mine-1' } });
  expect(one.status).toBe(200);
  expect(one.headers['x-request-id']).toBe('mine-1');
  expect(one.body).toMatchObject({ label: 'banana', model: { name: 'intents', stage: 'production', digest: fruit, commit }, request: 'mine-1' });
  const many = await post(
    server,
    { texts: ['a ripe yellow banana', 'a red apple from the tree'], top: 2 },
    { headers: { 'x-request-id': '../etc "' } },
  );
  expect(many.body.predictions.map((prediction: { label: string }) => prediction.label)).toEqual(['banana', 'apple']);
  expect(many.body.predictions[0].top).toHaveLength(2);
  expect(many.body.request).toMatch(/^[0-9a-f-]{36}$/);
  for (const { body } of [one, many]) expect(predictAnswerSchema.safeParse(body).error).toBeUndefined();
});

test('a server starts without a pointer, is alive and not ready, and takes the first promotion', async () => {
  const { bed, server, fruit } = await serve({ promoted: false });
  expect((await get(server, '/healthz')).status).toBe(200);
  await expect.poll(async () => (await get(server, '/readyz')).body.reasons[0].code).toBe('POINTER_MISSING');
  expect((await get(server, '/readyz')).status).toBe(503);
  expect((await post(server, { text: 'x' })).status).toBe(404);
  await bed.promote(fruit);
  await expect.poll(async () => (await get(server, '/readyz')).status).toBe(200);
  expect(await answering(server)).toBe(fruit);
});

test('models swap under load without a lost request, and no answer mixes two models', async () => {
  const { bed, server, fruit, colour } = await serve();
  const pool = new Pool(server.url, { connections: 8 });
  endings.push(() => pool.close());
  const labels = { [fruit]: ['apple', 'banana'], [colour]: ['blue', 'green'] };
  const moved = new AbortController();
  const seen = new Map<string, number>();
  const load = async (): Promise<void> => {
    while (!moved.signal.aborted) {
      const answer = await pool.request({
        method: 'POST',
        path: '/v1/models/intents/predict',
        headers: { 'content-type': 'application/json' },
        body: '{"texts":["a ripe yellow banana","a blue sky"]}',
      });
      const body = (await answer.body.json()) as { model: { digest: string }; predictions: { label: string }[] };
      expect(answer.statusCode).toBe(200);
      for (const { label } of body.predictions) expect(labels[body.model.digest]).toContain(label);
      seen.set(body.model.digest, (seen.get(body.model.digest) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 8 }, load);
  for (let move = 0; move < 3; move += 1) {
    await bed.promote(colour);
    await expect.poll(() => answering(server)).toBe(colour);
    await bed.gitCommand('revert', '--no-edit', 'HEAD');
    await expect.poll(() => answering(server)).toBe(fruit);
  }
  moved.abort();
  await Promise.all(clients);
  expect(seen.size).toBe(2);
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(200);
});

test('a broken pointer leaves the old model serving, readiness says so, and git revert mends it', async () => {
  const { bed, server, events, fruit } = await serve();
  await bed.commit({ 'models/intents/production.json': '{"plumbline": "pointer/1"' }, 'a bad merge');
  await expect.poll(async () => (await get(server, '/readyz')).body.degraded).toBe(true);
  const told = await get(server, '/readyz');
  expect(told.status).toBe(200);
  expect(told.body.reasons).toMatchObject([{ model: 'intents', code: 'POINTER_INVALID', answering: fruit }]);
  expect(await answering(server)).toBe(fruit);
  expect((await get(server, '/metrics')).body).toContain('plumb_model_degraded{model="intents",code="POINTER_INVALID"} 1');
  await bed.gitCommand('revert', '--no-edit', 'HEAD');
  await expect.poll(async () => (await get(server, '/readyz')).body).toMatchObject({ ready: true, degraded: false, reasons: [] });
  expect(events.map((event) => event.event)).toContain('mended');
});

test('bytes that differ from their digest are never served', async () => {
  const { bed, server, fruit, colour } = await serve();
  const path = await bed.store.pathOf(colour);
  await chmod(path, 0o644);
  await writeFile(path, 'these are other bytes');
  await bed.promote(colour);
  await expect.poll(async () => (await get(server, '/readyz')).body.reasons[0]?.model).toBe('intents');
  expect(['DIGEST_MISMATCH', 'BYTES_MISSING']).toContain((await get(server, '/readyz')).body.reasons[0].code);
  expect(await answering(server)).toBe(fruit);
  await bed.store.putFile(models.colour);
  await expect.poll(() => answering(server), { timeout: 10_000 }).toBe(colour);
});

test('bytes that went bad in the cache are fetched again from the remote', async () => {
  const { bed, colour } = await serve();
  const remote = `${bed.root}/.plumb/remote`;
  const store = await openStore({ cacheDir: bed.store.cacheDir, remote });
  await store.push([rootOf(colour)], [], transfer);
  const path = await bed.store.pathOf(colour);
  await chmod(path, 0o644);
  await writeFile(path, 'these are other bytes');
  const { server: other } = await serveAt(bed, { store });
  await bed.promote(colour);
  await expect.poll(() => answering(other)).toBe(colour);
});

test('missing bytes leave the old model serving, and are served once they are pushed', async () => {
  const { bed, server, fruit } = await serve();
  const absent = models.otherDigest;
  await bed.promote(absent);
  await expect.poll(async () => (await get(server, '/readyz')).body.reasons[0]?.code).toBe('BYTES_MISSING');
  expect(JSON.stringify((await get(server, '/readyz')).body)).not.toContain(bed.root);
  expect(await answering(server)).toBe(fruit);
  await bed.store.putFile(models.other);
  await expect.poll(() => answering(server), { timeout: 10_000 }).toBe(absent);
});

test('a file that is no model leaves the old model serving', async () => {
  const { bed, server, fruit } = await serve();
  await bed.promote(await bed.store.putBytes('no model at all'));
  await expect.poll(async () => (await get(server, '/readyz')).body.reasons[0]?.code).toBe('MODEL_INVALID');
  expect(await answering(server)).toBe(fruit);
});

test('a server that starts under a broken pointer answers with the last good model', async () => {
  const { bed, server, fruit } = await serve({ promoted: false });
  await server.close();
  await bed.promote(fruit);
  await bed.commit({ 'models/intents/production.json': '{' }, 'a bad merge');
  const later = await serveAt(bed);
  await expect.poll(() => answering(later.server)).toBe(fruit);
  expect((await get(later.server, '/readyz')).body).toMatchObject({ ready: true, degraded: true });
});

test('two servers on one repository, and one on a bare clone with a cache of its own, follow the same commits', async () => {
  const { bed, server, fruit, colour } = await serve();
  const second = await serveAt(bed);
  await bed.gitCommand('clone', '--quiet', '--mirror', '.', '.plumb/mirror.git');
  const remote = `${bed.root}/.plumb/remote`;
  const publisher = await openStore({ cacheDir: bed.store.cacheDir, remote });
  await publisher.push([rootOf(fruit), rootOf(colour)], [], transfer);
  const bare = await serveAt(bed, {
    git: await openGit(`${bed.root}/.plumb/mirror.git`, process.env),
    store: await openStore({ cacheDir: `${bed.root}/.plumb/mirror-cache`, remote }),
  });
  for (const { server: one } of [{ server }, second, bare]) await expect.poll(() => answering(one)).toBe(fruit);
  const commit = await bed.promote(colour);
  await bed.gitCommand('-C', '.plumb/mirror.git', 'fetch', '--quiet');
  for (const { server: one } of [{ server }, second, bare]) {
    await expect.poll(() => answering(one)).toBe(colour);
    expect((await post(one, { text: 'x' })).body.model.commit).toBe(commit);
  }
});

test('a machine without the git command follows too', async () => {
  const { bed, fruit, colour } = await serve();
  const { server } = await serveAt(bed, { git: await openGit(bed.root, process.env, { how: 'isomorphic' }) });
  await expect.poll(() => answering(server)).toBe(fruit);
  await bed.promote(colour);
  await expect.poll(() => answering(server)).toBe(colour);
});

test('bodies, texts and counts are bounded', async () => {
  const { server } = await serve({ limits: { bodyBytes: 2000, texts: 3, textLength: 100 } });
  const cases: [unknown, number, RegExp][] = [
    [{ text: 'x'.repeat(3000) }, 413, /larger than 2000 bytes/],
    [{ text: 'x'.repeat(101) }, 400, /"text"/],
    [{ texts: ['a', 'b', 'c', 'd'] }, 400, /"texts"/],
    [{ texts: ['a', 2] }, 400, /"texts.1"/],
    [{ texts: [] }, 400, /"texts"/],
    [{ text: 'a', texts: ['a'] }, 400, /either "text" or "texts"/],
    [{}, 400, /either "text" or "texts"/],
    [{ text: 'a', top: 0 }, 400, /"top"/],
    [{ txt: 'a' }, 400, /txt/],
    ['[1, 2', 400, /not JSON/],
    [Buffer.from([0x22, 0xff, 0x22]), 400, /not UTF-8/],
    ['{"__proto__": {"text": "a"}}', 400, /__proto__/],
  ];
  for (const [body, status, what] of cases) {
    const answer = await post(server, body);
    expect([status, answer.status, answer.body.error]).toEqual([status, status, expect.objectContaining({ code: 'REQUEST_INVALID' })]);
    expect(answer.body.error.what).toMatch(what);
  }
  expect((await post(server, 'text=a', { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  expect((await post(server, { text: '' })).status).toBe(200);
});

test('over the loopback, a page of a stranger whose name leads here is not answered', async () => {
  const { server } = await serve({ hosts: ['Models.example.org'] });
  const ask = async (host: string): Promise<number> => (await post(server, { text: 'apple' }, { headers: { host } })).status;
  for (const host of ['evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:80@127.0.0.1'])
    expect(await ask(host)).toBe(421);
  expect((await request(`${server.url}/v1/models`, { headers: { host: 'evil.example' } })).statusCode).toBe(421);
  for (const host of [
    'localhost',
    'localhost:8080',
    'LOCALHOST',
    'a.localhost',
    '127.0.0.1:1',
    '[::1]:8080',
    'models.example.org',
    'models.example.org:443',
  ])
    expect(await ask(host)).toBe(200);
});

test('texts that grow when they are normalised do not hold up the others', async () => {
  const { server } = await serve();
  const before = performance.eventLoopUtilization();
  const long = post(server, { texts: Array.from({ length: 16 }, () => '\ufdfa'.repeat(20_000)) });
  const waits: number[] = [];
  let done = false;
  void long.then(() => (done = true));
  while (!done) {
    const started = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    waits.push(performance.now() - started);
  }
  expect((await long).status).toBe(200);
  expect(performance.eventLoopUtilization(before).active).toBeGreaterThan(100);
  // a text at a time, not sixteen
  expect(Math.max(...waits)).toBeLessThan(performance.eventLoopUtilization(before).active / 3);
});

test('hostile names get a 404 and nothing of this machine', async () => {
  const { bed, server } = await serve();
  for (const name of ['nope', '..%2f..%2fetc%2fpasswd', '__proto__', 'constructor', '%00', '%F0%9F%92%A9'.repeat(40), '-rf', 'x'.repeat(5000)]) {
    const answer = await post(server, { text: 'a' }, { name });
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toMatch(/MODEL_UNKNOWN|REQUEST_INVALID/);
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts|\bat \//);
  }
  expect((await get(server, '/%zz')).status).toBe(400);
  expect((await get(server, '/../../etc/passwd')).status).toBe(404);
  const { body } = await get(server, '/metrics');
  expect(body).not.toMatch(/passwd|constructor|__proto__/);
  expect(body).not.toContain(bed.root);
});

test('a client that sends its request byte by byte is cut off, and others are not held up', async () => {
  const { server } = await serve({ limits: { headersMs: 300, requestMs: 600 } });
  const slowHead = connect(server.port, '127.0.0.1');
  const slowBody = connect(server.port, '127.0.0.1');
  for (const socket of [slowHead, slowBody]) socket.on('error', () => undefined);
  let told = '';
  slowBody.on('data', (piece) => void (told += String(piece)));
  slowHead.write('POST /v1/models/intents/predict HTTP/1.1\r\nhost: localhost\r\n');
  slowBody.write('POST /v1/models/intents/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
  const drip = setInterval(() => {
    if (slowHead.writable) slowHead.write('x');
    if (slowBody.writable) slowBody.write(' ');
  }, 50);
  const started = performance.now();
  const closed = [slowHead, slowBody].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  await Promise.all([...closed, post(server, { text: 'x' }).then((answer) => expect(answer.status).toBe(200))]);
  clearInterval(drip);
  expect(performance.now() - started).toBeLessThan(5000);
  expect(told).toMatch(/^HTTP\/1\.1 408 .*REQUEST_INVALID/s);
});

/** The real model, but each prediction waits for the test. */
function gated(): { open: OpenModel; go: () => void; waiting: () => number } {
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    go: () => gate.resolve(),
    waiting: () => waiting,
    async open(path, options) {
      const model = await openPredictor(path, options);
      return {
        labels: model.labels,
        format: model.format,
        close: () => model.close(),
        async predict(texts, more) {
          if (texts[0] === 'wait') {
            waiting += 1;
            await gate.promise;
          }
          return model.predict(texts, more);
        },
      };
    },
  };
}

test('more at once than the limit is told to come back, and nothing is lost', async () => {
  const { open, go, waiting } = gated();
  const { server } = await serve({ open, limits: { inFlight: 2 } });
  const held = [post(server, { text: 'wait' }), post(server, { text: 'wait' })];
  await expect.poll(waiting).toBe(2);
  const third = await post(server, { text: 'x' });
  expect(third).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { error: { code: 'SERVER_BUSY' } } });
  go();
  expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200]);
  expect((await post(server, { text: 'x' })).status).toBe(200);
});

test('a server that is told to stop answers what runs, then takes nothing more', async () => {
  const { open, go, waiting } = gated();
  const { server } = await serve({ open });
  const held = post(server, { text: 'wait' });
  await expect.poll(waiting).toBe(1);
  let closed = false;
  const closing = server.close().then(() => (closed = true));
  await expect
    .poll(async () =>
      request(`${server.url}/healthz`).then(
        (answer) => answer.body.dump(),
        () => 'refused',
      ),
    )
    .toBe('refused');
  expect(closed).toBe(false);
  go();
  expect((await held).status).toBe(200);
  await closing;
});

test('whoever does not end is cut off after the drain time', async () => {
  const { open, go, waiting } = gated();
  const { server } = await serve({ open, limits: { drainMs: 200 } });
  const held = post(server, { text: 'wait' }).catch((error: Error) => error);
  await expect.poll(waiting).toBe(1);
  const started = performance.now();
  const closing = server.close();
  expect(await held).toBeInstanceOf(Error);
  expect(performance.now() - started).toBeLessThan(5000);
  go();
  await closing;
});

test('an open connection that idles does not hold the end up', async () => {
  const { server } = await serve();
  const client = new Client(server.url, { keepAliveTimeout: 60_000 });
  await (await client.request({ method: 'GET', path: '/healthz' })).body.dump();
  const started = performance.now();
  await server.close();
  expect(performance.now() - started).toBeLessThan(2000);
  await client.destroy();
});

test('a port that is taken is said in words', async () => {
  const { bed, server } = await serve();
  await expect(serveAt(bed, { address: { host: '127.0.0.1', port: server.port } })).rejects.toMatchObject({
    code: 'SERVE_FAILED',
    message: `port ${server.port} on 127.0.0.1 is taken`,
  });
  await expect(serveAt(bed, { address: { host: '192.0.2.1', port: 0 } })).rejects.toMatchObject({ code: 'SERVE_FAILED' });
});

test('a withdrawn pointer withdraws the model; one model only is served where one is asked for', async () => {
  const { bed, server, fruit, colour } = await serve();
  await bed.promote(colour, { model: 'second' });
  await expect
    .poll(async () => (await get(server, '/v1/models')).body.models.map((model: { name: string }) => model.name))
    .toEqual(['intents', 'second']);
  const only = await serveAt(bed, { model: 'second' });
  await expect.poll(async () => (await post(only.server, { text: 'x' }, { name: 'second' })).status).toBe(200);
  expect((await post(only.server, { text: 'x' })).status).toBe(404);
  await bed.commit({ 'models/second/production.json': null }, 'second is withdrawn');
  await expect.poll(async () => (await get(server, '/v1/models')).body.models.map((model: { name: string }) => model.name)).toEqual(['intents']);
  await expect.poll(async () => (await get(only.server, '/readyz')).status).toBe(503);
  expect(await answering(server)).toBe(fruit);
});

test('--once says whether a ref can be served from here', async () => {
  const { bed, fruit } = await serve({ promoted: false });
  const parts = { git: bed.git, store: bed.store, prefix: '', ref: 'main', stage: 'production', open: openPredictor, tell: () => undefined } as const;
  expect(await tryOnce(parts)).toMatchObject({ ready: false, reasons: [{ code: 'POINTER_MISSING' }] });
  await bed.promote(fruit);
  expect(await tryOnce(parts)).toEqual({ ready: true, degraded: false, reasons: [] });
  await bed.commit({ 'models/intents/production.json': pointerText(models.otherDigest, { model: 'intents', stage: 'production' }) }, 'missing bytes');
  expect(await tryOnce(parts)).toMatchObject({ ready: true, degraded: true, reasons: [{ code: 'BYTES_MISSING', answering: fruit }] });
});

test('the page loads nothing from elsewhere and its policy names its own script and style', async () => {
  const { server } = await serve();
  const { body, headers } = await get(server, '/');
  expect(body).not.toMatch(/(src|href)=|https?:|@import|url\(/);
  const { createHash } = await import('node:crypto');
  for (const tag of ['script', 'style']) {
    const text = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(text).digest('base64');
    expect(headers['content-security-policy']).toContain(`${tag}-src 'sha256-${hash}'`);
  }
  expect(headers['content-security-policy']).toContain("default-src 'none'");
});

test('a commit that git could not read at first is read again, though the branch does not move', async () => {
  const { bed, fruit, colour } = await serve();
  let failing = false;
  const git = new Proxy(bed.git, {
    get(target, key) {
      if (key === 'readBlobs' && failing) return () => Promise.reject(new Error('git died'));
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { server } = await serveAt(bed, { git });
  await expect.poll(() => answering(server)).toBe(fruit);
  failing = true;
  await bed.promote(colour);
  await expect.poll(async () => (await get(server, '/readyz')).body.reasons[0]?.code, { timeout: 5000 }).toBe('GIT_FAILED');
  expect(await answering(server)).toBe(fruit);
  failing = false;
  await expect.poll(() => answering(server), { timeout: 10_000 }).toBe(colour);
  expect((await get(server, '/readyz')).body).toMatchObject({ ready: true, degraded: false });
});
