// Settings in which the doctor finds nothing, to change one thing at a time.
import type { ForgeSettings, Guard } from '../src/forge/settings.ts';
import type { Judging } from '../src/ci/doctor.ts';
import { policySchema, type Policy } from '../src/registry/schema.ts';

export const app = 4711;

export const policyText = `version: 1
models:
  intents:
    production: { gate: quality, approvals: { count: 2 } }
gates:
  quality: [{ metric: accuracy, at_least: 0.8 }]
check: { app: ${app} }
audit: { keys: [{ name: log, public: AAAA }] }
`;

export const policy: Policy = policySchema.parse({
  version: 1,
  models: { intents: { production: { gate: 'quality', approvals: { count: 2 } } } },
  gates: { quality: [{ metric: 'accuracy', at_least: 0.8 }] },
  check: { app },
  audit: { keys: [{ name: 'log', public: 'AAAA' }] },
});

export const workflow = `on:
  pull_request:
permissions: {}
jobs:
  train:
    runs-on: ubuntu-24.04
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          persist-credentials: false
      - run: echo "$TITLE"
        env:
          TITLE: \${{ github.event.pull_request.title }}
`;

export const codeowners = `/.github/ @acme/maintainers
/policy.yaml @acme/maintainers
`;

export const mainGuard: Guard = {
  kind: 'ruleset',
  name: 'main',
  id: 1,
  source: 'acme/intents',
  page: 'https://github.test/acme/intents/rules/1',
  enforcement: 'active',
  bypass: [],
  pull: { approvals: 1, codeowners: true, dismissesStale: true, lastPush: true },
  checks: [{ context: 'plumb/promotion', app }],
  keepsHistory: true,
  keepsBranch: true,
};

export const logGuard: Guard = { ...mainGuard, name: 'log', id: 2, pull: null, checks: [] };

export const settings: ForgeSettings = {
  forge: 'github',
  repository: 'acme/intents',
  page: 'https://github.test/acme/intents',
  visibility: 'private',
  organization: 'acme',
  main: 'main',
  token: { push: true, administer: true },
  merges: { methods: ['squash'], auto: false },
  guards: { main: [mainGuard], audit: [logGuard] },
  environments: [
    {
      name: 'production',
      branches: [{ id: 7, pattern: 'main', tag: false }],
      reviewers: [{ type: 'Team', id: 9, name: 'release' }],
      noSelfReview: true,
      waitMinutes: 0,
      adminsBypass: false,
      secrets: ['PLUMB_AUDIT_SIGNING_KEY'],
      page: 'https://github.test/acme/intents/settings/environments/1/edit',
    },
  ],
  secrets: ['AWS_ROLE'],
  actions: {
    enabled: true,
    allowed: 'selected',
    pinned: true,
    token: 'read',
    approvesPulls: false,
    forkApproval: null,
    forks: { run: false, writeToken: false, secrets: false, approval: true },
  },
  runners: { names: [], openGroups: [] },
  codeowners: { path: '.github/CODEOWNERS', text: codeowners, errors: [] },
  writers: { people: [{ login: 'ann', role: 'admin', outside: false }], keys: [] },
  workflows: [{ path: '.github/workflows/pr.yml', text: workflow }],
  hooks: [{ id: 1, host: 'models.acme.test', secret: true, tls: true }],
  oidc: { claims: null },
  unread: [],
};

export const judging: Judging = { settings, policy, prefix: '' };

export function withSettings(change: Partial<ForgeSettings>): Judging {
  return { ...judging, settings: { ...settings, ...change } };
}

/** The rules of main, changed. */
export function withMain(change: Partial<Guard>, more: readonly Guard[] = []): Judging {
  return withSettings({ guards: { ...settings.guards, main: [{ ...mainGuard, ...change }, ...more] } });
}

export function withWorkflow(text: string, change: Partial<ForgeSettings> = {}): Judging {
  return withSettings({ ...change, workflows: [{ path: '.github/workflows/x.yml', text }] });
}
