// From a push to a model that answers, by one process of ours: `plumb serve --webhook --reconcile` hears of the push, judges it, records it and serves it. Real
// git over HTTP from the stand-in of GitHub, real keys, a real model.
import { spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { publicText } from '../src/pipeline/attestation.ts';
import type { GitHubApi } from './github-api/api.ts';
import { startGitHub } from './github-api/start.ts';
import { newFolder, type Ended, type Repository } from './plumb.ts';
import { twoModels, type TwoModels } from './two-models.ts';

const program = join(import.meta.dirname, '../bin/plumb.js');
const alice = 'github_pat_OfAlice0123456789';
const secret = 'a secret of thirty-two bytes, hm';
const { privateKey } = generateKeyPairSync('ed25519');
const policy = `
version: 1
models:
  topics: { production: { gate: default } }
gates:
  default:
    - { metric: accuracy, at_least: 0.2 }
audit: { keys: [{ name: server, public: ${publicText(privateKey)} }] }
`;

let github: GitHubApi;
beforeEach(async () => {
  github = await startGitHub({ token: alice, login: 'alice', git: true });
  Object.assign(github.permissions, { alice: 'admin' });
});
afterEach(() => github.close());

const env = (): Record<string, string> => ({
  PLUMB_FORGE_TOKEN: alice,
  PLUMB_AUDIT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  PLUMB_WEBHOOK_SECRET: secret,
  GITHUB_ACTIONS: '',
  GITHUB_TOKEN: '',
  CI: '',
});

const header = `http.extraheader=Authorization: Basic ${Buffer.from(`x:${alice}`).toString('base64')}`;
const push = (repository: Repository, commit = 'HEAD'): Promise<string> =>
  repository.git('-c', header, 'push', '-q', 'origin', `${commit}:refs/heads/main`);

/** The log begins with the first model; the second is on main as if there were no forge to ask. */
async function team(): Promise<TwoModels> {
  const remote = join(await newFolder(), 'store');
  const models = await twoModels({
    'policy.yaml': policy,
    'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(remote)}\nforge: { kind: github }\n`,
  });
  await models.repository.git('remote', 'add', 'origin', `${github.serverUrl}/o/r.git`);
  const reconcile = async (...words: string[]): Promise<void> => {
    const { exit, stdout, stderr } = await models.repository.run([process.execPath, program, 'reconcile', '--json', ...words], env());
    if (exit !== 0) throw new Error(`${words.join(' ')}: ${stdout.slice(-1500)}${stderr}`);
  };
  await push(models.repository, 'HEAD~2');
  await reconcile('--start');
  await push(models.repository);
  await reconcile('--offline');
  return models;
}

interface Server {
  readonly url: string;
  readonly said: () => string;
  ask(): Promise<string>;
  hint(): Promise<number>;
}

/** In a clone of its own, as a deployment has it. */
async function serve(repository: Repository, ...words: string[]): Promise<Server> {
  const clone = join(await newFolder(), 'clone');
  await repository.git('-c', header, 'clone', '-q', '--mirror', `${github.serverUrl}/o/r.git`, clone);
  const child = spawn(process.execPath, [program, '-C', clone, 'serve', '--port', '0', '--json', ...words], {
    env: { ...process.env, ...env() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => (said += piece));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    said: () => said,
    async ask() {
      const answer = await fetch(`${url}/v1/models/topics/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"text":"x"}',
      });
      const body = (await answer.json()) as { model?: { digest: string }; error?: { code: string } };
      return body.model?.digest ?? body.error?.code ?? '';
    },
    async hint() {
      const body = JSON.stringify({ id: randomUUID() });
      const answer = await fetch(`${url}/hooks/forge`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
        body,
      });
      await answer.arrayBuffer();
      return answer.status;
    },
  };
}

/** As its button does it. */
async function merge(pull: number): Promise<void> {
  const answer = await fetch(`${github.url}/repos/o/r/pulls/${pull}/merge`, {
    method: 'PUT',
    headers: { accept: 'application/vnd.github+json', authorization: `token ${alice}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sha: github.pulls.find(({ number }) => number === pull)?.head, merge_method: 'merge' }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

test('plumb rollback --pr, merged, is judged, recorded and served by one server; plumb revoke --pr takes the model out of it', async () => {
  const { repository, before, current } = await team();
  const server = await serve(repository, '--webhook', '--reconcile');
  await expect.poll(server.ask).toBe(current);
  const plumb = (...words: string[]): Promise<Ended> => repository.run([process.execPath, program, ...words], env());

  expect((await plumb('rollback', 'topics', '--pr', '--reason', 'slow')).exit).toBe(0);
  await merge(1);
  expect(await server.hint()).toBe(202);
  await expect.poll(server.ask).toBe(before);

  expect((await plumb('revoke', 'topics', before.slice(7, 19), '--pr', '--reason', 'bad rows')).exit).toBe(0);
  await merge(2);
  await server.hint();
  // first by the revocation alone, then by the record of it, with which the pointer went
  await expect.poll(server.ask).toMatch(/^MODEL_(REVOKED|UNKNOWN)$/);
  await expect.poll(server.ask).toBe('MODEL_UNKNOWN');
  expect(server.said()).toContain('"event":"revoked"');
  expect(server.said()).not.toContain(secret);
  expect(server.said()).not.toContain(alice);
}, 120_000);
