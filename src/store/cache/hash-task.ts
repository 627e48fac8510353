// Digests of files of the work tree.
import { hashOpen, stampOf, untilSteady, withFile } from './steady.ts';
import type { Control, HashedFile, HashResult, HashTask } from './task.ts';

/** @throws PlumbError FILE_CHANGED, FILE_KIND, FILE_UNREADABLE */
export async function hashFiles(task: HashTask, control: Control): Promise<HashResult> {
  const files: (HashedFile | null)[] = [];
  for (const path of task.paths) {
    control.throwIfAborted();
    files.push(await untilSteady(path, () => hashOne(path, control)));
  }
  return { files };
}

function hashOne(path: string, control: Control): Promise<HashedFile | null | 'changed'> {
  return withFile(path, async (file) => {
    const digest = await hashOpen(file, path, control);
    return digest === null ? 'changed' : { digest, stamp: stampOf(file.facts) };
  });
}
