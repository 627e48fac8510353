// What must be true of the places where data is kept, whatever was done to them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { filesBelow, sha256, type Answer, type TestProject } from '../project.ts';
import type { Files } from './stored.ts';

/** The data of a work tree is that of a version, to the last byte, and nothing else is there. */
export function checkData(project: TestProject, files: Files): void {
  expect(filesBelow(project.path('data')).map((path) => `data/${path}`)).toEqual(Object.keys(files).toSorted());
  for (const [path, bytes] of Object.entries(files)) expect(sha256(readFileSync(project.path(path))), path).toBe(sha256(bytes));
}

/** What is in a cache, or in a folder that is a remote, under the name of a digest has that digest. */
export function checkNames(folder: string): void {
  for (const path of filesBelow(join(folder, 'objects')))
    expect(sha256(readFileSync(join(folder, 'objects', path))), path).toBe(path.replace('/', ''));
  for (const kind of ['packs', 'condemned'])
    for (const path of filesBelow(join(folder, kind))) expect(sha256(readFileSync(join(folder, kind, path))), path).toBe(path.replace('.pack', ''));
}

/** An error that users see: never a mistake of ours, and one that says what to do. */
export function errorOf(answer: Answer): { code: string; what: string; mend: string; details: Record<string, unknown> } {
  const error = answer.json['error'] as { code: string; what: string; mend: string; details: Record<string, unknown> } | undefined;
  if (error === undefined) expect.fail(`it ended with ${answer.exit}, ${answer.signal}: ${answer.stdout}${answer.stderr}`);
  expect(error.code, answer.stdout).not.toBe('BUG');
  expect(error.mend.length).toBeGreaterThan(10);
  expect(answer.stderr).not.toMatch(/\n {4}at /);
  return error;
}

/** Files of writers in the remote that have not finished, or were killed. */
export function temporaryInRemote(project: TestProject): string[] {
  const folder = join(project.remote, 'tmp');
  return existsSync(folder) ? filesBelow(folder) : [];
}

/**
 * Nothing of a writer that failed is left where others look.
 * @param killed what was in the remote's tmp/ when a writer was killed: others cannot see whether he still runs, so it goes with the first write an hour
 *   later (folder.test.ts)
 */
export function checkNoTemporary(project: TestProject, killed: readonly string[] = []): void {
  const left = filesBelow(project.root, (name) => name === '.git').filter((path) => path.includes('.plumb-tmp-'));
  expect(left.filter((path) => !path.startsWith('.plumb/cache/tmp/'))).toEqual([]);
  expect(temporaryInRemote(project).filter((name) => !killed.includes(name))).toEqual([]);
}
