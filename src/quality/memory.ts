// What a check remembers of the versions that it has seen, so that the next one costs what changed. Of this machine only, and disposable: what does not
// read as it was written is as good as not there, and a check says the same with and without.
//
//   <folder>/<check>/<content>: "PLCHECK1", u32 length of the head, head: JSON of the version, with spaces up to a multiple of 8 bytes of the file, so that
//   numbers are read where they stand; the check's own bytes, SHA-256 of all before
import { hash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
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
}

export interface CheckMemory {
  /** What `check` found in earlier versions, the last one first. Each is read when it is asked for; what does not read is left out. */
  recall(check: Digest): AsyncGenerator<RememberedState>;
  /** Failing to keep is no failure. */
  keep(check: Digest, version: RememberedVersion, state: Uint8Array): Promise<void>;
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
        const found = parseState(await readFile(path).catch(() => null));
        if (found === null) continue;
        onRecall?.();
        yield found;
      }
    },
    async keep(check, version, state) {
      const path = join(folderOf(check), hexOf(version.content));
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFileAtomic(path, stateFile(version, state));
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

function stateFile(version: RememberedVersion, state: Uint8Array): Buffer {
  const said = JSON.stringify(version);
  const size = magic.length + 4 + Buffer.byteLength(said);
  const head = Buffer.from(`${said}${' '.repeat(-size & 7)}`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const body = Buffer.concat([magic, length, head, state]);
  return Buffer.concat([body, hash('sha256', body, 'buffer')]);
}

function parseState(bytes: Buffer | null): RememberedState | null {
  if (bytes === null || bytes.length < magic.length + 36 || !bytes.subarray(0, magic.length).equals(magic)) return null;
  const body = bytes.subarray(0, -32);
  if (!hash('sha256', body, 'buffer').equals(bytes.subarray(-32))) return null;
  const end = magic.length + 4 + body.readUInt32LE(magic.length);
  try {
    const version = JSON.parse(body.toString('utf8', magic.length + 4, end)) as RememberedVersion;
    return isDigest(version.content) ? { version, state: body.subarray(end) } : null;
  } catch {
    return null;
  }
}
