// gc, fsck and du of remotes that are real servers: S3 (versitygw) and an OCI registry (distribution). The real plumb, as a child process.
import { randomBytes } from 'node:crypto';
import { writeFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newProject, type Repository } from '../plumb.ts';
import { startRegistry, startVersitygw } from './servers/servers.ts';

interface Place {
  readonly repository: Repository;
  plumb(...words: string[]): Promise<Record<string, unknown>>;
}

async function place(remote: string, env: Readonly<Record<string, string>>): Promise<Place> {
  const repository = await newProject({ 'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(remote)}\nrepository: story\n` });
  const program = join(import.meta.dirname, '../../bin/plumb.js');
  return {
    repository,
    async plumb(...words) {
      const ended = await repository.run([process.execPath, program, ...words, '--json'], env);
      if (ended.exit !== 0) throw new Error(`plumb ${words.join(' ')} ended with ${ended.exit}: ${ended.stdout}${ended.stderr}`);
      return JSON.parse(ended.stdout) as Record<string, unknown>;
    },
  };
}

async function version({ repository, plumb }: Place, bytes: number): Promise<void> {
  mkdirSync(join(repository.folder, 'images'), { recursive: true });
  writeFileSync(join(repository.folder, 'images/large.bin'), randomBytes(bytes));
  for (let at = 0; at < 50; at += 1) await repository.write(`images/${at}.txt`, `image ${at}`);
  await plumb('add', 'images');
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', 'data');
  await plumb('push');
}

/** Two versions; a branch goes, and the first with it; what is left is good, counted and comes back whole. */
async function story(here: Place, deleted: number): Promise<void> {
  const { repository, plumb } = here;
  await version(here, 9_000_000);
  await repository.git('branch', 'topic');
  await version(here, 1_000_000);
  expect(await plumb('fsck', '--remote')).toMatchObject({ faults: [], versions: 2 });
  const before = (await plumb('du', '--remote')) as { total: number };
  expect(await plumb('gc', '--remote', '--now')).toMatchObject({ plan: { versions: { goes: [] } }, done: null });
  await repository.git('branch', '-D', 'topic');
  expect(await plumb('gc', '--remote', '--yes')).toMatchObject({ done: { takenBack: 0 } });
  expect(await plumb('gc', '--remote', '--now', '--yes')).toMatchObject({ done: { takenBack: 1, deleted: { packs: deleted } } });
  expect(await plumb('fsck', '--remote')).toMatchObject({ faults: [], versions: 1 });
  const after = (await plumb('du', '--remote')) as { total: number };
  expect(after.total).toBeLessThan(before.total - 8_000_000 * Math.min(1, deleted));
  rmSync(join(repository.folder, '.plumb'), { recursive: true });
  rmSync(join(repository.folder, 'images'), { recursive: true });
  await plumb('pull');
  expect(await plumb('status', '--check')).toMatchObject({ datasets: [{ state: 'same', pushed: true }] });
}

test('S3', async () => {
  await using server = await startVersitygw({ buckets: ['data'] });
  const env = {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  await story(await place(`s3://data/team?endpoint=http://localhost:${server.port}&style=path`, env), 1);
});

test('a registry, which drops packs by itself', async () => {
  await using server = await startRegistry();
  await story(await place(`oci://127.0.0.1:${server.port}/team/data`, {}), 0);
});
