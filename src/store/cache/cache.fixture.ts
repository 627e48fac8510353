// What the tests of the cache share: a place, files with known bytes, and a user who is not root.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { createPack } from '../pack/writer.ts';
import type { BulkOptions, Cache } from './cache.ts';
import { openCache } from './open.ts';

export const options: BulkOptions = { signal: new AbortController().signal };

export interface Place {
  readonly folder: string;
  /** of the cache */
  readonly root: string;
  open(link?: string): Cache;
}

/** It goes when the test has finished. */
export function newPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'cache');
  return { folder, root, open: (link) => openCache(root, { env: { PLUMB_LINK: link } }) };
}

/** Writes files into a folder and lets them come to rest, as files that a user adds are. */
export async function writeFiles(folder: string, contents: readonly (string | Buffer)[]): Promise<{ path: string; digest: Digest }[]> {
  mkdirSync(folder, { recursive: true });
  const files = contents.map((bytes, at) => {
    const path = join(folder, `file-${at}`);
    writeFileSync(path, bytes);
    return { path, digest: digestOf(bytes) };
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  return files;
}

/** Text of about so many bytes that no other number gives. */
export function content(number: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, `content of file ${number}, `);
}

/** All files below a folder, relative to it, sorted. */
export function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .toSorted();
  } catch {
    return [];
  }
}

/** Changes one byte of a file in place, as an editor that writes in place or a failing program does. */
export function damage(path: string, at = 0): void {
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes, { flag: 'r+' });
}

/** A pack of the cache, under the name that it has to have. */
export function writePack(root: string, name: string, contents: readonly Buffer[]): string {
  mkdirSync(join(root, 'packs'), { recursive: true });
  const path = join(root, 'packs', name);
  const writer = createPack(path, { compress: false });
  for (const bytes of contents) writer.add({ digest: digestOf(bytes), bytes: bytes.length, role: 'data', form: 0 }, bytes);
  writer.finish();
  return path;
}

export const isRoot: boolean = process.getuid?.() === 0;
const nobody = 65_534;

/** URL of a source file, for scripts of tests. */
export function sourceOf(name: string): string {
  return new URL(name, import.meta.url).href;
}

/**
 * Runs a module as a user who is not root.
 * @param script TypeScript; prints JSON
 * @param folder where it may write; given to that user
 */
export async function asUser(folder: string, script: string): Promise<unknown> {
  const path = join(folder, 'script.ts');
  writeFileSync(path, script);
  openTo(folder);
  const child = spawn(process.execPath, [path], {
    cwd: folder,
    env: { HOME: folder, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the script ended with ${String(code)}: ${text}`);
  return JSON.parse(text) as unknown;
}

/** Lets everybody into a folder of a test. */
export function openTo(folder: string): void {
  chmodSync(folder, 0o777);
}
