// Loaded before plumb by `node --import`: adds the peak of its memory, in KiB, to the file that PLUMB_TEST_PEAK names.
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['PLUMB_TEST_PEAK'];
// threads are counted with their process
if (file !== undefined && isMainThread) process.on('exit', () => appendFileSync(file, `${process.resourceUsage().maxRSS}\n`));
