// Objects out of a transfer on their way to files: verified where they lie, and only then written. A whole object gets the place in the session's folder
// where large ones wait, sealed; a piece goes to its offset in the file of a larger object.
import { closeSync, constants, fchmodSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { digestOf, type Digest } from '../../base/digest.ts';
import { errnoOf, systemError } from '../../base/errors.ts';
import { waitingPath } from './add-task.ts';
import { seal } from './seal.ts';
import { isShared, makeFolder, objectMode } from './sharing.ts';
import type { LandResult } from './cache.ts';
import type { Control, LandTask } from './task.ts';

/** Folders that this thread has made. */
const made = new Set<string>();
const mostMade = 4096;

/** @throws PlumbError DISK_FULL, FILE_UNREADABLE */
export async function landObjects(task: LandTask, control: Control): Promise<LandResult> {
  const wrong: number[] = [];
  const files = new Map<string, number>();
  const shared = isShared(task.root);
  try {
    for (const [number, { digest, at, length, isWhole, pieces }] of task.objects.entries()) {
      control.throwIfAborted();
      const bytes = task.bytes.subarray(at, at + length);
      if (digestOf(bytes) !== digest) {
        wrong.push(number);
        continue;
      }
      for (const { path, offset } of pieces) {
        const file = files.get(path) ?? openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
        files.set(path, file);
        writeAll(file, bytes, offset);
      }
      if (isWhole) writeObject(task, shared, digest, bytes);
    }
    return { bytes: task.bytes, wrong };
  } catch (error) {
    throw systemError(error, 'write', task.root);
  } finally {
    for (const file of files.values()) closeSync(file);
  }
}

function writeObject({ root, session }: LandTask, shared: boolean, digest: Digest, bytes: Uint8Array): void {
  const path = waitingPath(session, digest);
  const folder = dirname(path);
  if (!made.has(folder)) {
    makeFolder(root, folder);
    if (made.size >= mostMade) made.clear();
    made.add(folder);
  }
  let file: number;
  try {
    file = openSync(path, 'wx', objectMode);
  } catch (error) {
    // the same bytes came twice
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  try {
    writeAll(file, bytes, 0);
    if (shared) fchmodSync(file, objectMode);
    seal(file, digest, fstatSync(file));
  } catch (error) {
    // what waits under its digest is whole
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, offset + done);
}
