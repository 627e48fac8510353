import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { GrowingDigest } from './growing-digest.ts';

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-growing-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'file');
}

test('a file that grows from its beginning has the digest of its bytes at the end', async () => {
  const path = newFile();
  const bytes = Buffer.alloc(11_000_000, 'what grows, ');
  const digest = new GrowingDigest(path);
  const file = openSync(path, 'wx');
  for (let at = 0; at < bytes.length; at += 700_000) {
    writeSync(file, bytes, at, Math.min(700_000, bytes.length - at), at);
    digest.advance(Math.min(bytes.length, at + 700_000));
  }
  closeSync(file);
  expect(await digest.end(bytes.length)).toEqual({ digest: digestOf(bytes), bytes: bytes.length });
});

test('a file that is shorter than it should be has its own size', async () => {
  const path = newFile();
  closeSync(openSync(path, 'wx'));
  expect(await new GrowingDigest(path).end(1000)).toEqual({ digest: digestOf(''), bytes: 0 });
  await expect(new GrowingDigest(`${path}-not`).end(1000)).rejects.toMatchObject({ code: 'FILE_MISSING' });
});
