// The Gitea adapter against a real Gitea, with its own runner.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { forgeContract, type Change, type ForgeWorld } from '../../src/forge/forge.contract.ts';
import { openGitea } from '../../src/forge/gitea.ts';
import { newClone, type Clone } from '../forge-clone.ts';
import { startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';

const workflow = `
on:
  workflow_dispatch:
    inputs:
      pull: {}
jobs:
  show:
    runs-on: ubuntu-latest
    steps:
      - run: test "$PULL" = 'a "b" $c'
        env: { PULL: "\${{ inputs.pull }}" }
`;
const start = { kept: '0', gone: '0', 'old name': 'a line\n'.repeat(20), '.github/workflows/fork.yml': workflow };

let gitea: GiteaServer | undefined;
let clone: Clone | undefined;
/** who has the repository */
let owner: GiteaUser;
afterAll(async () => {
  await gitea?.stop();
  await clone?.[Symbol.asyncDispose]();
});

const world = {
  fetch: globalThis.fetch,
  pause: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  nowMs: () => Date.now(),
  random: () => 0.5,
};

async function makeWorld(): Promise<ForgeWorld> {
  const server = (gitea = await startGitea());
  const local = (clone = await newClone());
  const ask = server.ask;
  const [us, wim, rita]: [GiteaUser, GiteaUser, GiteaUser] = [await server.newUser('us'), await server.newUser('wim'), await server.newUser('rita')];
  owner = us;
  await server.newUser('sam');
  await ask(us, 'POST', '/user/repos', { name: 'r', private: true, default_branch: 'main' });
  await ask(us, 'PUT', '/repos/us/r/collaborators/wim', { permission: 'write' });
  await ask(us, 'PUT', '/repos/us/r/collaborators/rita', { permission: 'read' });
  await local.commit('start', start);
  await local.git('push', '-q', server.cloneUrl(us, 'us/r'), 'main');
  await ask(rita, 'POST', '/repos/us/r/forks', {});

  /** Asked again while the server does not know of a push yet. */
  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (tries > 200) throw error;
        await world.pause(100);
      }
    }
  }
  const addressOf = (who: GiteaUser, fork = false): string => server.cloneUrl(who, fork ? 'rita/r' : 'us/r');
  async function fresh(branch: string): Promise<void> {
    await local.git('fetch', '-q', addressOf(us), 'main');
    await local.branch(branch, 'FETCH_HEAD');
  }
  async function push(branch: string, change: Change, fork = false): Promise<string> {
    await local.branch(branch);
    const commit = await local.commit(branch, change);
    await local.git('push', '-q', addressOf(fork ? rita : wim, fork), branch);
    await isKnown(fork ? rita : us, branch, commit, fork);
    return commit;
  }
  async function isKnown(who: GiteaUser, branch: string, commit: string, fork = false): Promise<void> {
    await patiently(async () => {
      const path = `/repos/${fork ? 'rita/r' : 'us/r'}/branches/${branch}`;
      const { commit: known } = await ask<{ commit: { id: string } }>(who, 'GET', path).catch(() => ({ commit: { id: '' } }));
      if (known.id !== commit) throw new Error(`${branch} is not known`);
    });
    if (!fork) await isRecorded(branch, commit);
  }
  /** What happened is written down later than it is to be seen: on a busy machine by seconds. */
  async function isRecorded(branch: string, what: string): Promise<void> {
    await patiently(async () => {
      const entries = await ask<{ op_type: string; ref_name: string; content: string }[]>(us, 'GET', '/repos/us/r/activities/feeds?limit=50');
      const own = entries.filter((one) => one.ref_name === `refs/heads/${branch}`);
      if (!own.some((one) => one.op_type === what || one.content.includes(`"${what}"`))) throw new Error(`${what} of ${branch} is not recorded`);
    });
  }
  async function pullEndsWith(branch: string, commit: string): Promise<void> {
    await patiently(async () => {
      const pulls = await ask<{ head: { ref: string; sha: string } }[]>(us, 'GET', '/repos/us/r/pulls?state=open&limit=50');
      if (pulls.some((one) => one.head.ref === branch && one.head.sha !== commit)) throw new Error(`the pull request of ${branch} is behind`);
    });
  }
  const events = { approve: 'APPROVED', refuse: 'REQUEST_CHANGES', comment: 'COMMENT' } as const;
  return {
    forge: openGitea({ apiUrl: server.apiUrl, owner: 'us', repo: 'r', token: us.token, author: 'us', ...world }),
    us: 'us',
    people: { writer: 'wim', reader: 'rita', stranger: 'sam' },
    workflow: { file: 'fork.yml', input: 'pull' },
    openPull: async (branch, changes, fork = false) => {
      await fresh(branch);
      for (const change of changes) await push(branch, change, fork);
      const wanted = { head: fork ? `rita:${branch}` : branch, base: 'main', title: branch };
      return (await patiently(() => ask<{ number: number }>(fork ? rita : wim, 'POST', '/repos/us/r/pulls', wanted))).number;
    },
    push: async (branch, change) => {
      const commit = await push(branch, change);
      await pullEndsWith(branch, commit);
      return commit;
    },
    forcePush: async (branch, change) => {
      await local.branch(branch);
      await local.git('reset', '-q', '--hard', 'HEAD~1');
      const commit = await local.commit(branch, change);
      await local.git('push', '-q', '--force', addressOf(us), branch);
      await isKnown(us, branch, commit);
      return commit;
    },
    deleteBranch: async (branch) => {
      await isKnown(us, branch, await local.git('rev-parse', branch));
      await local.git('push', '-q', addressOf(us), `:${branch}`);
      await patiently(async () => {
        const { status } = await server.answer(us, 'GET', `/repos/us/r/branches/${branch}`);
        if (status !== 404) throw new Error(`${branch} is there still`);
      });
      await isRecorded(branch, 'delete_branch');
    },
    retarget: async (pull, base) => {
      await isKnown(us, base, await local.git('rev-parse', base));
      await ask(wim, 'PATCH', `/repos/us/r/pulls/${pull}`, { base });
    },
    openIssue: async (title, body) => (await ask<{ number: number }>(wim, 'POST', '/repos/us/r/issues', { title, body })).number,
    issue: async (number) => {
      const found = await ask<{ title: string; body: string; state: string; labels: { name: string }[] }>(us, 'GET', `/repos/us/r/issues/${number}`);
      const { title, body, state, labels } = found;
      return { title, body, open: state === 'open', labels: labels.map((one) => one.name) };
    },
    makeTeam: async () => {
      await ask(us, 'POST', '/orgs', { username: 'crew' });
      const team = { name: 'approvers', permission: 'read', units: ['repo.code'] };
      const { id } = await ask<{ id: number }>(us, 'POST', '/orgs/crew/teams', team);
      await ask(us, 'PUT', `/teams/${id}/members/wim`);
      return 'crew/approvers';
    },
    runWorkflow: async () => {
      await using runner = await server.startRunner();
      const from = new Date();
      const path = '/repos/us/r/actions/workflows/fork.yml/dispatches?return_run_details=true';
      const { workflow_run_id: id } = await ask<{ workflow_run_id: number }>(us, 'POST', path, { ref: 'main', inputs: { pull: 'a "b" $c' } });
      for (let tries = 0; ; tries += 1) {
        const { status } = await ask<{ status: string }>(us, 'GET', `/repos/us/r/actions/runs/${id}`);
        if (status === 'completed') return { id: String(id), from: new Date(from.getTime() - 1000), to: new Date() };
        if (tries > 300) throw new Error(`the run does not end: ${runner.said()}`);
        await world.pause(100);
      }
    },
    // not waited for: the adapter does
    pushBranch: async (branch, change) => {
      await fresh(branch);
      const commit = await local.commit(branch, change);
      await local.git('push', '-q', addressOf(wim), branch);
      return commit;
    },
    comment: async (pull, body) => (await ask<{ id: number }>(wim, 'POST', `/repos/us/r/issues/${pull}/comments`, { body })).id,
    editComment: async (id, body) => void (await ask(wim, 'PATCH', `/repos/us/r/issues/comments/${id}`, { body })),
    comments: async (pull) => {
      const found = await ask<{ user: { login: string }; body: string }[]>(us, 'GET', `/repos/us/r/issues/${pull}/comments`);
      return found.map((one) => ({ author: one.user.login, body: one.body }));
    },
    reactions: async (id) => (await ask<{ content: string }[]>(us, 'GET', `/repos/us/r/issues/comments/${id}/reactions`)).map((one) => one.content),
    review: async (pull, opinion, body) => void (await ask(us, 'POST', `/repos/us/r/pulls/${pull}/reviews`, { event: events[opinion], body })),
    dismissReviews: async (pull) => {
      const reviews = await ask<{ id: number; state: string }[]>(us, 'GET', `/repos/us/r/pulls/${pull}/reviews`);
      const opinions = reviews.filter((one) => ['APPROVED', 'REQUEST_CHANGES'].includes(one.state));
      for (const { id } of opinions) await ask(us, 'POST', `/repos/us/r/pulls/${pull}/reviews/${id}/dismissals`, { message: 'old' });
    },
    label: async (pull, name) => {
      const { id } = await ask<{ id: number }>(us, 'POST', '/repos/us/r/labels', { name, color: '#00aa00' });
      await ask(us, 'POST', `/repos/us/r/issues/${pull}/labels`, { labels: [id] });
    },
    statuses: async (commit) => {
      const found = await ask<{ id: number; context: string; status: string; description: string }[]>(
        us,
        'GET',
        `/repos/us/r/commits/${commit}/statuses`,
      );
      found.sort((a, b) => b.id - a.id);
      return found.map(({ context, status, description }) => ({ context, state: status, description }));
    },
    block: async () => {
      const rule = { rule_name: 'main', required_approvals: 1, block_admin_merge_override: true };
      await ask(us, 'POST', '/repos/us/r/branch_protections', rule);
    },
    main: async () => (await local.git('ls-remote', addressOf(us), 'refs/heads/main')).slice(0, 40),
  };
}

describe('Gitea', () => {
  forgeContract(makeWorld);

  // the job hands its token out and waits: whose it is and what it may is then asked through the adapter
  test('a job speaks as gitea-actions, may comment and set statuses, and may not ask who may do what', async () => {
    const server = gitea ?? expect.fail('no server');
    const folder = await mkdtemp(join(tmpdir(), 'plumb-gitea-job-'));
    await using runner = await server.startRunner();
    const us = owner;
    await server.ask(us, 'POST', '/user/repos', { name: 'jobs', private: true, default_branch: 'main' });
    const steps = `echo "$TOKEN" > ${folder}/.token; mv ${folder}/.token ${folder}/token; until [ -e ${folder}/done ]; do sleep 0.1; done`;
    const file = `on: push\njobs:\n  wait:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ${steps}\n        env: { TOKEN: "\${{ github.token }}" }\n`;
    await using local = await newClone();
    const commit = await local.commit('job', { '.github/workflows/wait.yml': file });
    await local.git('push', '-q', server.cloneUrl(us, 'us/jobs'), 'main');
    const { number } = await server.ask<{ number: number }>(us, 'POST', '/repos/us/jobs/issues', { title: 'talk' });
    try {
      for (let tries = 0; !existsSync(join(folder, 'token')); tries += 1) {
        if (tries > 300) throw new Error(`the job did not start: ${runner.said()}`);
        await world.pause(100);
      }
      const token = readFileSync(join(folder, 'token'), 'utf8').trim();
      const forge = openGitea({ apiUrl: server.apiUrl, owner: 'us', repo: 'jobs', token, author: 'gitea-actions', ...world });
      const said = { marker: '<!-- job -->', body: 'one' };
      expect(await forge.upsertComment(number, said)).toMatchObject({ state: 'made', author: 'gitea-actions' });
      expect((await forge.upsertComment(number, said)).state).toBe('unchanged');
      await forge.setStatus(commit, { context: 'plumb/gate', state: 'success', description: 'holds', link: null });
      await expect(forge.permissionOf('wim')).rejects.toMatchObject({
        code: 'FORGE_DENIED',
        mend: expect.stringContaining('administrator') as string,
      });
    } finally {
      writeFileSync(join(folder, 'done'), '');
    }
    const statuses = await server.ask<{ context: string; status: string }[]>(us, 'GET', `/repos/us/jobs/commits/${commit}/statuses`);
    expect(statuses).toContainEqual(expect.objectContaining({ context: 'plumb/gate', status: 'success' }));
    // what a job says is nobody's: a required check that is forged by one is told by that
    const reader = openGitea({ apiUrl: server.apiUrl, owner: 'us', repo: 'jobs', token: us.token, author: 'us', ...world });
    expect(await reader.statuses(commit)).toContainEqual(expect.objectContaining({ context: 'plumb/gate', state: 'success', by: null, app: null }));
    await rm(folder, { recursive: true });
  });

  test('a push that may be one of a deploy key is nobody’s, and those of one who hides their activity make the whole unknown', async () => {
    const server = gitea ?? expect.fail('no server');
    const us = owner;
    const eve = await server.newUser('eve');
    await server.ask(us, 'POST', '/user/repos', { name: 'keys', private: true, default_branch: 'main' });
    await server.ask(us, 'PUT', '/repos/us/keys/collaborators/eve', { permission: 'write' });
    await using local = await newClone();
    await local.commit('start', { a: '1' });
    await local.git('push', '-q', server.cloneUrl(us, 'us/keys'), 'main', 'main:topic');
    const forge = openGitea({ apiUrl: server.apiUrl, owner: 'us', repo: 'keys', token: us.token, author: 'us', ...world });
    const whose = async (): Promise<unknown> => (await forge.pushes({ repository: 'us/keys', name: 'topic' }))?.map((one) => one.who?.login ?? null);
    expect(await whose()).toEqual(['us']);
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPJDyDCnIkO8fBmhNqPzJXJGuVBnzzQgg5ztkWYqwlSr';
    await server.ask(us, 'POST', '/repos/us/keys/keys', { title: 'deploys', key, read_only: false });
    expect(await whose()).toEqual([null]);
    await server.ask(eve, 'PATCH', '/user/settings', { hide_activity: true });
    await local.branch('topic', 'main');
    await local.commit('change', { a: '2' });
    await local.git('push', '-q', server.cloneUrl(eve, 'us/keys'), 'topic');
    expect(await whose()).toBeUndefined();
  });

  test('what it refuses is told without the token', async () => {
    const options = { apiUrl: gitea?.apiUrl ?? '', owner: 'us', repo: 'r', author: 'us', ...world };
    const token = 'a-token-that-nobody-has';
    const error = await openGitea({ ...options, token })
      .findPullRequest({ number: 1 })
      .catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'FORGE_DENIED' });
    expect(JSON.stringify(error) + String(error)).not.toContain(token);
  });
});
