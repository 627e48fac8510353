// The doctor of a forge's settings: each gap, set and not set; what is not known is never well; what a request would change is what it says.
import { readdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commandOf, findGaps, planFix, type GapCode, type Judging } from '../src/ci/doctor.ts';
import { gapTable, severities } from '../src/ci/doctor-gap.ts';
import type { EnvironmentSettings, ForgeSettings, Guard, SettingChange } from '../src/forge/settings.ts';
import { judging, logGuard, mainGuard, policy, settings, withMain, withSettings, withWorkflow, workflow } from './doctor-settings.ts';

const codesOf = (one: Judging): GapCode[] => findGaps(one).map(({ code }) => code);
const [production] = settings.environments as [EnvironmentSettings];
const pull = mainGuard.pull ?? expect.fail();
const actions = settings.actions ?? expect.fail();
const withActions = (change: Partial<typeof actions>, visibility: ForgeSettings['visibility'] = 'private'): Judging =>
  withSettings({ visibility, actions: { ...actions, ...change } });
const withEnvironment = (change: Partial<EnvironmentSettings>): Judging => withSettings({ environments: [{ ...production, ...change }] });
const withAudit = (change: Partial<Guard>): Judging => withSettings({ guards: { ...settings.guards, audit: [{ ...logGuard, ...change }] } });
const foreign = (job: string, permissions = 'contents: write'): string =>
  `on: pull_request_target\npermissions: {}\njobs:\n  x:\n    runs-on: ubuntu-24.04\n    permissions: { ${permissions} }\n    steps:\n${job}`;
const pinned = 'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8';
const headCheckout = `      - uses: ${pinned}\n        with: { ref: '\${{ github.event.pull_request.head.sha }}', persist-credentials: false }\n`;

test('where everything is as it should be nothing is found', () => {
  expect(findGaps(judging)).toEqual([]);
});

const cases: readonly (readonly [name: string, code: GapCode, change: Judging])[] = [
  ['T16: a push to main without a pull request', 'PULL_NOT_REQUIRED', withMain({ pull: null })],
  ['T13: the check is not required', 'CHECK_NOT_REQUIRED', withMain({ checks: [] })],
  ['T13: the check may come from anybody', 'CHECK_NOT_BOUND', withMain({ checks: [{ context: 'plumb/promotion', app: null }] })],
  ['T13: the check is bound to what all jobs speak with', 'CHECK_NOT_BOUND', withMain({ checks: [{ context: 'plumb/promotion', app: 15368 }] })],
  ['T13: the check is bound to another App than the policy names', 'CHECK_NOT_BOUND', withMain({ checks: [{ context: 'plumb/promotion', app: 8 }] })],
  ['T13: the policy names no App', 'CHECK_APP_UNNAMED', { ...judging, policy: { ...policy, check: { context: 'plumb/promotion' } } }],
  ['T14: nobody need approve', 'REVIEW_NOT_REQUIRED', withMain({ pull: { approvals: 0, codeowners: false, dismissesStale: true, lastPush: true } })],
  ['T15: approvals stay after a push', 'STALE_APPROVALS_KEPT', withMain({ pull: { ...pull, dismissesStale: false } })],
  ['T14: the last pusher approves', 'LAST_PUSH_UNAPPROVED', withMain({ pull: { ...pull, lastPush: false } })],
  ['T14: jobs approve', 'BOTS_MAY_APPROVE', withActions({ approvesPulls: true })],
  ['T16: an App that is exempt', 'RULES_EXEMPT', withMain({ bypass: [{ who: 'app 8', mode: 'exempt', of: 'all' }] })],
  ['T16: a team that may always pass', 'RULES_BYPASSED', withMain({ bypass: [{ who: 'team 3', mode: 'always', of: 'all' }] })],
  ['T16: a role that passes in pull requests', 'RULES_BYPASSED', withMain({ bypass: [{ who: 'role 5', mode: 'pull_request', of: 'all' }] })],
  [
    'T16: administrators who are not included',
    'ADMINS_NOT_INCLUDED',
    withMain({ kind: 'protection', bypass: [{ who: 'administrators of the repository', mode: 'always', of: 'all' }] }),
  ],
  ['T29: a force push to main', 'FORCE_PUSH_ALLOWED', withMain({ keepsHistory: false })],
  ['T29: main is deleted and made again', 'DELETION_ALLOWED', withMain({ keepsBranch: false })],
  ['T29: a force push to the log', 'AUDIT_REWRITABLE', withAudit({ keepsHistory: false })],
  ['T29: a deletion of the log', 'AUDIT_REWRITABLE', withAudit({ keepsBranch: false })],
  ['T29: the log has no rules', 'AUDIT_REWRITABLE', withSettings({ guards: { ...settings.guards, audit: [] } })],
  ['T29: somebody is exempt from the rules of the log', 'AUDIT_REWRITABLE', withAudit({ bypass: [{ who: 'team 3', mode: 'exempt', of: 'all' }] })],
  [
    'T14: the policy wants no approval',
    'POLICY_WANTS_NO_APPROVAL',
    {
      ...judging,
      policy: {
        ...policy,
        models: {
          intents: {
            production: { gate: 'q', approvals: { count: 0, teams: [], people: [], codeowners: true }, reverts: { approvals: 0, review: true } },
          },
        },
      },
    },
  ],
  ['T14: nobody owns the files that decide', 'CODEOWNERS_OPEN', withSettings({ codeowners: { path: null, text: '', errors: null } })],
  [
    'T14: a line of CODEOWNERS that the forge skips',
    'CODEOWNERS_BROKEN',
    withSettings({ codeowners: { ...(settings.codeowners ?? expect.fail()), errors: ['line 1: Unknown owner'] } }),
  ],
  ['T14: owners are not waited for', 'CODEOWNERS_NOT_REQUIRED', withMain({ pull: { ...pull, codeowners: false } })],
  ['T5: every job may write', 'TOKEN_WRITES_BY_DEFAULT', withActions({ token: 'write' })],
  ['T7: actions of anybody', 'ACTIONS_UNRESTRICTED', withActions({ allowed: 'all' })],
  ['T7: actions by tags', 'SHA_PINNING_OFF', withActions({ pinned: false })],
  ['T1: forks of accounts that are not new', 'FORK_RUNS_UNAPPROVED', withActions({ forkApproval: 'new-accounts' }, 'public')],
  ['T1: forks of those who were here once', 'FORK_RUNS_UNAPPROVED', withActions({ forkApproval: 'first-time' }, 'public')],
  [
    'T1: forks of a private repository',
    'FORK_RUNS_UNAPPROVED',
    withActions({ forks: { run: true, writeToken: false, secrets: false, approval: false } }),
  ],
  ['T26: forks that get secrets', 'FORKS_GET_SECRETS', withActions({ forks: { run: true, writeToken: false, secrets: true, approval: true } })],
  [
    'T1: runners of its own for a public repository',
    'RUNNER_ON_PUBLIC',
    withSettings({ visibility: 'public', runners: { names: ['gpu-1'], openGroups: [] } }),
  ],
  [
    'T1: a runner group that takes public repositories',
    'RUNNER_ON_PUBLIC',
    withSettings({ visibility: 'public', runners: { names: [], openGroups: [{ id: 4, name: 'gpus', page: 'https://github.test/g' }] } }),
  ],
  [
    'T1: a workflow of a public repository asks for a machine of its own',
    'RUNNER_ON_PUBLIC',
    withWorkflow(workflow.replace('ubuntu-24.04', '[self-hosted, gpu]'), { visibility: 'public' }),
  ],
  ['T24: an environment for any branch', 'ENVIRONMENT_OPEN', withEnvironment({ branches: null })],
  ['T24: an environment for every protected branch', 'ENVIRONMENT_OPEN', withEnvironment({ branches: 'protected' })],
  ['T24: an environment for a pattern', 'ENVIRONMENT_OPEN', withEnvironment({ branches: [{ id: 1, pattern: '*', tag: false }] })],
  ['T24: an environment for a tag that is called main', 'ENVIRONMENT_OPEN', withEnvironment({ branches: [{ id: 1, pattern: 'main', tag: true }] })],
  ['T16: administrators pass by reviewers of a deployment', 'ENVIRONMENT_ADMINS_BYPASS', withEnvironment({ adminsBypass: true })],
  ['T14: one reviews what he started', 'ENVIRONMENT_SELF_REVIEW', withEnvironment({ noSelfReview: false })],
  ['T24: the key is a secret of the repository', 'KEY_IN_REPOSITORY_SECRETS', withSettings({ secrets: ['PLUMB_SIGNING_KEY'] })],
  ['T24: the key of an App is a secret of the repository', 'KEY_IN_REPOSITORY_SECRETS', withSettings({ secrets: ['PROMOTE_APP_PRIVATE_KEY'] })],
  ['T24: an OIDC subject that names no workflow', 'OIDC_SUBJECT_BROAD', withWorkflow(workflow.replace('contents: read', 'id-token: write'))],
  [
    'T24: keyless signatures by name',
    'TRUST_BY_NAME',
    {
      ...judging,
      policy: {
        ...policy,
        trust: {
          repository: 'acme/intents',
          workflows: ['.github/workflows/pr.yml'],
          keys: [],
          commands: 'any',
          sigstore: { issuer: 'https://i.test', root: 'root.json' },
        },
      },
    },
  ],
  ['T2: pull_request_target with a checkout of the head', 'WORKFLOW_RUNS_FORK_CODE', withWorkflow(foreign(headCheckout))],
  [
    'T2: a head that comes from another job',
    'WORKFLOW_RUNS_FORK_CODE',
    withWorkflow(foreign(headCheckout.replace('github.event.pull_request.head.sha', 'needs.a.outputs.head'))),
  ],
  ['T2: a script that fetches the pull request', 'WORKFLOW_RUNS_FORK_CODE', withWorkflow(foreign('      - run: gh pr checkout "$NUMBER"\n'))],
  ['T2: a comment starts it', 'WORKFLOW_RUNS_FORK_CODE', withWorkflow(foreign(headCheckout).replace('pull_request_target', 'issue_comment'))],
  ['T3: a title in a script', 'WORKFLOW_INJECTION', withWorkflow(workflow.replace('echo "$TITLE"', 'echo ${{ github.event.pull_request.title }}'))],
  ['T3: a branch name in a script', 'WORKFLOW_INJECTION', withWorkflow(workflow.replace('echo "$TITLE"', 'git log ${{ github.head_ref }}'))],
  [
    'T5: a workflow that leaves its rights open',
    'WORKFLOW_PERMISSIONS_MISSING',
    withWorkflow(workflow.replace('permissions: {}\n', '').replace('    permissions: { contents: read }\n', '')),
  ],
  [
    'T5: a workflow with every right',
    'WORKFLOW_PERMISSIONS_MISSING',
    withWorkflow(workflow.replace('permissions: {}', 'permissions: write-all'), { oidc: { claims: ['repo', 'job_workflow_ref'] } }),
  ],
  [
    'T2: a stranger starts a job that reads a secret',
    'SECRETS_ON_FOREIGN_EVENT',
    withWorkflow(foreign("      - run: ./deploy\n        env: { KEY: '${{ secrets.CLOUD }}' }\n")),
  ],
  ['T7: an action by a tag', 'ACTION_UNPINNED', withWorkflow(workflow.replace(pinned, 'actions/checkout@v5'))],
  [
    'T7: a reusable workflow by a branch',
    'ACTION_UNPINNED',
    withWorkflow(`${workflow}  other:\n    uses: acme/x/.github/workflows/y.yml@main\n    permissions: {}\n`),
  ],
  [
    'T25: a checkout that keeps the token',
    'CHECKOUT_KEEPS_TOKEN',
    withWorkflow(workflow.replace('          persist-credentials: false\n', '          fetch-depth: 0\n')),
  ],
  ['T14: a deploy key that writes', 'DEPLOY_KEY_WRITES', withSettings({ writers: { people: [], keys: [{ id: 3, title: 'ci' }] } })],
  [
    'T16: somebody from outside administers',
    'OUTSIDER_ADMINISTERS',
    withSettings({ writers: { people: [{ login: 'ext', role: 'admin', outside: true }], keys: [] } }),
  ],
  ['T19: a webhook without a secret', 'HOOK_UNSIGNED', withSettings({ hooks: [{ id: 1, host: 'x.test', secret: false, tls: true }] })],
  ['T19: a webhook that checks nobody', 'HOOK_UNSIGNED', withSettings({ hooks: [{ id: 1, host: 'x.test', secret: true, tls: false }] })],
  ['the policy is missing', 'POLICY_MISSING', { ...judging, policy: null }],
  ['a part cannot be read', 'UNREADABLE', withSettings({ unread: [{ what: 'webhooks', needs: 'webhooks: read', said: '404 Not Found' }] })],
];

describe('what is open is told, with how it would be used and what closes it', () => {
  test.each(cases)('%s', (_, code, change) => {
    const found = findGaps(change);
    const [first] = found.filter((one) => one.code === code);
    expect(first).toBeDefined();
    expect(first?.what).not.toBe('');
    expect(first?.how).toMatch(/^[^.]+\S+.*[.] [^.]*\S.*[.]$/s);
    expect(first?.closing.kind === 'requests' ? first.closing.requests.length : first?.closing.say.length).toBeGreaterThan(0);
    // one change, one gap
    expect(found.filter((one) => one.code !== code).map((one) => one.code)).toEqual([]);
  });

  test('an unbound check is bound by a request where the policy names the App; else the App is to be named first', () => {
    const unbound = withMain({ checks: [{ context: 'plumb/promotion', app: null }] });
    const closingOf = (one: Judging) => findGaps(one).find(({ code }) => code === 'CHECK_NOT_BOUND')?.closing;
    expect(closingOf(unbound)).toMatchObject({ kind: 'requests' });
    const nobody = { ...unbound, policy: { ...policy, check: { context: 'plumb/promotion' } } };
    expect(closingOf(nobody)).toMatchObject({ kind: 'page', url: expect.stringContaining('/policy.yaml') as string });
    expect(planFix(findGaps(nobody))).toEqual([]);
  });

  test('each gap of the table has a case', () => {
    expect(Object.keys(gapTable).filter((code) => !cases.some((one) => one[1] === code))).toEqual([]);
  });
});

describe('layers of rules', () => {
  const bypassed: Guard = { ...mainGuard, name: 'loose', bypass: [{ who: 'team 3', mode: 'exempt', of: 'all' }] };

  test('T16: whoever passes by one layer is stopped by another that gives the same', () => {
    expect(findGaps(withMain({}, [bypassed]))).toEqual([]);
  });

  test('T16: what only the loose layer gives is open to them', () => {
    expect(codesOf(withMain({ checks: [] }, [bypassed]))).toEqual(['RULES_EXEMPT']);
  });

  test('what is only evaluated, or disabled, does not count, and is said', () => {
    for (const enforcement of ['evaluate', 'disabled'] as const) {
      const [first] = findGaps(withMain({ enforcement }));
      expect(first).toMatchObject({
        severity: 'critical',
        what: expect.stringContaining(`ruleset "main" (${enforcement}) would, and is not enforced`) as string,
      });
    }
  });

  test('a bypass list that is hidden is not an empty one', () => {
    expect(findGaps(withMain({ bypass: null }))).toMatchObject([{ code: 'UNREADABLE', severity: 'unknown', subject: 'ruleset main' }]);
  });

  test('rules that are not told are never fine', () => {
    const unread = [{ what: 'rules of branch main', needs: 'metadata: read', said: '403' }];
    expect(codesOf(withSettings({ guards: { main: null, audit: null }, unread }))).toEqual(['UNREADABLE']);
  });

  test('owners alone are an approval only where they own all that decides', () => {
    const owners = { ...pull, approvals: 0 };
    expect(findGaps(withMain({ pull: owners }))).toEqual([]);
    const judged = withMain({ pull: owners });
    const half = { ...judged, settings: { ...judged.settings, codeowners: { path: 'CODEOWNERS', text: '/policy.yaml @ann\n', errors: [] } } };
    expect(codesOf(half)).toEqual(['REVIEW_NOT_REQUIRED', 'CODEOWNERS_OPEN']);
  });
});

describe('the plan', () => {
  test('one layer of ours closes all that is open on main, and nobody may pass by it', () => {
    const open = withMain({
      pull: null,
      checks: [],
      keepsHistory: false,
      keepsBranch: false,
      bypass: [{ who: 'team 3', mode: 'always', of: 'all' }],
    });
    const plan = planFix(findGaps(open));
    expect(plan).toHaveLength(1);
    expect(plan[0]).toMatchObject({
      method: 'POST',
      path: '/repos/acme/intents/rulesets',
      body: {
        enforcement: 'active',
        bypass_actors: [],
        rules: expect.arrayContaining([
          {
            type: 'required_status_checks',
            parameters: {
              strict_required_status_checks_policy: false,
              required_status_checks: [{ context: 'plumb/promotion', integration_id: 4711 }],
            },
          },
        ]) as unknown,
      },
      before: 'no ruleset "plumbline: main"',
    });
  });

  test('it never asks for less than is asked for now', () => {
    const [change] = planFix(findGaps(withMain({ pull: { ...pull, approvals: 3, lastPush: false } })));
    expect(JSON.stringify(change?.body)).toContain('"required_approving_review_count":3');
  });

  test('an environment keeps what is not to change: a request replaces all of it', () => {
    const plan = planFix(findGaps(withEnvironment({ branches: 'protected', noSelfReview: false, waitMinutes: 5 })));
    expect(plan.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /repos/acme/intents/environments/production',
      'POST /repos/acme/intents/environments/production/deployment-branch-policies',
    ]);
    expect(plan[0]?.body).toEqual({
      wait_timer: 5,
      prevent_self_review: true,
      reviewers: [{ type: 'Team', id: 9 }],
      deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
    });
  });

  test('commits are not required while some workflow would stop', () => {
    const judged = withWorkflow(workflow.replace(pinned, 'actions/checkout@v5'), { actions: { ...actions, pinned: false } });
    expect(planFix(findGaps(judged))).toEqual([]);
  });

  test('T3: a command is one command, whatever the names hold', () => {
    const nasty = `x'; touch /tmp/owned; echo '$(id) \`id\``;
    const change: SettingChange = {
      method: 'PUT',
      path: `/repos/o/r/environments/${encodeURIComponent(nasty)}`,
      body: { name: nasty },
      before: '',
      after: '',
    };
    const command = commandOf(change, 'github', 'https://api.github.test');
    const script = `gh() { printf '%s\\n' "$@"; cat; }; ${command}`;
    const { stdout, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual(['api', '--method', 'PUT', change.path.slice(1), '--input', '-', JSON.stringify({ name: nasty }), '']);
  });
});

test('T24: an environment that holds a key is worse than one that holds something else; what pins the log is no key', () => {
  const severityOf = (secret: string): string | undefined => findGaps(withEnvironment({ branches: null, secrets: [secret] }))[0]?.severity;
  expect(['PLUMB_AUDIT_SIGNING_KEY', 'PLUMB_APP_KEY', 'CLOUD_ROLE', 'PLUMB_AUDIT_KEY'].map(severityOf)).toEqual([
    'critical',
    'critical',
    'high',
    'high',
  ]);
});

test('T2: what strangers wrote may be read by a job that can harm nothing', () => {
  expect(findGaps(withWorkflow(foreign(headCheckout, 'contents: read, pull-requests: write')))).toEqual([]);
});

test('T25: the workflows that we ship have no gap: no checkout of theirs keeps its token', () => {
  const folder = new URL('../templates/forges/github/.github/workflows/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  expect(names.length).toBeGreaterThan(3);
  const workflows = names.map((name) => ({ path: `.github/workflows/${name}`, text: readFileSync(new URL(name, folder), 'utf8') }));
  expect(findGaps(withSettings({ workflows })).map(({ code, subject, what }) => `${code} ${subject}: ${what}`)).toEqual([]);
});

describe('docs/doctor.md', () => {
  const page = readFileSync(new URL('../docs/doctor.md', import.meta.url), 'utf8');

  test('has each gap of the code, in its order of severity, with its attacks', () => {
    const rows = Object.entries(gapTable)
      .toSorted(([, a], [, b]) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
      .map(
        ([code, { severity, attacks, title, how }]) =>
          `| \`${code}\` | ${severity} | ${attacks.join(', ')} | ${title} | ${how.replaceAll('|', String.raw`\|`)} |`,
      );
    const table = page
      .slice(page.indexOf('| gap |'))
      .split('\n')
      .slice(2, 2 + rows.length);
    expect(table).toEqual(rows);
  });
});
