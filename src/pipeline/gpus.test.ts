import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeGpus, visibleGpus } from './gpus.ts';

const text = `0, GPU-11aa22bb-0000-0000-0000-000000000000, NVIDIA H200, 143771 MiB, 570.86.15
1, GPU-33cc44dd-0000-0000-0000-000000000000, NVIDIA A10, 23028 MiB, 570.86.15
`;
const [first, second] = ['NVIDIA H200, 143771 MiB, driver 570.86.15', 'NVIDIA A10, 23028 MiB, driver 570.86.15'];

test('those that a stage sees, in its order', () => {
  expect(visibleGpus(text, undefined)).toEqual([first, second]);
  expect(visibleGpus(text, '1')).toEqual([second]);
  expect(visibleGpus(text, '1, 0')).toEqual([second, first]);
  expect(visibleGpus(text, 'GPU-33cc')).toEqual([second]);
  expect(visibleGpus(text, '0,-1,1')).toEqual([first]);
  for (const none of ['', '-1', '2', 'NoDevFiles', 'GPU-']) expect(visibleGpus(text, none)).toEqual([]);
});

test('a text that is no table has none', () => {
  for (const other of ['', '\n', 'NVIDIA-SMI has failed because it could not communicate with the driver', 'a,b'])
    expect(visibleGpus(other, undefined)).toEqual([]);
});

test('a machine without the program, or whose program fails, has none to tell of', async () => {
  expect(await describeGpus({ PATH: '/nowhere' })).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), 'plumb-smi-'));
  const program = (body: string): void => {
    writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, 'nvidia-smi'), 0o755);
  };
  program('echo Failed; exit 9');
  expect(await describeGpus({ PATH: `${folder}:/bin:/usr/bin` })).toEqual([]);
  program(`printf '%s' '${text}'`);
  expect(await describeGpus({ PATH: `${folder}:/bin:/usr/bin`, CUDA_VISIBLE_DEVICES: '1' })).toEqual([second]);
  rmSync(folder, { recursive: true });
});
