// Loaded before each file of tests: what that leaves where the system keeps temporary files lies in one folder, which goes when the file is done.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A process that runs several files begins each in the same place. */
const place = (process.env['PLUMB_TEST_TMP'] ??= tmpdir());
// what Node has compiled is worth keeping
process.env['NODE_COMPILE_CACHE'] ??= join(place, 'plumb-test-compile-cache');
const folder = mkdtempSync(join(place, 'plumb-tests-'));
// some tests are other users for a moment
chmodSync(folder, 0o1777);
for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = folder;

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
