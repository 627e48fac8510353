// A disk that is full in the middle: a real, small tmpfs. Mounting one takes root, so this is skipped elsewhere, but never in CI.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const top = mkdtempSync(join(tmpdir(), 'plumb-full-'));
const small = join(top, 'small');
const repo = join(top, 'repo');

/** Why there can be no small disk here, or null. */
const obstacle = ((): string | null => {
  mkdirSync(small);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small], { encoding: 'utf8' });
  if (mounted.status === 0) return null;
  return `cannot mount a tmpfs: ${mounted.error?.message ?? mounted.stderr.trim()}`;
})();
if (obstacle !== null && process.env['CI'] !== undefined) throw new Error(`${obstacle}; in CI this test must run`);

afterAll(() => {
  if (obstacle === null) execFileSync('umount', [small]);
  rmSync(top, { recursive: true, force: true });
});

function resize(megabytes: number): void {
  execFileSync('mount', ['-o', `remount,size=${megabytes}m`, small]);
}

function run(words: readonly string[], env: Record<string, string> = {}): { status: number | null; error: { code?: string } } {
  const result = spawnSync(process.execPath, [plumb, '-C', repo, '--json', ...words], { encoding: 'utf8', env: { ...process.env, ...env } });
  const answer = JSON.parse(result.stdout) as { error?: { code?: string } };
  return { status: result.status, error: answer.error ?? {} };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

const rows = (count: number): string => Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, text: 'x'.repeat(100) })}\n`).join('');
const noise = (count: number): string =>
  Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, text: randomBytes(80).toString('base64') })}\n`).join('');
const full = { status: 6, error: { code: 'DISK_FULL' } };
const fine = { status: 0, error: {} };

beforeAll(() => {
  if (obstacle !== null) return;
  execFileSync('git', ['init', '-q', repo]);
  writeFileSync(join(repo, 'plumbline.yaml'), `version: 1\nremote: ${join(small, 'remote')}\n`);
  mkdirSync(join(repo, 'data'));
  writeFileSync(join(repo, 'data/a.jsonl'), rows(10));
});

const note = obstacle === null ? '' : ` (skipped: ${obstacle})`;

test.skipIf(obstacle !== null)(`an add into a full cache leaves lock and cache as they were, and goes through when there is room${note}`, () => {
  const env = { PLUMB_CACHE: join(small, 'cache') };
  expect(run(['add', 'data/a.jsonl'], env)).toEqual(fine);
  const lock = readFileSync(join(repo, 'datasets.lock'), 'utf8');
  const objects = filesBelow(join(small, 'cache'));
  writeFileSync(join(repo, 'data/a.jsonl'), rows(60_000));
  expect(run(['add', 'data/a.jsonl'], env)).toMatchObject(full);
  expect(readFileSync(join(repo, 'datasets.lock'), 'utf8')).toBe(lock);
  expect(filesBelow(join(small, 'cache'))).toEqual(objects);
  resize(32);
  expect(run(['add', 'data/a.jsonl'], env)).toEqual(fine);
  expect(run(['status', '--check'], env)).toEqual(fine);
  rmSync(join(small, 'cache'), { recursive: true });
  resize(4);
});

test.skipIf(obstacle !== null)(`a push into a full remote leaves no part of an object there; the next push sends the rest${note}`, () => {
  writeFileSync(join(repo, 'data/b.jsonl'), rows(20));
  expect(run(['add', 'data/a.jsonl', 'data/b.jsonl'])).toEqual(fine);
  expect(run(['push', 'b'])).toEqual(fine);
  const before = filesBelow(join(small, 'remote'));
  // a remote has what compresses compressed: rows that do not
  writeFileSync(join(repo, 'data/c.jsonl'), noise(80_000));
  expect(run(['add', 'data/c.jsonl'])).toEqual(fine);
  expect(run(['push'])).toMatchObject({ status: 4, error: { code: 'REMOTE_FAILED' } });
  expect(filesBelow(join(small, 'remote'))).toEqual(before);
  resize(32);
  expect(run(['push'])).toEqual(fine);
  expect(filesBelow(join(small, 'remote')).length).toBeGreaterThan(before.length);
  rmSync(join(small, 'remote'), { recursive: true });
  resize(4);
});

test.skipIf(obstacle !== null)(`a checkout onto a full disk leaves the old working copy whole${note}`, () => {
  const clone = join(small, 'clone');
  execFileSync('git', ['init', '-q', clone]);
  writeFileSync(join(clone, 'plumbline.yaml'), 'version: 1\n');
  writeFileSync(join(clone, 'datasets.lock'), readFileSync(join(repo, 'datasets.lock')));
  mkdirSync(join(clone, 'data'));
  const old = '{"id":"old"}\n';
  writeFileSync(join(clone, 'data/a.jsonl'), old);
  const checkout = (): { status: number | null; stdout: string } =>
    spawnSync(process.execPath, [plumb, '-C', clone, '--json', 'checkout', 'a', '--force'], {
      encoding: 'utf8',
      env: { ...process.env, PLUMB_CACHE: join(repo, '.plumb/cache') },
    });
  const refused = checkout();
  expect(refused.stdout).toContain('DISK_FULL');
  expect(refused.status).toBe(6);
  expect(readFileSync(join(clone, 'data/a.jsonl'), 'utf8')).toBe(old);
  expect(readdirSync(join(clone, 'data'))).toEqual(['a.jsonl']);
  resize(32);
  expect(checkout().status).toBe(0);
  expect(readFileSync(join(clone, 'data/a.jsonl'), 'utf8')).toBe(rows(60_000));
});
