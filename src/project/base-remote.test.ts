// A branch that would lead the job's credentials to a server of its own choice, with a real one that writes down who asks it for what.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestProject } from '../../tests/project.ts';
import { openProject } from './open.ts';

interface Listener {
  readonly server: Server;
  readonly url: string;
  readonly heard: string[];
}

async function listen(): Promise<Listener> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers.authorization ?? 'nobody');
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/store` };
}

let [ours, theirs]: Listener[] = [];
let project: TestProject;
beforeEach(async () => {
  [ours, theirs] = [await listen(), await listen()];
  project = TestProject.create();
  project.write('plumbline.yaml', `version: 1\nremote: ${ours.url}\n`);
  project.git('commit', '-qam', 'a remote');
  project.git('checkout', '-qb', 'topic');
});
afterEach(async () => {
  project[Symbol.dispose]();
  for (const one of [ours, theirs]) await new Promise((resolve) => one?.server.close(resolve));
});

const token = 'the-token-of-the-job';
const pull = { CI: 'true', PLUMB_RUN_DOMAIN: 'pull-7', PLUMB_HTTP_TOKEN: token };
const digest = `sha256:${'0'.repeat(64)}` as const;

async function ask(env: Record<string, string>): Promise<string> {
  const { store } = await openProject({ cwd: project.root, env: { ...project.env, ...env } });
  return store.readBytes(digest).then(
    () => 'read',
    (error: { code: string }) => error.code,
  );
}

test.each(['pull-7', 'fork-7'])('T21: in a job of %s the credentials go to the remote of the base, whatever the branch names', async (domain) => {
  project.write('plumbline.yaml', `version: 1\nremote: ${theirs?.url}\nuntrusted: ${theirs?.url}\nmain: topic\n`);
  project.git('commit', '-qam', 'another remote');
  const env = { ...pull, PLUMB_RUN_DOMAIN: domain, GITHUB_BASE_REF: 'main' };
  // of a fork, what is read first is what forks keep: an address of the base, too
  await ask(env);
  expect(theirs?.heard).toEqual([]);
  if (domain === 'pull-7') expect(new Set(ours?.heard)).toEqual(new Set([`Bearer ${token}`]));
});

test('T21: where the base names no remote, or is not there, the one of the branch is not asked', async () => {
  project.git('checkout', '-q', 'main');
  project.write('plumbline.yaml', 'version: 1\n');
  project.git('commit', '-qam', 'no remote');
  project.git('checkout', '-q', 'topic');
  project.write('plumbline.yaml', `version: 1\nremote: ${theirs?.url}\n`);
  expect(await ask({ ...pull, GITHUB_BASE_REF: 'main' })).toBe('REMOTE_OF_BRANCH');
  project.git('branch', '-qD', 'main');
  expect(await ask({ ...pull, GITHUB_BASE_REF: 'main' })).toBe('REMOTE_OF_BRANCH');
  expect([ours?.heard, theirs?.heard]).toEqual([[], []]);
});

test('on a laptop, and in jobs of the main branch, the remote is the one of the work tree', async () => {
  project.write('plumbline.yaml', `version: 1\nremote: ${theirs?.url}\n`);
  await ask({ PLUMB_HTTP_TOKEN: token });
  await ask({ ...pull, PLUMB_RUN_DOMAIN: 'trusted' });
  expect(theirs?.heard.length).toBeGreaterThan(1);
  expect(ours?.heard).toEqual([]);
});
