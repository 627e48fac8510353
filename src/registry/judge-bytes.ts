// Can everybody fetch what the pointers name? A version is in the remote when its receipt is: that of a run stands for all that the run wrote, the model
// file among it. Who serves the model hashes it again. What is small enough is opened, too: a pickle is no model (quality/base-model.ts).
import { readFile, stat } from 'node:fs/promises';
import { shortDigest, type Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { ModelTreeStore } from '../quality/base-model-tree.ts';
import { pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import { checkModelFiles } from './model-files.ts';
import type { MovedPointer } from './move-change.ts';
import type { MoveStore } from './move-input.ts';
import { oneLine } from './one-line.ts';

/** Files up to this size are fetched and looked at before they are promoted; of larger ones the remote is asked. */
const readBytes = 64 << 20;

export async function judgeBytes(promoted: readonly MovedPointer[], store: MoveStore): Promise<Point> {
  const names = new Map<Digest, string>();
  for (const { pointer, evidence } of promoted) {
    for (const [run, record] of evidence?.runs ?? []) names.set(run, `the run ${shortDigest(run)} (stage ${oneLine(record.stage, 80)})`);
    for (const [name, digest] of Object.entries(pointer?.data ?? {})) names.set(digest, `the data set ${oneLine(name, 80)} (${shortDigest(digest)})`);
  }
  const there = await store.hasBytes([...names.keys()]);
  const faults: Fault[] = [];
  for (const [digest, name] of names) {
    const has = there.get(digest) ?? 'unknown';
    if (has === false) faults.push({ what: `${name} is not in the remote with all that belongs to it: run \`plumb push\` where it is` });
    if (has === 'unknown') faults.push({ what: `the remote does not say whether it has ${name}`, unknown: true });
  }
  let large = 0;
  for (const moved of promoted) {
    const found = await modelFaults(moved, store);
    faults.push(...found.faults);
    large += found.large;
  }
  const passed = large === 0 ? '' : `; ${large} larger than ${readBytes >> 20} MiB not opened`;
  return pointOf('bytes', faults, `the remote has the model and all that it was made of (${names.size} versions)${passed}`);
}

/** @returns large: files that nobody opened */
async function modelFaults({ pointer, evidence }: MovedPointer, store: MoveStore): Promise<{ readonly faults: Fault[]; readonly large: number }> {
  if (pointer === null) return { faults: [], large: 0 };
  const { digest, bytes, format } = pointer.artifact;
  if (format !== 'folder' && bytes <= readBytes) {
    const found = await store.pathOf(digest, [pointer.run]);
    if ('why' in found)
      return { faults: [{ what: `the model file ${shortDigest(digest)} cannot be had: ${found.why}`, unknown: found.unknown }], large: 0 };
    const { size } = await stat(found.path);
    if (size !== bytes) return { faults: [{ what: `the model file ${shortDigest(digest)} has ${size} bytes; the pointer says ${bytes}` }], large: 0 };
  }
  const runs = evidence?.runs ?? new Map();
  try {
    const large = await checkModelFiles({ ...pointer, records: runs }, treeStore(store, [...runs.keys(), ...Object.values(pointer.data)]), readBytes);
    return { faults: [], large };
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    return { faults: [{ what: oneLine(error.message, 400), unknown: error.code === 'REMOTE_FAILED' }], large: 0 };
  }
}

/** @param within versions that the objects belong to */
function treeStore(store: MoveStore, within: readonly Digest[]): ModelTreeStore {
  const pathOf = async (digest: Digest): Promise<string> => {
    const found = await store.pathOf(digest, within);
    if ('path' in found) return found.path;
    throw new PlumbError(found.unknown ? 'REMOTE_FAILED' : 'BYTES_MISSING', {
      what: `the file ${shortDigest(digest)} of the model cannot be had: ${found.why}`,
      mend: 'run `plumb push` where it is',
    });
  };
  return { pathOf, readBytes: async (digest) => readFile(await pathOf(digest)), remember: () => undefined };
}
