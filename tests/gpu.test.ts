// A stage that wants a graphics processor gets the ones that whoever started plumb left it, and its record says which.
import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TestProject } from './project.ts';

const pipeline = `
stages:
  train:
    cmd: echo "$CUDA_VISIBLE_DEVICES" > out/seen.txt
    outs: [out/seen.txt]
    resources: { gpus: 1 }
  pinned:
    cmd: echo "$CUDA_VISIBLE_DEVICES" > out/pinned.txt
    outs: [out/pinned.txt]
    env: { CUDA_VISIBLE_DEVICES: '0' }
    resources: { gpus: 1 }
  plain:
    cmd: echo > out/plain.txt
    outs: [out/plain.txt]
`;
// what nvidia-smi prints for the columns that are asked for
const answer = '0, GPU-11aa, NVIDIA H200, 143771 MiB, 570.86.15\n1, GPU-22bb, NVIDIA A10, 23028 MiB, 570.86.15\n';

test('CUDA_VISIBLE_DEVICES is passed on as it is, and says which ones the record names', async () => {
  using project = TestProject.create({ 'pipeline.yaml': pipeline });
  project.write('out/bin/nvidia-smi', `#!/bin/sh\nprintf '${answer}'\n`);
  chmodSync(project.path('out/bin/nvidia-smi'), 0o755);
  const env = { PATH: `${project.path('out/bin')}:${project.env['PATH']}`, CUDA_VISIBLE_DEVICES: '1' };
  expect((await project.plumb(['run'], { env })).exit).toBe(0);
  expect([project.read('out/seen.txt'), project.read('out/pinned.txt')]).toEqual(['1\n', '0\n']);
  const gpusOf = async (stage: string): Promise<unknown> => {
    const { record } = (await project.done('runs', 'show', stage)) as { record: { environment: { gpus?: unknown } } };
    return record.environment.gpus;
  };
  expect(await gpusOf('train')).toEqual(['NVIDIA A10, 23028 MiB, driver 570.86.15']);
  expect(await gpusOf('pinned')).toEqual(['NVIDIA H200, 143771 MiB, driver 570.86.15']);
  expect(await gpusOf('plain')).toBeUndefined();
});
