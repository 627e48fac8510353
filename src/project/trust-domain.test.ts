import fc from 'fast-check';
import { expect, test } from 'vitest';
import { domainOf, domainText, parseDomain } from './trust-domain.ts';

const job = { CI: 'true', GITHUB_ACTIONS: 'true' };
const repository = { default_branch: 'main', full_name: 'acme/intents' };
const pull = (head: string | null): unknown => ({
  pull_request: {
    number: 7,
    head: { sha: 'a'.repeat(40), repo: head === null ? null : { full_name: head } },
    base: { repo: { full_name: 'acme/intents' } },
  },
});

const cases: readonly [what: string, env: Record<string, string>, event: unknown, expected: string][] = [
  ['a laptop', {}, undefined, 'laptop'],
  ['a laptop with CI=false', { CI: 'false' }, undefined, 'laptop'],
  ['a push to main', { ...job, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' }, { repository }, 'trusted'],
  ['a schedule on main', { ...job, GITHUB_EVENT_NAME: 'schedule', GITHUB_REF: 'refs/heads/main' }, { repository }, 'trusted'],
  [
    'a start by hand on main',
    { ...job, GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main' },
    { repository, inputs: null },
    'trusted',
  ],
  ['a pull request', { ...job, GITHUB_EVENT_NAME: 'pull_request' }, pull('acme/intents'), 'pull-7'],
  ['a pull request of a fork', { ...job, GITHUB_EVENT_NAME: 'pull_request' }, pull('mallory/intents'), 'fork-7'],
  ['a pull request of a fork that is gone', { ...job, GITHUB_EVENT_NAME: 'pull_request' }, pull(null), 'fork-7'],
  [
    'a merge queue',
    { ...job, GITHUB_EVENT_NAME: 'merge_group', GITHUB_REF: `refs/heads/gh-readonly-queue/main/pr-7-${'b'.repeat(40)}` },
    { repository },
    'pull-7',
  ],
  [
    'a start by hand for a pull request',
    { ...job, GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main' },
    { repository, inputs: { pull: '7', fork: 'false' } },
    'pull-7',
  ],
  [
    'a start by hand for a pull request that does not say whose',
    { ...job, GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main' },
    { repository, inputs: { pull: '7' } },
    'fork-7',
  ],
  ['what is said', { ...job, PLUMB_RUN_DOMAIN: 'fork-3', GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' }, { repository }, 'fork-3'],
];

test.each(cases)('%s', (_, env, event, expected) => {
  expect(domainText(domainOf(env, () => event))).toBe(expected);
});

test.each<[string, Record<string, string>, unknown]>([
  ['an unknown CI', { CI: '1' }, undefined],
  ['a push to another branch', { ...job, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/topic' }, { repository }],
  ['a tag called main', { ...job, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/tags/main' }, { repository }],
  ['a push whose event is not there', { ...job, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' }, undefined],
  ['pull_request_target', { ...job, GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_REF: 'refs/heads/main' }, pull('mallory/intents')],
  ['a comment', { ...job, GITHUB_EVENT_NAME: 'issue_comment', GITHUB_REF: 'refs/heads/main' }, { repository }],
  ['a number that is none', { ...job, GITHUB_EVENT_NAME: 'workflow_dispatch' }, { repository, inputs: { pull: '7/../trusted', fork: 'false' } }],
  ['a domain that is none', { PLUMB_RUN_DOMAIN: 'pull-0' }, undefined],
])('T6, T27: %s is never taken for a laptop or for main', (_, env, event) => {
  expect(() => domainOf(env, () => event)).toThrow(expect.objectContaining({ code: 'RUN_DOMAIN' }));
});

test('a domain comes back from its text, and no other text is one', () => {
  fc.assert(
    fc.property(fc.constantFrom('pull', 'fork'), fc.integer({ min: 1, max: 2 ** 31 }), (kind, number) => {
      expect(domainText(parseDomain(`${kind}-${number}`) ?? { kind: 'laptop' })).toBe(`${kind}-${number}`);
    }),
  );
  for (const text of ['', 'main', 'pull', 'pull-', 'pull-07', 'pull--1', 'pull-1 ', 'pull-7\n', 'Trusted', 'pull-99999999999'])
    expect(parseDomain(text)).toBe(null);
});
