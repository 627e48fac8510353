// A model is taken out for good: the real command, a server in a process of its own, the stand-in of GitHub.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { digestOfFile, type Digest } from '../src/base/digest.ts';
import { createTestbed, trainTinyModels, type Testbed } from '../src/serve/testbed.ts';
import { startGitHub } from './github-api/start.ts';
import { Repository } from './plumb.ts';

const program = join(import.meta.dirname, '../bin/plumb.js');

interface Place {
  readonly bed: Testbed;
  readonly project: Repository;
  readonly fruit: Digest;
  readonly colour: Digest;
}

/** Fruit was in production, colour is. */
async function place(): Promise<Place> {
  const models = await trainTinyModels();
  onTestFinished(() => models.remove());
  const bed = await createTestbed();
  onTestFinished(() => bed.remove());
  const put = async (path: string): Promise<Digest> => (await bed.store.putFile(path)).digest;
  const [fruit, colour] = [await put(models.fruit), await put(models.colour)];
  expect(fruit).toBe((await digestOfFile(models.fruit)).digest);
  await bed.promote(fruit);
  await bed.promote(colour);
  return { bed, project: new Repository(bed.root), fruit, colour };
}

interface Revoked {
  readonly commit: string | null;
  readonly digest: string;
  readonly moves: readonly { readonly to: string | null }[];
  readonly pull?: { readonly number: number; readonly state: string };
  readonly error?: { readonly code: string };
}

/** A server in a process of its own. @returns what the model says: its digest, or the code of an error */
async function server(bed: Testbed): Promise<() => Promise<string>> {
  const child = spawn(process.execPath, [program, '-C', bed.root, 'serve', '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { url } = JSON.parse((await lines.next()).value ?? '{}') as { url: string };
  child.stdout.resume();
  return async () => {
    const answer = await fetch(`${url}/v1/models/intents/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"x"}',
    });
    const said = (await answer.json()) as { model?: { digest: string }; error?: { code: string } };
    return said.model?.digest ?? said.error?.code ?? '';
  };
}

test('T17: plumb revoke takes the model out of a running server within seconds, and the one before answers', async () => {
  const { bed, project, fruit, colour } = await place();
  const ask = await server(bed);
  await expect.poll(ask).toBe(colour);
  expect((await project.plumb('revoke', 'intents', colour.slice(7, 19))).exit).toBe(2);
  const revoked = await project.json<Revoked>('revoke', 'intents', colour.slice(7, 19), '--reason', 'rows of a person who wants them gone');
  expect(revoked).toMatchObject({ digest: colour, moves: [{ stage: 'production', from: colour, to: fruit }] });
  await expect.poll(ask, { interval: 5 }).toBe(fruit);
  expect(await project.git('status', '--porcelain')).toBe('');
  // the one before has nothing before it: the stage is left without a model
  const last = await project.json<Revoked>('revoke', 'intents', fruit, '--reason', 'this one too');
  expect(last.moves).toMatchObject([{ from: fruit, to: null }]);
  await expect.poll(ask).toBe('MODEL_UNKNOWN');
  // whoever writes the pointer by hand gets nothing of it
  await bed.promote(colour);
  await expect.poll(ask).toBe('MODEL_REVOKED');
  await project.git('rm', '-rq', 'models/intents/revoked');
  await bed.commit({ 'notes.txt': 'x' }, 'as if it never happened');
  await bed.promote(fruit);
  await bed.promote(colour);
  expect(await ask()).toBe('MODEL_REVOKED');
});

test('nothing is changed where it cannot be: dirty files, an unknown digest; --no-commit leaves the commit to people', async () => {
  const { project, colour } = await place();
  const head = await project.git('rev-parse', 'HEAD');
  const revoke = (...words: string[]): Promise<Revoked> => project.json<Revoked>('revoke', 'intents', ...words, '--reason', 'bad');
  expect((await revoke('f'.repeat(64))).error?.code).toBe('MODEL_UNKNOWN');
  const pointer = await project.read('models/intents/production.json');
  await project.write('models/intents/production.json', '{}');
  expect((await revoke(colour)).error?.code).toBe('GIT_DIRTY');
  await project.write('models/intents/production.json', pointer);
  expect(await project.git('status', '--porcelain')).toBe('');
  expect(await revoke(colour, '--no-commit')).toMatchObject({ commit: null });
  expect(await project.git('rev-parse', 'HEAD')).toBe(head);
  expect((await project.git('status', '--porcelain')).split('\n')).toHaveLength(2);
});

test('plumb revoke --pr opens one pull request, the same again is the same, and nothing here changes', async () => {
  const token = 'github_pat_OfAlice0123456789';
  const github = await startGitHub({ token, login: 'alice', git: true });
  onTestFinished(() => github.close());
  Object.assign(github.permissions, { alice: 'write' });
  const { bed, project, fruit, colour } = await place();
  await bed.commit({ 'plumbline.yaml': 'version: 1\nforge: { kind: github }\n' }, 'at the forge');
  await project.git('remote', 'add', 'origin', `${github.serverUrl}/o/r.git`);
  const header = `http.extraheader=Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`;
  await project.git('-c', header, 'push', '-q', 'origin', 'HEAD:main');
  const before = await project.git('rev-parse', 'HEAD');
  const revoke = async (): Promise<Revoked> => {
    const ended = await project.run(
      [process.execPath, program, 'revoke', 'intents', colour.slice(7, 19), '--reason', 'a `bad` one', '--pr', '--json'],
      {
        PLUMB_FORGE_TOKEN: token,
        GITHUB_ACTIONS: '',
        GITHUB_TOKEN: '',
        CI: '',
      },
    );
    expect(ended.stdout + ended.stderr).not.toContain(token);
    return JSON.parse(ended.stdout) as Revoked;
  };
  const opened = await revoke();
  expect(opened).toMatchObject({ digest: colour, moves: [{ to: fruit }], pull: { number: 1, state: 'opened' } });
  expect((await revoke()).commit).toBe(opened.commit);
  expect(await revoke()).toMatchObject({ commit: opened.commit, pull: { number: 1, state: 'unchanged' } });
  expect(await project.git('rev-parse', 'HEAD')).toBe(before);
  expect((await project.git('show', '--format=', '--name-only', opened.commit ?? '')).split('\n')).toEqual([
    'models/intents/production.json',
    `models/intents/revoked/${colour.slice(7)}.json`,
  ]);
  expect(github.violations).toEqual([]);
}, 60_000);
