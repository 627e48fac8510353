// Both sides of a copy are under way at once: either may fail while the other is waited for.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pump } from './pump.ts';

test('a write that fails while the next piece is being read is told to the caller, and to nobody else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-pump-'));
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.alloc(4 << 20));
    for (let round = 0; round < 30; round += 1) {
      const source = openSync(path, 'r');
      // not open for writing
      const sink = openSync(path, 'r');
      await expect(pump(source, sink, { throwIfAborted: () => undefined, told: () => undefined })).rejects.toMatchObject({ code: 'EBADF' });
      closeSync(source);
      closeSync(sink);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    rmSync(folder, { recursive: true });
  }
});
