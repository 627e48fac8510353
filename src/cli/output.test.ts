import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));

test.skipIf(!existsSync('/dev/full'))('output that does not fit on the disk is told in a sentence, and is no mistake of ours', async () => {
  const { code, stderr } = await new Promise<{ code: number | string | null | undefined; stderr: string }>((resolve) => {
    execFile('/bin/sh', ['-c', '"$0" "$1" audit --help > /dev/full', process.execPath, program], (error, _stdout, said) =>
      resolve({ code: error?.code, stderr: said }),
    );
  });
  expect(stderr).toMatch(/^plumb: cannot write standard output: no space is left[^]*\[DISK_FULL\]\n$/);
  expect(code).toBe(6);
});
