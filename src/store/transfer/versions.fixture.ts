// Versions of data for tests of the store: some objects, and one that names them all.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, type Digest } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import type { ObjectRef, PushRoot, TransferOptions } from '../store.ts';

export const options: TransferOptions = { progress: silentProgress, signal: new AbortController().signal };

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'plumb-store-'));
}

export interface Version extends PushRoot {
  readonly refs: readonly ObjectRef[];
  readonly contents: ReadonlyMap<Digest, Buffer>;
}

/**
 * A version of files: its root is a list of them, as a manifest is.
 * @param put where the bytes go; not called for those that shall be missing
 * @param before the version that it is made from, place by place
 */
export async function makeVersion(
  put: (bytes: Buffer) => Promise<Digest>,
  files: readonly (Buffer | string)[],
  how: { readonly before?: Version; readonly lines?: boolean; readonly optional?: boolean; readonly absent?: (at: number) => boolean } = {},
): Promise<Version> {
  const { before } = how;
  const contents = new Map<Digest, Buffer>();
  const refs: ObjectRef[] = [];
  for (const [at, file] of files.entries()) {
    const bytes = Buffer.from(file);
    const digest = how.absent?.(at) === true ? digestOf(bytes) : await put(bytes);
    const like = before?.refs[at]?.digest;
    contents.set(digest, bytes);
    refs.push({ digest, bytes: bytes.length, role: 'data', ...(how.lines === true ? { lines: true } : {}), ...(like === undefined ? {} : { like }) });
  }
  const manifest = Buffer.from(JSON.stringify(refs));
  const digest = await put(manifest);
  contents.set(digest, manifest);
  refs.push({ digest, bytes: manifest.length, role: 'meta' });
  return {
    digest,
    bases: async () => (before === undefined ? [] : [before.digest, ...(await before.bases())]),
    refs,
    contents,
    ...(how.optional === true ? { optional: true } : {}),
    async *objects() {
      yield* refs;
    },
  };
}
