import { hash } from 'node:crypto';
import { mkdtemp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, hexOf } from '../base/digest.ts';
import { blockBytes, checkDigest, openMemory, TornMemory, type CheckMemory, type RememberedVersion } from './memory.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-memory-'));
const check = checkDigest({ check: 'pii', version: 1, data: 'intents' });

function version(name: string): RememberedVersion {
  return { content: digestOf(name), format: 'jsonl', key: null, label: null, tree: null };
}

async function recalled(memory: CheckMemory, of = check): Promise<string[]> {
  const found = [];
  for await (const { state } of memory.recall(of)) found.push(state.toString());
  return found;
}

test('what was kept comes back, for the same question only', async () => {
  const memory = openMemory(join(folder, 'one'));
  expect(await recalled(memory)).toEqual([]);
  await memory.keep(check, version('a'), Buffer.from('state of a'));
  expect(await recalled(memory)).toEqual(['state of a']);
  expect(await recalled(memory, checkDigest({ check: 'pii', version: 2, data: 'intents' }))).toEqual([]);
  for await (const { version: found } of memory.recall(check)) expect(found).toEqual(version('a'));
});

test('a state begins where numbers can be read as they stand', async () => {
  const memory = openMemory(join(folder, 'placed'));
  for (const label of ['a', 'ab', 'abc', 'äöü']) {
    await memory.keep(check, { ...version(label), label }, Buffer.from(`state of ${label}`));
    for await (const { version: found, state } of memory.recall(check)) {
      expect(state.byteOffset % 8).toBe(0);
      expect(state.toString()).toBe(`state of ${found.label}`);
    }
  }
  expect(await recalled(memory)).toHaveLength(4);
});

test('who trusts nobody adds, and reads nothing', async () => {
  const place = join(folder, 'trusted');
  const memory = openMemory(place, { recalls: false });
  await memory.keep(check, version('a'), Buffer.from('a'));
  expect(await recalled(memory)).toEqual([]);
  expect(await recalled(openMemory(place))).toEqual(['a']);
});

test('four versions are kept, and none of them twice', async () => {
  const memory = openMemory(join(folder, 'many'));
  for (const name of ['a', 'b', 'c', 'c', 'd', 'e']) await memory.keep(check, version(name), Buffer.from(name));
  expect(await recalled(memory)).toHaveLength(4);
});

test('what was cut, changed or is something else is as good as not there', async () => {
  const place = join(folder, 'damaged');
  const memory = openMemory(place);
  for (const name of ['whole', 'cut', 'changed']) await memory.keep(check, version(name), Buffer.from(`state: ${name}`));
  const inner = join(place, (await readdir(place))[0] ?? '');
  const path = (name: string): string => join(inner, hexOf(digestOf(name)));
  await writeFile(path('cut'), (await readFile(path('cut'))).subarray(0, -3));
  const changed = await readFile(path('changed'));
  changed[changed.length - 40] = (changed[changed.length - 40] ?? 0) ^ 1;
  await writeFile(path('changed'), changed);
  await writeFile(path('other'), 'text');
  expect(await recalled(memory)).toEqual(['state: whole']);
});

test('a file whose digest somebody made anew, and whose head is no JSON, is none either', async () => {
  const place = join(folder, 'forged');
  const memory = openMemory(place);
  await memory.keep(check, version('a'), Buffer.from('a'));
  const path = join(place, (await readdir(place))[0] ?? '', hexOf(digestOf('a')));
  const body = (await readFile(path)).subarray(0, -32);
  body[13] = 0;
  await writeFile(path, Buffer.concat([body, hash('sha256', body, 'buffer')]));
  expect(await recalled(memory)).toEqual([]);
});

test('a folder that cannot be made is no failure', async () => {
  await writeFile(join(folder, 'file'), '');
  const memory = openMemory(join(folder, 'file', 'below'));
  await memory.keep(check, version('a'), Buffer.from('a'));
  expect(await recalled(memory)).toEqual([]);
});

const content = Buffer.from(Array.from({ length: blockBytes * 2 + 20 }, (_, at) => (at * 7) % 251));

/** Keeps a state with blocks. @returns what it is kept in */
async function keptBlocks(place: string): Promise<{ memory: CheckMemory; path: string }> {
  const memory = openMemory(place);
  await memory.keep(check, version('a'), Buffer.from('state'), content);
  return { memory, path: join(place, (await readdir(place))[0] ?? '', hexOf(digestOf('a'))) };
}

test('blocks come back one by one, beside their state', async () => {
  const { memory } = await keptBlocks(join(folder, 'blocks'));
  let seen = 0;
  for await (const { version: found, state, blocks } of memory.recall(check)) {
    expect([found, state.toString(), blocks.bytes]).toEqual([version('a'), 'state', content.length]);
    for (const block of [2, 0, 1, 0]) expect(blocks.read(block)).toEqual(content.subarray(block * blockBytes, (block + 1) * blockBytes));
    seen += 1;
  }
  expect(seen).toBe(1);
});

test('of a file in which any byte is another, nothing wrong is believed', async () => {
  const { memory, path } = await keptBlocks(join(folder, 'torn'));
  const whole = await readFile(path);
  const front = whole.length - content.length;
  for (let at = 0; at < whole.length; at += at < front ? 1 : 97) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] as number) ^ 4;
    await writeFile(path, changed);
    let states = 0;
    for await (const { blocks } of memory.recall(check)) {
      states += 1;
      const hit = Math.floor((at - front) / blockBytes);
      for (const block of [0, 1, 2]) {
        if (block === hit) expect(() => blocks.read(block)).toThrow(TornMemory);
        else expect(blocks.read(block)).toEqual(content.subarray(block * blockBytes, (block + 1) * blockBytes));
      }
    }
    expect(states).toBe(at < front ? 0 : 1);
  }
});

test('a block in the place of another, and a file that ends early or late, are not believed', async () => {
  const { memory, path } = await keptBlocks(join(folder, 'blocks-moved'));
  const whole = await readFile(path);
  const front = whole.length - content.length;
  const [first, second, rest] = [
    whole.subarray(front, front + blockBytes),
    whole.subarray(front + blockBytes, front + 2 * blockBytes),
    front + 2 * blockBytes,
  ];
  await writeFile(path, Buffer.concat([whole.subarray(0, front), second, first, whole.subarray(rest)]));
  for await (const { blocks } of memory.recall(check)) {
    expect(() => blocks.read(0)).toThrow(TornMemory);
    expect(() => blocks.read(1)).toThrow(TornMemory);
    expect(blocks.read(2)).toEqual(content.subarray(2 * blockBytes));
  }
  for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from([0])]), whole.subarray(0, front)]) {
    await writeFile(path, bytes);
    expect(await recalled(memory)).toEqual([]);
  }
});

test('a file that is cut while it is read says so', async () => {
  const { memory, path } = await keptBlocks(join(folder, 'cut-late'));
  for await (const { blocks } of memory.recall(check)) {
    await truncate(path, 100);
    expect(() => blocks.read(1)).toThrow(TornMemory);
  }
});
