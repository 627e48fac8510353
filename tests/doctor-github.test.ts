// `plumb doctor --forge` against the strict stand-in of GitHub: settings are read as they are, what closes them really does, and nothing changes unasked.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findGaps, type Gap, type GapCode } from '../src/ci/doctor.ts';
import { severities } from '../src/ci/doctor-gap.ts';
import { openForge, openSettings } from '../src/forge/index.ts';
import type { ForgeSettings } from '../src/forge/settings.ts';
import { app, codeowners, policy, policyText, workflow } from './doctor-settings.ts';
import { newClone } from './forge-clone.ts';
import type { GitHubApi } from './github-api/api.ts';
import { newSettings } from './github-api/settings-state.ts';
import { startGitHub } from './github-api/start.ts';
import { newProject, type Ended, type Repository } from './plumb.ts';
import { node, plumbFile } from './project.ts';

const token = 'ghp_0123456789abcdefABCDEF';
const world = { author: '', fetch: globalThis.fetch, pause: () => Promise.resolve(), nowMs: () => Date.now(), random: () => 0.5 };

let github: GitHubApi;
async function start(): Promise<void> {
  github = await startGitHub({ token, login: 'ann', git: true });
}
async function stop(): Promise<void> {
  await github.close();
  expect(github.violations).toEqual([]);
}

const address = (): string => `${github.serverUrl.replace('//', `//x:${token}@`)}/o/r.git`;

async function pushFiles(files: Readonly<Record<string, string>>): Promise<void> {
  await using clone = await newClone();
  await clone.commit('start', files);
  await clone.git('push', '-q', address(), 'main');
}

const read = (): Promise<ForgeSettings> =>
  openSettings('github', { apiUrl: github.url, owner: 'o', repo: 'r', token, ...world }).read({ auditBranch: 'plumb/audit' });
const look = async (): Promise<Gap[]> => findGaps({ settings: await read(), policy, prefix: '' });
const codesOf = (gaps: readonly Gap[]): GapCode[] => [...new Set(gaps.map(({ code }) => code))];

const files = { 'policy.yaml': policyText, '.github/workflows/pr.yml': workflow };

/** A ruleset that gives all of it. */
function goodRuleset(change: Partial<GitHubApi['rulesets'][number]> = {}): GitHubApi['rulesets'][number] {
  return {
    id: 1,
    name: 'main',
    target: 'branch',
    enforcement: 'active',
    conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
    bypass_actors: [],
    rules: [
      { type: 'deletion' },
      { type: 'non_fast_forward' },
      {
        type: 'pull_request',
        parameters: {
          required_approving_review_count: 1,
          require_code_owner_review: true,
          dismiss_stale_reviews_on_push: true,
          require_last_push_approval: true,
          required_review_thread_resolution: false,
        },
      },
      {
        type: 'required_status_checks',
        parameters: { strict_required_status_checks_policy: false, required_status_checks: [{ context: 'plumb/promotion', integration_id: app }] },
      },
    ],
    ...change,
  };
}

/** Nothing to find. */
function makeGood(): void {
  const log = { ref_name: { include: ['refs/heads/plumb/**'], exclude: [] } };
  github.rulesets.push(goodRuleset(), {
    ...goodRuleset({ id: 2, name: 'log', conditions: log }),
    rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }],
  });
  Object.assign(github.settings.actions, { allowed_actions: 'selected', sha_pinning_required: true });
}

describe('what is set is read', () => {
  beforeAll(async () => {
    await start();
    await pushFiles({ ...files, '.github/CODEOWNERS': codeowners });
  });
  afterAll(stop);
  // as a repository is that somebody has just made
  beforeEach(() => {
    for (const branch of Object.keys(github.protections)) delete github.protections[branch];
    for (const list of [github.rulesets, github.faults, github.requests]) list.length = 0;
    Object.assign(github.settings, newSettings());
    Object.assign(github, { permission: 'write' });
    Object.assign(github.limit, { used: 0 });
  });

  test('a repository that is set as it should be has no gap', async () => {
    makeGood();
    expect(await look()).toEqual([]);
    expect(github.requests.every((one) => one.startsWith('GET '))).toBe(true);
  });

  function environment(name: string, change: Partial<GitHubApi['settings']['environments'][number]>): GitHubApi['settings']['environments'][number] {
    const usual = { reviewers: [{ type: 'Team' as const, id: 9 }], noSelfReview: true, waitMinutes: 0, adminsBypass: false, secrets: ['CLOUD'] };
    return { name, ...usual, branches: 'custom', policies: [{ id: 1, name: 'main', type: 'branch' }], ...change };
  }

  /** Much at once: each is told for itself. */
  function openMuch(): void {
    makeGood();
    github.rulesets.splice(
      0,
      2,
      goodRuleset({
        bypass_actors: [
          { actor_id: 8, actor_type: 'Integration', bypass_mode: 'exempt' },
          { actor_id: null, actor_type: 'OrganizationAdmin', bypass_mode: 'always' },
          { actor_id: 3, actor_type: 'Team', bypass_mode: 'pull_request' },
          { actor_id: null, actor_type: 'DeployKey', bypass_mode: 'always' },
        ],
      }),
    );
    Object.assign(github.settings.privateForks, { run_workflows_from_fork_pull_requests: true, send_secrets_and_variables: true });
    Object.assign(github.settings, {
      organization: true,
      actions: { enabled: true, allowed_actions: 'all', sha_pinning_required: false },
      workflowToken: { default_workflow_permissions: 'write', can_approve_pull_request_reviews: true },
      environments: [
        environment('any', { branches: null }),
        environment('protected', { branches: 'protected' }),
        environment('pattern', { policies: [{ id: 3, name: 'release/*', type: 'branch' }] }),
        environment('tag', { policies: [{ id: 4, name: 'main', type: 'tag' }] }),
        environment('admins', { adminsBypass: true }),
        environment('alone', { noSelfReview: false }),
      ],
      secrets: ['PLUMB_SIGNING_KEY'],
      organizationSecrets: ['APP_PRIVATE_KEY'],
      keys: [
        { id: 1, title: 'ci', read_only: false },
        { id: 2, title: 'reads', read_only: true },
      ],
      collaborators: [
        { login: 'ext', role: 'admin', outside: true },
        { login: 'ann', role: 'admin' },
      ],
      hooks: [
        { id: 1, url: 'https://user:pw@hooks.test/x' },
        { id: 2, url: 'https://good.test/x', secret: true },
      ],
      codeownersErrors: [{ line: 2, kind: 'Unknown owner' }],
    });
  }

  let much: readonly Gap[] = [];
  test('all of it is told at once, the most severe first, and no password with it', async () => {
    openMuch();
    much = await look();
    const rank = (one: Gap): number => severities.indexOf(one.severity);
    expect(much.every((one, at) => at === 0 || rank(much[at - 1] ?? one) <= rank(one))).toBe(true);
    expect(JSON.stringify(much)).not.toContain('user:pw');
  });

  const told: readonly (readonly [name: string, code: GapCode, subject: string, what: string])[] = [
    ['T16: an App that is exempt', 'RULES_EXEMPT', 'ruleset main', 'exempt: app 8'],
    ['T16: owners of the organisation', 'RULES_BYPASSED', 'ruleset main', 'owners of the organisation (always)'],
    ['T16: a team in pull requests', 'RULES_BYPASSED', 'ruleset main', 'team 3 (in pull requests)'],
    ['T16: deploy keys', 'RULES_BYPASSED', 'ruleset main', 'deploy keys (always)'],
    ['T29: nothing guards the log', 'AUDIT_REWRITABLE', 'plumb/audit', 'a force push and a deletion'],
    ['T14: jobs approve', 'BOTS_MAY_APPROVE', 'Actions', 'approve pull requests'],
    ['T5: jobs write', 'TOKEN_WRITES_BY_DEFAULT', 'Actions', '"write"'],
    ['T7: any action', 'ACTIONS_UNRESTRICTED', 'Actions', 'all'],
    ['T7: actions by tags', 'SHA_PINNING_OFF', 'Actions', 'full-length commits'],
    ['T26: forks with secrets', 'FORKS_GET_SECRETS', 'Actions', 'secrets'],
    ['T1: forks without approval', 'FORK_RUNS_UNAPPROVED', 'Actions', 'private repository'],
    ['T24: an environment for any branch', 'ENVIRONMENT_OPEN', 'environment any', 'any branch'],
    ['T24: an environment for protected branches', 'ENVIRONMENT_OPEN', 'environment protected', 'every protected branch'],
    ['T24: an environment for a pattern', 'ENVIRONMENT_OPEN', 'environment pattern', 'release/*'],
    ['T24: an environment for a tag', 'ENVIRONMENT_OPEN', 'environment tag', 'tag main'],
    ['T16: administrators pass by reviewers', 'ENVIRONMENT_ADMINS_BYPASS', 'environment admins', 'administrators'],
    ['T14: one reviews his own deployment', 'ENVIRONMENT_SELF_REVIEW', 'environment alone', 'reviewer-9'],
    ['T24: a key in the secrets of the repository', 'KEY_IN_REPOSITORY_SECRETS', 'secrets of the repository', 'PLUMB_SIGNING_KEY'],
    ['T24: a key in the secrets of the organisation', 'KEY_IN_REPOSITORY_SECRETS', 'secrets of the repository', 'APP_PRIVATE_KEY'],
    ['T14: a deploy key', 'DEPLOY_KEY_WRITES', 'deploy key 1', 'ci'],
    ['T16: an outsider', 'OUTSIDER_ADMINISTERS', 'collaborators', 'ext'],
    ['T19: a webhook', 'HOOK_UNSIGNED', 'webhook to hooks.test', 'no secret'],
    ['T14: errors of CODEOWNERS', 'CODEOWNERS_BROKEN', '.github/CODEOWNERS', 'line 2: Unknown owner'],
  ];
  test.each(told)('%s', (_, code, subject, what) => {
    expect(much).toContainEqual(expect.objectContaining({ code, subject, what: expect.stringContaining(what) as string }));
  });

  test('T1: a public repository with machines of its own, and strangers who were here once', async () => {
    makeGood();
    Object.assign(github.settings, {
      visibility: 'public',
      organization: true,
      runners: ['gpu-1'],
      runnerGroups: [{ id: 5, name: 'gpus', allows_public_repositories: true }],
    });
    expect((await look()).map(({ code, subject }) => `${code} ${subject}`)).toEqual([
      'RUNNER_ON_PUBLIC runner group gpus',
      'RUNNER_ON_PUBLIC runners',
      'FORK_RUNS_UNAPPROVED Actions',
    ]);
  });

  test('T16: a ruleset that is only evaluated, and one for another branch', async () => {
    makeGood();
    github.rulesets[0] = goodRuleset({ enforcement: 'evaluate' });
    github.rulesets.push(goodRuleset({ id: 9, name: 'release', conditions: { ref_name: { include: ['refs/heads/release/**'], exclude: [] } } }));
    const found = await look();
    expect(codesOf(found).slice(0, 2)).toEqual(['CHECK_NOT_REQUIRED', 'PULL_NOT_REQUIRED']);
    expect(found[0]?.what).toContain('ruleset "main" (evaluate) would, and is not enforced');
    expect(JSON.stringify(found)).not.toContain('"release"');
  });

  test('T16: classic protection that does not hold for administrators, or is passed by for reviews', async () => {
    makeGood();
    const [good] = github.rulesets.splice(0, 1);
    github.protections['main'] = {
      required_status_checks: { strict: false, checks: [{ context: 'plumb/promotion', app_id: app }] },
      required_pull_request_reviews: { required_approving_review_count: 1, dismiss_stale_reviews: true, require_last_push_approval: true },
      enforce_admins: false,
    };
    expect(codesOf(await look())).toEqual(['ADMINS_NOT_INCLUDED', 'CODEOWNERS_NOT_REQUIRED']);
    github.protections['main'] = { ...(github.protections['main'] ?? expect.fail()), enforce_admins: true };
    const url = 'https://github.test/x';
    const reviews = {
      url,
      dismiss_stale_reviews: true,
      require_code_owner_reviews: true,
      required_approving_review_count: 1,
      require_last_push_approval: true,
    };
    github.settings.protectionDetails['main'] = {
      required_pull_request_reviews: { ...reviews, bypass_pull_request_allowances: { users: [], teams: [], apps: [] } },
      allow_force_pushes: { enabled: true },
    };
    expect(codesOf(await look())).toEqual(['FORCE_PUSH_ALLOWED']);
    // the ruleset beside it gives what is missing
    github.rulesets.push(good ?? expect.fail());
    expect(await look()).toEqual([]);
  });

  test('the ruleset of the organisation counts; who may pass by it is not known to a token of the repository', async () => {
    makeGood();
    github.settings.organization = true;
    const [good = expect.fail()] = github.rulesets.splice(0, 1);
    github.settings.parentRulesets.push({ ...good, source: 'o' });
    expect(await look()).toEqual([]);
    github.permission = {
      administration: 'write',
      contents: 'read',
      actions: 'read',
      environments: 'read',
      secrets: 'read',
      'repository-hooks': 'read',
      'organization-self-hosted-runners': 'read',
    };
    expect(await look()).toMatchObject([
      {
        code: 'UNREADABLE',
        subject: 'ruleset main',
        closing: { say: expect.stringContaining('organization administration: write, of o') as string },
      },
    ]);
  });

  test('a plan without rulesets has none: nothing is taken for well', async () => {
    makeGood();
    github.settings.freePlan = true;
    expect(codesOf(await look())).toEqual(expect.arrayContaining(['PULL_NOT_REQUIRED', 'CHECK_NOT_REQUIRED', 'AUDIT_REWRITABLE']));
  });

  test('what a token may not read is a gap each, with the permission', async () => {
    makeGood();
    github.permission = { contents: 'read' };
    const found = await look();
    expect(codesOf(found)).toEqual(['UNREADABLE']);
    expect(found.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([
        'webhooks',
        'deploy keys',
        'environments',
        'settings of Actions',
        'names of the secrets of the repository',
        'ruleset main',
      ]),
    );
    expect(JSON.stringify(found)).toContain('it takes administration: read');
    expect(JSON.stringify(found)).not.toContain(token);
  });

  test('a server that fails is an error, and never a repository without gaps', async () => {
    makeGood();
    github.faults.push({ method: 'GET', path: /hooks$/, status: 500, times: 100 });
    await expect(look()).rejects.toMatchObject({ code: 'FORGE_FAILED' });
  });
});

describe('the command', () => {
  beforeEach(start);
  afterEach(stop);

  async function clone(): Promise<Repository> {
    const project = await newProject(files);
    await project.git('push', '-q', address(), 'HEAD:main');
    await project.git('remote', 'add', 'origin', `${github.serverUrl}/o/r.git`);
    return project;
  }
  const doctor = (project: Repository, ...words: string[]): Promise<Ended> =>
    project.run([node, plumbFile, 'doctor', '--forge', 'github', ...words], { PLUMB_FORGE_TOKEN: token, GITHUB_ACTIONS: '' });
  const changes = (): string[] => github.requests.filter((one) => !one.startsWith('GET '));

  test('tells, plans, changes nothing without --yes, closes with it, and looks again', async () => {
    const project = await clone();
    github.settings.environments.push({
      name: 'production/intents',
      reviewers: [],
      noSelfReview: false,
      waitMinutes: 0,
      adminsBypass: true,
      branches: 'protected',
      policies: [],
      secrets: ['PLUMB_AUDIT_SIGNING_KEY'],
    });
    github.settings.workflowToken = { default_workflow_permissions: 'write', can_approve_pull_request_reviews: true };

    const told = await doctor(project);
    expect([told.exit, told.stderr]).toEqual([1, '']);
    expect(told.stdout).toMatch(/critical {2}CHECK_NOT_REQUIRED {2}main\n/);
    expect(told.stdout).toContain('gh api --method POST repos/o/r/rulesets --input - <<<');
    expect(told.stdout.indexOf('critical')).toBeLessThan(told.stdout.indexOf('medium'));

    const planned = await doctor(project, '--fix');
    expect(planned.exit).toBe(1);
    expect(planned.stdout).toContain('nothing was changed');
    expect(planned.stdout).toMatch(
      /PUT \/repos\/o\/r\/actions\/permissions\/workflow\n +now: +jobs: write, approve pull requests: yes\n +then: +jobs: read, approve pull requests: no/,
    );
    expect(changes()).toEqual([]);

    const fixed = await doctor(project, '--fix', '--yes', '--json');
    const { gaps, plan } = JSON.parse(fixed.stdout) as { gaps: Gap[]; plan: object[] };
    expect(changes().toSorted()).toEqual([
      'POST /repos/o/r/environments/production%2Fintents/deployment-branch-policies',
      'POST /repos/o/r/rulesets',
      'POST /repos/o/r/rulesets',
      'PUT /repos/o/r/actions/permissions',
      'PUT /repos/o/r/actions/permissions/workflow',
      'PUT /repos/o/r/environments/production%2Fintents',
    ]);
    expect(plan).toHaveLength(6);
    expect(codesOf(gaps)).toEqual(['ACTIONS_UNRESTRICTED', 'CODEOWNERS_OPEN']);
    expect(fixed.exit).toBe(1);

    const accepted = await doctor(project, '--accept', 'ACTIONS_UNRESTRICTED', 'CODEOWNERS_OPEN');
    expect(accepted.exit).toBe(0);
    expect(accepted.stdout).toContain('accepted  CODEOWNERS_OPEN');
    expect(accepted.stdout).toContain('no gap found');
    // asked again it has nothing to do
    expect((await doctor(project, '--fix', '--yes')).exit).toBe(1);
    expect(changes()).toHaveLength(6);
  }, 60_000);

  test('T16: an administrator on a bypass list merges before, and not after', async () => {
    const project = await clone();
    Object.assign(github.permissions, { ann: 'admin', eve: 'write' });
    github.rulesets.push(goodRuleset({ bypass_actors: [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: 'pull_request' }] }));
    const pulls = [];
    for (const name of ['one', 'two']) {
      await project.git('checkout', '-q', '-b', name, 'main');
      await project.write(name, name);
      await project.git('add', '.');
      await project.git('commit', '-q', '-m', name);
      await project.git('push', '-q', address(), name);
      pulls.push(github.openPull({ head: name, base: 'main', title: name, author: 'eve' }));
    }
    const forge = openForge('github', { apiUrl: github.url, owner: 'o', repo: 'r', token, ...world });
    const [one = expect.fail(), two = expect.fail()] = pulls;
    await forge.merge(one.number, { head: one.head, method: 'squash' });
    expect(github.bypasses).toMatchObject([{ pull: one.number, login: 'ann' }]);

    expect(codesOf(await look())).toContain('RULES_BYPASSED');
    await doctor(project, '--fix', '--yes');
    expect(codesOf(await look())).not.toContain('RULES_BYPASSED');
    await expect(forge.merge(two.number, { head: two.head, method: 'squash' })).rejects.toMatchObject({ code: 'FORGE_REFUSED' });
  }, 60_000);

  test('what it cannot do is said: no token, a gap that is none, a request that is refused', async () => {
    const project = await clone();
    const without = await project.run([node, plumbFile, 'doctor', '--forge', 'github'], {
      PLUMB_FORGE_TOKEN: '',
      GITHUB_ACTIONS: '',
      GITHUB_TOKEN: '',
      GITEA_TOKEN: '',
    });
    expect(without.stderr).toContain('FORGE_TOKEN');
    expect((await doctor(project, '--accept', 'RULES_BYPASED')).stderr).toContain('RULES_BYPASSED');
    github.permission = 'read';
    const refused = await doctor(project, '--fix', '--yes');
    expect(refused.stderr).toContain('stopped at [1]: 0 of');
    expect(refused.stderr).toContain('administration: write');
    expect(refused.stdout + refused.stderr).not.toContain(token);
    expect(github.rulesets).toEqual([]);
  }, 60_000);
});
