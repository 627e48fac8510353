// `plumb doctor --forge` against a real Gitea: what it says is open is open, and what it closes is closed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findGaps, planFix, type Gap, type GapCode } from '../../src/ci/doctor.ts';
import { openSettings } from '../../src/forge/index.ts';
import type { SettingsPort } from '../../src/forge/settings.ts';
import { policy, policyText } from '../doctor-settings.ts';
import { newClone, type Clone } from '../forge-clone.ts';
import { newProject } from '../plumb.ts';
import { node, plumbFile } from '../project.ts';
import { startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';

const files = {
  'policy.yaml': policyText,
  '.gitea/workflows/plumbline.yml': 'on: push\njobs:\n  x:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n',
};
/** No setting of Gitea closes these, or tells of them. */
const always: readonly GapCode[] = ['CHECK_NOT_BOUND', 'LAST_PUSH_UNAPPROVED', 'UNREADABLE'];
const world = {
  fetch: globalThis.fetch,
  pause: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  nowMs: () => Date.now(),
  random: () => 0.5,
};

let gitea: GiteaServer;
let us: GiteaUser;
let wim: GiteaUser;
let eve: GiteaUser;
beforeAll(async () => {
  gitea = await startGitea();
  [us, wim, eve] = [await gitea.newUser('us'), await gitea.newUser('wim'), await gitea.newUser('eve')];
}, 120_000);
afterAll(() => gitea.stop());

/** A repository of `us`, where wim and eve may write. */
async function newRepository(name: string): Promise<Clone> {
  await gitea.ask(us, 'POST', '/user/repos', { name, private: true, default_branch: 'main' });
  for (const who of [wim, eve]) await gitea.ask(us, 'PUT', `/repos/us/${name}/collaborators/${who.login}`, { permission: 'write' });
  const clone = await newClone();
  await clone.commit('start', files);
  await clone.git('push', '-q', gitea.cloneUrl(us, `us/${name}`), 'main');
  return clone;
}

const portOf = (repo: string, who: GiteaUser = us): SettingsPort =>
  openSettings('gitea', { apiUrl: gitea.apiUrl, owner: 'us', repo, token: who.token, author: '', ...world });
const look = async (port: SettingsPort): Promise<Gap[]> =>
  findGaps({ settings: await port.read({ auditBranch: 'plumb/audit' }), policy, prefix: '' });
const codesOf = (gaps: readonly Gap[]): GapCode[] => [...new Set(gaps.map(({ code }) => code))];
async function fix(port: SettingsPort): Promise<void> {
  for (const change of planFix(await look(port))) await port.change(change);
}
/** @returns what the server says against it; '' where it takes it */
const pushed = (clone: Clone, ...words: string[]): Promise<string> =>
  clone.git('push', ...words).then(
    () => '',
    (error: unknown) => String(error),
  );

describe('a repository that somebody has just made', () => {
  test('T16, T29: the open ways are told, are open, and are closed by the plan', async () => {
    await using clone = await newRepository('fresh');
    const port = portOf('fresh');
    expect(codesOf(await look(port))).toEqual(
      expect.arrayContaining<GapCode>(['PULL_NOT_REQUIRED', 'CHECK_NOT_REQUIRED', 'FORCE_PUSH_ALLOWED', 'AUDIT_REWRITABLE', 'ACTION_UNPINNED']),
    );
    const wims = gitea.cloneUrl(wim, 'us/fresh');
    await clone.git('push', '-q', wims, 'main:plumb/audit');
    await clone.commit('by nobody', { 'models/intents/production.json': '{}' });
    expect(await pushed(clone, wims, 'main')).toBe('');

    await fix(port);
    const left = codesOf(await look(port));
    expect(left.filter((code) => !always.includes(code)).toSorted()).toEqual([
      'ACTION_UNPINNED',
      'CHECKOUT_KEEPS_TOKEN',
      'WORKFLOW_PERMISSIONS_MISSING',
    ]);
    expect(planFix(await look(port))).toEqual([]);

    await clone.commit('again', { 'models/intents/production.json': '{"a":1}' });
    expect(await pushed(clone, wims, 'main')).toContain('Not allowed to push to protected branch main');
    expect(await pushed(clone, wims, '--delete', 'plumb/audit')).toContain('protected from deletion');
    // the log grows by pushes
    expect(await pushed(clone, wims, 'main:plumb/audit')).toBe('');
    expect(await pushed(clone, wims, '--force', 'main~1:plumb/audit')).toContain('protected from force push');
  }, 120_000);
});

describe('rules with a hole', () => {
  const good = {
    rule_name: 'main',
    enable_push: false,
    required_approvals: 1,
    dismiss_stale_approvals: true,
    enable_status_check: true,
    status_check_contexts: ['plumb/promotion'],
    block_admin_merge_override: true,
  };
  const holes: readonly (readonly [name: string, code: GapCode, what: string, change: object])[] = [
    ['T16: administrators merge against the rules', 'ADMINS_NOT_INCLUDED', 'administrators', { block_admin_merge_override: false }],
    [
      'T16: somebody who may push',
      'RULES_BYPASSED',
      'wim (always)',
      { enable_push: true, enable_push_whitelist: true, push_whitelist_usernames: ['wim'] },
    ],
    ['T16: deploy keys push', 'RULES_BYPASSED', 'deploy keys', { enable_push: true, enable_push_whitelist: true, push_whitelist_deploy_keys: true }],
    ['T16: files that need no review', 'RULES_BYPASSED', 'models/**', { unprotected_file_patterns: 'models/**' }],
    ['T15: approvals stay', 'STALE_APPROVALS_KEPT', 'dismiss', { dismiss_stale_approvals: false }],
    ['T13: the check is not required', 'CHECK_NOT_REQUIRED', 'plumb/promotion', { enable_status_check: false }],
    ['T14: nobody need approve', 'REVIEW_NOT_REQUIRED', 'no approval', { required_approvals: 0 }],
    ['T29: force pushes', 'FORCE_PUSH_ALLOWED', 'force pushes', { enable_push: true, enable_push_whitelist: true, enable_force_push: true }],
  ];

  beforeAll(async () => {
    await using _ = await newRepository('holes');
  }, 30_000);

  test.each(holes)('%s', async (_, code, what, change) => {
    await gitea.answer(us, 'DELETE', '/repos/us/holes/branch_protections/main');
    await gitea.ask(us, 'POST', '/repos/us/holes/branch_protections', { ...good, ...change });
    const port = portOf('holes');
    expect((await look(port)).filter((one) => one.code === code)).toMatchObject([{ what: expect.stringContaining(what) as string }]);
    await fix(port);
    expect(codesOf(await look(port))).not.toContain(code);
  });

  test('T16: an administrator merges without approval before, and not after', async () => {
    await using clone = await newRepository('override');
    await gitea.ask(us, 'POST', '/repos/us/override/branch_protections', { ...good, enable_status_check: false, block_admin_merge_override: false });
    const pull = async (name: string): Promise<number> => {
      await clone.branch(name, 'main');
      await clone.commit(name, { [name]: name });
      await clone.git('push', '-q', gitea.cloneUrl(wim, 'us/override'), name);
      for (let tries = 0; ; tries += 1) {
        const opened = await gitea.answer(wim, 'POST', '/repos/us/override/pulls', { head: name, base: 'main', title: name });
        if (opened.status === 201) return (opened.body as { number: number }).number;
        if (tries > 50) throw new Error(JSON.stringify(opened));
        await world.pause(100);
      }
    };
    /** Asked again while the server is still looking for conflicts. */
    const merge = async (number: number): Promise<number> => {
      for (let tries = 0; ; tries += 1) {
        const { status, body } = await gitea.answer(us, 'POST', `/repos/us/override/pulls/${number}/merge`, { Do: 'merge', force_merge: true });
        if (!JSON.stringify(body).includes('try again later') || tries > 100) return status;
        await world.pause(100);
      }
    };
    expect(await merge(await pull('one'))).toBe(200);
    await fix(portOf('override'));
    expect(await merge(await pull('two'))).toBe(405);
  }, 60_000);

  test('T13: the check that anybody can set is told, and anybody can: no setting closes it', async () => {
    await using clone = await newRepository('forged');
    await gitea.ask(us, 'POST', '/repos/us/forged/branch_protections', { ...good, required_approvals: 0 });
    expect(await look(portOf('forged'))).toContainEqual(
      expect.objectContaining({
        code: 'CHECK_NOT_BOUND',
        closing: expect.objectContaining({ say: expect.stringContaining('plumb reconcile') as string }) as object,
      }),
    );
    await clone.branch('topic', 'main');
    const commit = await clone.commit('topic', { topic: '1' });
    await clone.git('push', '-q', gitea.cloneUrl(wim, 'us/forged'), 'topic');
    expect((await gitea.answer(wim, 'POST', `/repos/us/forged/statuses/${commit}`, { context: 'plumb/promotion', state: 'success' })).status).toBe(
      201,
    );
  });
});

describe('what holds a key', () => {
  test('T24, T14, T19: secrets, deploy keys and webhooks are told', async () => {
    await using _ = await newRepository('keys');
    await gitea.ask(us, 'PUT', '/repos/us/keys/actions/secrets/PLUMB_SIGNING_KEY', { data: 'x' });
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvciB0ZXN0cyBvbmx5LCBub2JvZHkgaGFzIGl0ISEh';
    const made = await gitea.answer(us, 'POST', '/repos/us/keys/keys', { title: 'ci', key, read_only: false });
    expect(made.status).toBe(201);
    await gitea.ask(us, 'POST', '/repos/us/keys/hooks', {
      type: 'gitea',
      config: { url: 'http://us:pw@127.0.0.1:9/x', content_type: 'json' },
      active: true,
    });
    const found = await look(portOf('keys'));
    expect(codesOf(found)).toEqual(expect.arrayContaining<GapCode>(['KEY_IN_REPOSITORY_SECRETS', 'DEPLOY_KEY_WRITES', 'HOOK_UNSIGNED']));
    expect(JSON.stringify(found)).not.toContain('us:pw');
  });
});

test('somebody who may only write sees less, and is told so', async () => {
  await using _ = await newRepository('seen');
  await gitea.ask(us, 'POST', '/repos/us/seen/branch_protections', { rule_name: 'main', enable_push: false });
  const found = await look(portOf('seen', wim));
  const unread = found.filter((one) => one.code === 'UNREADABLE').map((one) => one.subject);
  expect(unread).toEqual(expect.arrayContaining(['protection of branch main', 'webhooks', 'deploy keys', 'names of the secrets of the repository']));
  expect(JSON.stringify(found)).not.toContain(wim.token);
});

test('the command says it, and closes it with --fix --yes alone', async () => {
  await gitea.ask(us, 'POST', '/user/repos', { name: 'told', private: true, default_branch: 'main' });
  const project = await newProject(files);
  await project.git('push', '-q', gitea.cloneUrl(us, 'us/told'), 'HEAD:main');
  await project.git('remote', 'add', 'origin', `${gitea.url}/us/told.git`);
  const doctor = (...words: string[]): ReturnType<typeof project.run> =>
    project.run([node, plumbFile, 'doctor', '--forge', 'gitea', ...words], { PLUMB_FORGE_TOKEN: us.token, GITHUB_ACTIONS: '' });
  const told = await doctor('--fix');
  expect([told.exit, told.stderr]).toEqual([1, '']);
  expect(told.stdout).toContain('POST /repos/us/told/branch_protections');
  expect(told.stdout).toContain('curl -fX POST -H "Authorization: token $GITEA_TOKEN"');
  expect(await gitea.ask(us, 'GET', '/repos/us/told/branch_protections')).toEqual([]);
  await doctor('--fix', '--yes');
  const rules = await gitea.ask<{ rule_name: string }[]>(us, 'GET', '/repos/us/told/branch_protections');
  expect(rules.map((one) => one.rule_name).toSorted()).toEqual(['main', 'plumb/audit']);
  const left = JSON.parse((await doctor('--json')).stdout) as { gaps: Gap[] };
  expect(planFix(left.gaps)).toEqual([]);
}, 60_000);
