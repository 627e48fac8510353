// The real command in a process of its own.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestbed, trainTinyModels, type Testbed, type TinyModels } from '../serve/testbed.ts';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
let models: TinyModels;
beforeAll(async () => void (models = await trainTinyModels()));
afterAll(() => models.remove());

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function repository(prefix = ''): Promise<Testbed> {
  const bed = await createTestbed({ prefix });
  endings.push(() => bed.remove());
  return bed;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start(folder: string, ...words: string[]): Child {
  const child = spawn(process.execPath, [plumb, '-C', folder, 'serve', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  endings.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function run(folder: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(folder, ...words);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { code, stdout, stderr };
}

test('--json tells each event on a line; a promotion is followed; SIGTERM ends with 0', async () => {
  const bed = await repository('teams/ä b/');
  const [fruit, colour] = [(await bed.store.putFile(models.fruit)).digest, (await bed.store.putFile(models.colour)).digest];
  await bed.promote(fruit);
  const child = start(`${bed.root}/teams/ä b`, '--port', '0', '--json');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => JSON.parse((await lines.next()).value ?? 'null') as Record<string, unknown>;
  const listening = await next();
  expect(listening).toMatchObject({ event: 'listening', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  expect(await next()).toMatchObject({ event: 'swap', model: { name: 'intents', digest: fruit }, from: null });
  expect(await next()).toMatchObject({ event: 'ready' });
  await bed.promote(colour);
  expect(await next()).toMatchObject({ event: 'swap', model: { digest: colour }, from: fruit });
  const answer = await request(`${String(listening['url'])}/v1/models/intents/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"text": "a blue sky"}',
  });
  expect(await answer.body.json()).toMatchObject({ label: 'blue', model: { digest: colour } });
  child.kill('SIGTERM');
  expect(await next()).toMatchObject({ event: 'stopped' });
  expect(await once(child, 'close')).toEqual([0, null]);
});

test('--once in a bare clone: no pointer is a no, a pointer whose bytes are there is a yes', async () => {
  const bed = await repository();
  const fruit = (await bed.store.putFile(models.fruit)).digest;
  expect(await run(bed.root, '--once')).toMatchObject({ code: 1, stdout: expect.stringContaining('POINTER_MISSING') });
  await bed.promote(fruit);
  expect(await run(bed.root, '--once')).toMatchObject({ code: 0, stdout: expect.stringContaining('servable') });
  await bed.gitCommand('clone', '--quiet', '--bare', '.', '.plumb/bare.git');
  const elsewhere = await run(`${bed.root}/.plumb/bare.git`, '--once', '--json');
  expect(elsewhere.code).toBe(1);
  expect(JSON.parse(elsewhere.stdout)).toMatchObject({ ref: 'main', ready: false, reasons: [{ model: 'intents', code: 'BYTES_MISSING' }] });
});

test('a port that is taken and a port that is none end with words', async () => {
  const bed = await repository();
  const first = start(bed.root, '--port', '0', '--json');
  const { value } = await createInterface({ input: first.stdout })[Symbol.asyncIterator]().next();
  const { port } = JSON.parse(value ?? '{}') as { port: number };
  const second = await run(bed.root, '--port', String(port));
  expect(second).toMatchObject({ code: 6, stderr: expect.stringMatching(new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken[^]*SERVE_FAILED`)) });
  expect(await run(bed.root, '--port', '99999')).toMatchObject({ code: 2, stderr: expect.stringContaining('USAGE') });
});
