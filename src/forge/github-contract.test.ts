// The GitHub adapter against the strict stand-in, with a real git repository behind it.
import { afterAll, describe, expect } from 'vitest';
import { newClone, type Clone } from '../../tests/forge-clone.ts';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import { forgeContract, type ForgeWorld } from './forge.contract.ts';
import { openGitHub } from './github.ts';

const token = 'ghp_0123456789abcdefABCDEF';
const tokens: Readonly<Record<string, string>> = { us: token, wim: 'ghp_OfTheWriter', rita: 'ghp_OfTheReader' };
const start = {
  kept: '0',
  gone: '0',
  'old name': 'a line\n'.repeat(20),
  '.github/workflows/fork.yml': 'on:\n  workflow_dispatch:\n    inputs:\n      pull: {}\n',
};

let github: GitHubApi;
let clone: Clone;
afterAll(async () => {
  await github.close();
  await clone[Symbol.asyncDispose]();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

async function makeWorld(): Promise<ForgeWorld> {
  github = await startGitHub({ token, login: 'us', git: true });
  clone = await newClone();
  const address = (owner: string, by = 'us'): string => `${github.serverUrl.replace('//', `//x-access-token:${tokens[by]}@`)}/${owner}/r.git`;
  for (const login of ['wim', 'rita']) github.actors[tokens[login] ?? ''] = { login, can: 'write' };
  await clone.commit('start', start);
  await clone.git('push', '-q', address('o'), 'main');
  github.git?.fork('rita');
  Object.assign(github.permissions, { us: 'admin', wim: 'write', rita: 'read', steward: 'data-steward:write' });

  const send = async (branch: string, owner = 'o'): Promise<void> =>
    void (await clone.git('push', '-q', address(owner, owner === 'o' ? 'wim' : owner), branch));
  const fresh = async (branch: string): Promise<void> => {
    await clone.git('fetch', '-q', address('o'), 'main');
    await clone.branch(branch, 'FETCH_HEAD');
  };
  const options = { apiUrl: github.url, owner: 'o', repo: 'r', token, author: 'us', fetch: globalThis.fetch };
  const world = { pause: () => Promise.resolve(), nowMs: () => Date.now(), random: () => 0.5 };
  return {
    forge: openGitHub({ ...options, ...world }),
    us: 'us',
    people: { writer: 'wim', reader: 'rita', stranger: 'sam' },
    workflow: { file: 'fork.yml', input: 'pull' },
    openPull: async (branch, changes, fork = false) => {
      await fresh(branch);
      for (const change of changes) await clone.commit(branch, change);
      await send(branch, fork ? 'rita' : 'o');
      return github.openPull({ head: fork ? `rita:${branch}` : branch, base: 'main', title: branch, author: fork ? 'rita' : 'wim' }).number;
    },
    push: async (branch, change) => {
      await clone.branch(branch);
      const commit = await clone.commit(branch, change);
      await send(branch);
      return commit;
    },
    forcePush: async (branch, change) => {
      await clone.branch(branch);
      await clone.git('reset', '-q', '--hard', 'HEAD~1');
      const commit = await clone.commit(branch, change);
      await clone.git('push', '-q', '--force', address('o'), branch);
      return commit;
    },
    deleteBranch: async (branch) => void (await clone.git('push', '-q', address('o'), `:${branch}`)),
    retarget: (pull, base) => Promise.resolve(github.retarget(pull, base, 'wim')),
    openIssue: (title, body) => {
      const number = 500 + github.issues.length;
      github.issues.push({ number, login: 'wim', title, body, state: 'open', labels: [], edits: 0, createdAt: '2026-01-01T00:00:00Z' });
      return Promise.resolve(number);
    },
    issue: (number) => {
      const { title, body, state, labels } = github.issues.find((one) => one.number === number) ?? expect.fail('no issue');
      return Promise.resolve({ title, body, open: state === 'open', labels });
    },
    makeTeam: () => {
      github.teams['crew/approvers'] = { members: { wim: 'active' } };
      return Promise.resolve('crew/approvers');
    },
    runWorkflow: () => {
      const attempts = [{ by: 'us', startedAt: '2026-03-01T10:00:00Z', endedAt: '2026-03-01T10:05:00Z' }];
      const of = { file: '.github/workflows/fork.yml', event: 'workflow_dispatch', branch: 'main', sha: 'a'.repeat(40) };
      github.runs.push({ id: 77, ...of, attempts });
      return Promise.resolve({ id: '77', from: new Date('2026-03-01T10:04:00Z'), to: new Date('2026-03-01T10:04:30Z') });
    },
    pushBranch: async (branch, change) => {
      await fresh(branch);
      const commit = await clone.commit(branch, change);
      await send(branch);
      return commit;
    },
    comment: (issue, body) => {
      const id = 100 + github.comments.length;
      github.comments.push({ id, issue, body, login: 'wim', edits: 0, createdAt: '2026-01-01T00:00:00Z' });
      return Promise.resolve(id);
    },
    editComment: (id, body) => {
      Object.assign(github.comments.find((one) => one.id === id) ?? {}, { body, updatedAt: '2026-01-01T00:01:00Z' });
      return Promise.resolve();
    },
    comments: (pull) => Promise.resolve(github.comments.filter((one) => one.issue === pull).map(({ login, body }) => ({ author: login, body }))),
    reactions: (comment) => Promise.resolve(github.reactions.filter((one) => one.comment === comment).map((one) => one.content)),
    review: (pull, opinion, body) => {
      const state = ({ approve: 'APPROVED', refuse: 'CHANGES_REQUESTED', comment: 'COMMENTED' } as const)[opinion];
      const commit = github.pulls.find((one) => one.number === pull)?.head ?? null;
      github.reviews.push({ id: github.reviews.length + 1, pull, login: 'us', state, commit, body });
      return Promise.resolve();
    },
    dismissReviews: (pull) => {
      for (const [index, one] of github.reviews.entries()) if (one.pull === pull) github.reviews[index] = { ...one, state: 'DISMISSED' };
      return Promise.resolve();
    },
    label: (pull, name) => {
      Object.assign(github.pulls.find((one) => one.number === pull) ?? {}, { labels: [name] });
      return Promise.resolve();
    },
    statuses: (commit) => Promise.resolve(github.statuses.filter((one) => one.sha === commit).toReversed()),
    block: (pull) => {
      Object.assign(github.pulls.find((one) => one.number === pull) ?? {}, {
        blocked: 'At least 1 approving review is required by reviewers with write access.',
      });
      return Promise.resolve();
    },
    main: async () => (await clone.git('ls-remote', address('o'), 'refs/heads/main')).slice(0, 40),
  };
}

describe('GitHub', () => {
  forgeContract(makeWorld);
});
