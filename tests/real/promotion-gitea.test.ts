// Promotion and rollback by pull request at a real Gitea: what its API and its git say of pushes, reviews and statuses, with the commands that people type.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestProject } from '../project.ts';
import { longer, makeTemplate } from '../pull-scene.ts';
import { startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';

let gitea: GiteaServer;
let project: TestProject;
beforeAll(async () => {
  [gitea, project] = await Promise.all([startGitea(), makeTemplate()]);
}, 600_000);
afterAll(async () => {
  await gitea?.stop();
  project?.[Symbol.dispose]();
});

interface Said {
  readonly commit: string;
  readonly pull: { readonly number: number; readonly state: string };
  readonly holds: boolean;
  readonly fast: boolean;
  readonly points: readonly { readonly point: string; readonly holds: unknown; readonly why: string }[];
  readonly told: { readonly status: string; readonly comment: string } | null;
}

test('refused without approval, merged with it, and back by the fast lane without one', async () => {
  const owner = await gitea.newUser('owner');
  const bob = await gitea.newUser('bob');
  const alice = await gitea.newUser('alice');
  await gitea.ask(owner, 'POST', '/user/repos', { name: 'r', private: true, default_branch: 'main' });
  for (const { login } of [bob, alice]) await gitea.ask(owner, 'PUT', `/repos/owner/r/collaborators/${login}`, { permission: 'write' });
  project.git('remote', 'add', 'origin', gitea.cloneUrl(owner, 'owner/r'));
  project.write('plumbline.yaml', project.read('plumbline.yaml').replace('kind: github', 'kind: gitea'));
  project.git('commit', '-qam', 'the forge');
  project.git('push', '-q', 'origin', 'main');
  project.git('remote', 'set-url', 'origin', gitea.cloneUrl(owner, 'owner/r').replace(/\/\/[^@]*@/, '//'));
  const plumb = async (as: GiteaUser, ...words: string[]): Promise<Said> => {
    const { json, stdout, stderr } = await project.plumb(words, { env: { PLUMB_FORGE_TOKEN: as.token } });
    expect(stdout + stderr).not.toContain(as.token);
    if (json['error'] !== undefined) throw new Error(JSON.stringify(json['error']));
    return json as unknown as Said;
  };
  // only who administers may ask who may approve
  const check = (number: number): Promise<Said> => plumb(owner, 'ci', 'check-promotion', '--pull', `${number}`, '--status', '--author', 'owner');
  const mergeHere = async (number: number): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      const merged = await gitea.ask(owner, 'POST', `/repos/owner/r/pulls/${number}/merge`, { Do: 'merge' }).then(
        () => true,
        (error: unknown) => (tries > 40 ? Promise.reject(error as Error) : false),
      );
      if (merged) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    project.git('pull', '-q', '--ff-only', gitea.cloneUrl(owner, 'owner/r'), 'main');
  };

  const opened = await plumb(alice, 'promote', 'topics', '--to', 'production', '--pr');
  expect(opened.pull).toMatchObject({ number: 1, state: 'opened' });
  const before = await check(1);
  expect(before.points.filter(({ holds }) => holds !== true).map(({ point, why }) => `${point}: ${why}`)).toEqual([
    expect.stringMatching(/^approvals: /),
  ]);
  expect(before.told).toMatchObject({ status: 'pending' });
  await gitea.ask(bob, 'POST', '/repos/owner/r/pulls/1/reviews', { event: 'APPROVED', commit_id: opened.commit, body: 'good' });
  const after = await check(1);
  expect(after.points.filter(({ holds }) => holds !== true)).toEqual([]);
  expect(after.told).toMatchObject({ status: 'success', comment: before.told?.comment });
  await mergeHere(1);
  const good = project.read('models/topics/production.json');

  project.write('params.yaml', longer);
  project.git('commit', '-qam', 'longer');
  project.git('push', '-q', gitea.cloneUrl(owner, 'owner/r'), 'main');
  const second = await plumb(alice, 'promote', 'topics', '--to', 'production', '--pr');
  expect(await plumb(alice, 'promote', 'topics', '--to', 'production', '--pr')).toMatchObject({
    commit: second.commit,
    pull: { state: 'unchanged' },
  });
  await mergeHere(second.pull.number);
  expect(project.read('models/topics/production.json')).not.toBe(good);
  const back = await plumb(alice, 'rollback', 'topics', '--pr', '--reason', 'slow');
  expect(await check(back.pull.number)).toMatchObject({ holds: true, fast: true, told: { status: 'success' } });
  await mergeHere(back.pull.number);
  expect(project.read('models/topics/production.json')).toBe(good);
}, 180_000);
