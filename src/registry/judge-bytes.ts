// Can everybody fetch what the pointers name? A version is in the remote when its receipt is: that of a run stands for all that the run wrote, the model
// file among it. Who serves the model hashes it again.
import { stat } from 'node:fs/promises';
import { shortDigest, type Digest } from '../base/digest.ts';
import { pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { MoveStore } from './move-input.ts';
import { oneLine } from './one-line.ts';

/** Model files up to this size are fetched and hashed before they are promoted; of larger ones the remote is asked. */
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
  for (const moved of promoted) faults.push(...(await modelFaults(moved, store)));
  return pointOf('bytes', faults, `the remote has the model and all that it was made of (${names.size} versions)`);
}

async function modelFaults({ pointer }: MovedPointer, store: MoveStore): Promise<Fault[]> {
  if (pointer === null || pointer.artifact.bytes > readBytes) return [];
  const { digest, bytes } = pointer.artifact;
  const found = await store.pathOf(digest, [pointer.run]);
  if ('why' in found) return [{ what: `the model file ${shortDigest(digest)} cannot be had: ${found.why}`, unknown: found.unknown }];
  const { size } = await stat(found.path);
  return size === bytes ? [] : [{ what: `the model file ${shortDigest(digest)} has ${size} bytes; the pointer says ${bytes}` }];
}
