// A power cut cannot be made here. What makes it harmless is an order, and that can be seen: what has a name was flushed to the disk before it got it.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filesBelow, TestProject } from './project.ts';

test.runIf(process.platform === 'linux')(
  'objects are flushed before they are seen, and the lock is written when they have their places',
  async () => {
    using project = TestProject.create({ '.gitignore': '.plumb/\n/data/\n' });
    const tools = project.path('../tools');
    mkdirSync(tools);
    const log = project.path('../flushes');
    const count = (what: string): string => `$(find "$2/${what}" -type f 2>/dev/null | wc -l)`;
    // in the place of sync(1): what is there when it is called, and whether it succeeded
    writeFileSync(
      `${tools}/sync`,
      `#!/bin/sh\nset -e\ncounts="${count('tmp')} ${count('objects')} ${count('packs')} $(test -e ${project.path('datasets.lock')} && echo locked || echo open)"\nPATH=/usr/bin:/bin sync "$@"\necho "$1 $counts" >> ${log}\n`,
    );
    chmodSync(`${tools}/sync`, 0o755);
    mkdirSync(project.path('data/files'), { recursive: true });
    for (let at = 0; at < 40; at += 1) project.write(`data/files/${at}`, `${at} `.repeat(at < 20 ? 10 : 10_000));
    const answer = await project.plumb(['add', 'data/files'], { env: { PATH: `${tools}:${process.env['PATH']}`, PLUMB_LINK: 'copy' } });
    expect(answer).toMatchObject({ exit: 0, code: undefined });
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    const cache = project.path('.plumb/cache');
    const [large, packs] = [filesBelow(`${cache}/objects`).length, filesBelow(`${cache}/packs`).length];
    expect([large, packs]).toEqual([20, 1]);
    // all of it waits, and nothing is seen; then all has its place, and nobody names it yet
    expect(calls[0]).toBe('-f 21 0 0 open');
    expect(calls.at(-1)).toBe('-f 0 20 1 open');
  },
);
