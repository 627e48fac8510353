// Files of rows that no project knows: nothing is remembered of them, and they have no tree.
import { silentProgress } from '../../src/base/progress.ts';
import type { CheckedRows, CheckWorld } from '../../src/quality/checked-rows.ts';
import { noMemory } from '../../src/quality/memory.ts';

export const bareWorld: CheckWorld = {
  memory: noMemory,
  readNode: () => Promise.reject(new Error('there is no tree')),
  pathOf: async () => null,
  progress: silentProgress,
  signal: new AbortController().signal,
};

export function bareRows(path: string, name: string): CheckedRows {
  return { source: { path, format: 'jsonl', name }, content: `sha256:${'0'.repeat(64)}` };
}
