// What a check remembers of the versions that it has seen, so that the next one costs what changed. Of this machine only, and disposable: what does not
// read as it was written is as good as not there, and a check says the same with and without.
//
//   <folder>/<check>/<content>: "PLCHECK1", u32 length of the head, head: JSON of the version (and of `parts`, where there are blocks), with spaces up to a
//   multiple of 8 bytes of the file, so that numbers are read where they stand; the check's own bytes, the first 16 bytes of the SHA-256 of each block,
//   SHA-256 of all before; the blocks
//
// Blocks are what a check looks up little of: each is read, and held against its digest, when something in it is asked for.
import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf, isDigest, type Digest } from '../base/digest.ts';
import type { JsonValue } from '../base/schema.ts';
import type { RowFormat } from '../datasets/schema.ts';

/** A version of rows, said so that it can be found again. */
export interface RememberedVersion {
  /** of the file */
  readonly content: Digest;
  readonly format: RowFormat;
  readonly key: string | null;
  readonly label: string | null;
  /** null: none is known, and what changed is found by reading all rows */
  readonly tree: { readonly root: Digest; readonly rows: number; readonly schema: Readonly<Record<string, string>> } | null;
}

export interface RememberedState {
  readonly version: RememberedVersion;
  readonly state: Buffer;
  /** as long as the loop over what is recalled has not gone on */
  readonly blocks: Blocks;
}

/** What was kept in blocks, to be read here and there. */
export interface Blocks {
  readonly bytes: number;
  /** The block of that number, from 0; the last one may be shorter than others. Asking in rising order costs least. @throws TornMemory: it is not what was kept */
  read(block: number): Buffer;
}

/** A file that was changed after it was opened, or whose blocks were: it is as good as not there. */
export class TornMemory extends Error {
  override readonly name = 'TornMemory';
}

/** Entries of 20 bytes do not cross the ends of blocks. */
export const blockBytes = 4000;

export interface CheckMemory {
  /** What `check` found in earlier versions, the last one first. Each is read when it is asked for; what does not read is left out. */
  recall(check: Digest): AsyncGenerator<RememberedState>;
  /** Failing to keep is no failure. @param blocks what is looked up here and there */
  keep(check: Digest, version: RememberedVersion, state: Uint8Array, blocks?: Uint8Array): Promise<void>;
}

/** @param asked all that a state depends on, beside the rows: name and version of the check, its arguments, the texts of its rules, the name of the data */
export function checkDigest(asked: JsonValue): Digest {
  return digestOf(canonicalJson(asked));
}

export const noMemory: CheckMemory = {
  async *recall() {
    // nothing is remembered
  },
  keep: async () => undefined,
};

/** Where the checks of a project remember. */
export function memoryFolder(cacheDir: string): string {
  return join(cacheDir, 'checks');
}

const magic = Buffer.from('PLCHECK1');
/** Versions of one check: those of a main branch and of some pull requests. */
const mostVersions = 4;

/** @param folder absolute; made when something is kept; recalls: false: nothing that lies there is read; onRecall: told of each state that is */
export function openMemory(
  folder: string,
  { recalls, onRecall }: { readonly recalls: boolean; readonly onRecall?: (() => void) | undefined } = { recalls: true },
): CheckMemory {
  const folderOf = (check: Digest): string => join(folder, hexOf(check).slice(0, 32));
  return {
    async *recall(check) {
      if (!recalls) return;
      for (const path of await newestFirst(folderOf(check))) {
        const file = openState(path);
        if (file === null) continue;
        try {
          if (file.found === null) continue;
          onRecall?.();
          yield file.found;
        } finally {
          closeSync(file.handle);
        }
      }
    },
    async keep(check, version, state, blocks = new Uint8Array()) {
      const path = join(folderOf(check), hexOf(version.content));
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFileAtomic(path, stateFile(version, state, blocks));
        for (const old of (await newestFirst(dirname(path))).slice(mostVersions)) await rm(old, { force: true });
      } catch {
        // a full disk or a read-only cache makes the next run slower, and nothing else
      }
    },
  };
}

async function newestFirst(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const dated = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), at: (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  return dated.toSorted((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1)).map(({ path }) => path);
}

const nameBytes = 16;

function stateFile(version: RememberedVersion, state: Uint8Array, blocks: Uint8Array): Buffer {
  const said = JSON.stringify(blocks.length === 0 ? version : { ...version, parts: { state: state.length, blocks: blocks.length } });
  const size = magic.length + 4 + Buffer.byteLength(said);
  const head = Buffer.from(`${said}${' '.repeat(-size & 7)}`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const names: Buffer[] = [];
  for (let start = 0; start < blocks.length; start += blockBytes) names.push(nameOf(blocks.subarray(start, start + blockBytes)));
  const body = Buffer.concat([magic, length, head, state, ...names]);
  return Buffer.concat([body, hash('sha256', body, 'buffer'), blocks]);
}

function nameOf(block: Uint8Array): Buffer {
  return hash('sha256', block, 'buffer').subarray(0, nameBytes);
}

/** @returns null: there is no file; found null: it is not what was kept */
function openState(path: string): { readonly handle: number; readonly found: RememberedState | null } | null {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return { handle, found: readState(handle) };
  } catch {
    return { handle, found: null };
  }
}

const firstBytes = 4096;

type Head = RememberedVersion & { readonly parts?: { readonly state: number; readonly blocks: number } };

/** @throws an Error of any kind: it is not what was kept */
function readState(handle: number): RememberedState | null {
  const { size } = fstatSync(handle);
  const first = readAt(handle, 0, Math.min(size, firstBytes));
  if (!first.subarray(0, magic.length).equals(magic)) return null;
  const end = magic.length + 4 + first.readUInt32LE(magic.length);
  if (end > size) return null;
  const { parts, ...version } = JSON.parse((end <= first.length ? first : readAt(handle, 0, end)).toString('utf8', magic.length + 4, end)) as Head;
  const { state, blocks } = parts ?? { state: size - end - 32, blocks: 0 };
  const names = end + state;
  const sum = names + Math.ceil(blocks / blockBytes) * nameBytes;
  if (sum + 32 + blocks !== size || !isDigest(version.content)) return null;
  const front = readAt(handle, 0, sum + 32);
  if (!hash('sha256', front.subarray(0, sum), 'buffer').equals(front.subarray(sum))) return null;
  return {
    version,
    state: front.subarray(end, names),
    blocks: blocksOf(handle, { start: sum + 32, bytes: blocks, names: front.subarray(names, sum) }),
  };
}

/** In one buffer of its own, so that what is aligned in the file is so in memory. */
function readAt(handle: number, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let filled = 0; filled < length;) {
    const read = readSync(handle, bytes, filled, length - filled, start + filled);
    if (read === 0) throw new TornMemory('it ends before its end');
    filled += read;
  }
  return bytes;
}

/** Blocks that are read at once: whoever asks in their order finds the next one there. */
const atOnce = 16;

function blocksOf(handle: number, { start, bytes, names }: { readonly start: number; readonly bytes: number; readonly names: Buffer }): Blocks {
  let span: { readonly first: number; readonly read: Buffer } = { first: -1, read: Buffer.alloc(0) };
  /** of the span, those that were held against their digests */
  let good = new Set<number>();
  return {
    bytes,
    read(block) {
      const first = block - (block % atOnce);
      if (span.first !== first) {
        const at = first * blockBytes;
        span = { first, read: readAt(handle, start + at, Math.min(atOnce * blockBytes, bytes - at)) };
        good = new Set();
      }
      const found = span.read.subarray((block - first) * blockBytes, (block - first + 1) * blockBytes);
      if (good.has(block)) return found;
      if (!nameOf(found).equals(names.subarray(block * nameBytes, (block + 1) * nameBytes))) throw new TornMemory('a block is not what was kept');
      good.add(block);
      return found;
    },
  };
}
