// Versions of rows in files of a folder of their own, with the trees that an add would leave; for tests of what compares texts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, digestOfFile, type Digest } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import { scanRows } from '../../datasets/row-scan.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { noMemory, openMemory, type CheckMemory } from '../memory.ts';

export interface Versions {
  readonly folder: string;
  versionOf(rows: readonly object[], columns?: { readonly key?: string; readonly label?: string; readonly name?: string }): Promise<CheckedRows>;
  worldOf(memory?: CheckMemory): CheckWorld;
  /** a memory of its own, which counts what was recalled */
  newMemory(): CheckMemory & { readonly recalled: () => number };
  end(): Promise<void>;
}

export async function openVersions(): Promise<Versions> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-versions-'));
  const nodes = new Map<Digest, Uint8Array>();
  const paths = new Map<Digest, string>();
  let files = 0;
  const keepNode = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    nodes.set(digest, bytes.slice());
    return digest;
  };
  return {
    folder,
    async versionOf(rows, { name = 'rows', ...columns } = {}) {
      const path = join(folder, `${(files += 1)}.jsonl`);
      await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      const [key, label] = [columns.key ?? null, columns.label ?? null];
      const scan = await scanRows(path, { format: 'jsonl', key, label, known: async () => null, keepNode });
      const { digest: content } = await digestOfFile(path);
      paths.set(content, path);
      // rows that no add takes have none
      const tree = scan === null ? {} : { tree: { root: scan.tree.root, rows: scan.rows, schema: scan.schema, key, label, labels: null } };
      return { source: { path, format: 'jsonl', name, ...columns, ...tree }, content };
    },
    worldOf: (memory = noMemory) => ({
      memory,
      readNode: async (digest) => nodes.get(digest) as Uint8Array,
      pathOf: async (content) => paths.get(content) ?? null,
      progress: silentProgress,
      signal: new AbortController().signal,
    }),
    newMemory() {
      const memory = openMemory(join(folder, `memory-${(files += 1)}`));
      let recalled = 0;
      return {
        async *recall(check) {
          for await (const state of memory.recall(check)) {
            recalled += 1;
            yield state;
          }
        },
        keep: (check, version, state) => memory.keep(check, version, state),
        recalled: () => recalled,
      };
    },
    end: () => rm(folder, { recursive: true }),
  };
}
