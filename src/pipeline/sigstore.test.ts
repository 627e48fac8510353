// Real certificates, time stamps and log entries, of authorities that this machine made: the public ones cannot be reached from a test.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { statementOf, type Job } from './attestation.ts';
import { openLocalSigstore, type Claims, type LocalSigstore } from './sigstore.fixture.ts';
import { signBundle, verifyBundle, type CheckedBundle } from './sigstore.ts';
import { trustPolicySchema } from './trust-policy.ts';

let local: LocalSigstore;
let other: LocalSigstore;
beforeAll(async () => {
  [local, other] = await Promise.all([openLocalSigstore(), openLocalSigstore()]);
});
afterAll(() => {
  local.close();
  other.close();
});

const issuer = 'https://token.actions.githubusercontent.com';
const [commit, workflowCommit] = ['a'.repeat(40), 'b'.repeat(40)];
const claims: Claims = {
  issuer,
  repository: 'acme/intents',
  repositoryId: '42',
  ref: 'refs/pull/7/merge',
  sha: commit,
  workflow: '.github/workflows/pr.yml@refs/pull/7/merge',
  workflowSha: workflowCommit,
  event: 'pull_request',
  run: '/actions/runs/100/attempts/2',
};
const job: Job = {
  repository: 'acme/intents',
  ref: 'refs/pull/7/merge',
  commit: 'c'.repeat(40),
  checkedOut: commit,
  workflow: { path: '.github/workflows/pr.yml', blob: null },
  event: 'pull_request',
  runId: '100',
  attempt: 2,
};

interface Wish {
  readonly by?: LocalSigstore;
  readonly log?: boolean;
  readonly claims?: Partial<Claims>;
  readonly job?: Partial<Job>;
}

function signed(wish: Wish = {}): Promise<string> {
  const by = wish.by ?? local;
  const urls = { fulcio: by.url, ...(wish.log === false ? { timestamps: by.url } : { rekor: by.url }) };
  const { sigstore } = trustPolicySchema.parse({
    repository: 'acme/intents',
    workflows: ['.github/workflows/pr.yml'],
    sigstore: { root: 'root.json', ...urls },
  });
  if (sigstore === undefined) throw new Error('no policy');
  const statement = statementOf([{ stage: 'train', digest: digestOf('record') }], 'pull-7', { ...job, ...wish.job });
  return signBundle(statement, sigstore, by.root({ log: wish.log !== false }), by.jobEnv({ ...claims, ...wish.claims }));
}

function verified(bundle: string, root = local.root({ log: true })): CheckedBundle {
  return verifyBundle(bundle, { issuer, root });
}

const refusedFor = (why: string): object => ({ state: 'refused', why: expect.stringContaining(why) });

test('a job signs by its identity, with a log or with a time stamp', async () => {
  const expected = {
    state: 'verified',
    workflowCommit,
    by: { kind: 'sigstore', name: 'https://github.com/acme/intents/.github/workflows/pr.yml@refs/pull/7/merge' },
    // the number of the repository is the forge's word, not the job's
    statement: { predicate: { domain: 'pull-7', job: { ...job, repositoryId: '42' } } },
  };
  const logged = await signed();
  expect(logged).not.toContain('\n');
  expect(verified(logged)).toMatchObject(expected);
  expect(verified(await signed({ log: false }), local.root({ log: false }))).toMatchObject(expected);
});

test('of another authority, a retired one, or without what the root demands: refused', async () => {
  const [mine, theirs, stamped] = await Promise.all([signed(), signed({ by: other }), signed({ log: false })]);
  expect(verified(theirs)).toMatchObject(refusedFor('does not hold'));
  expect(verified(theirs, other.root({ log: true })).state).toBe('verified');
  expect(verified(mine, local.root({ log: true, until: '2021-01-01T00:00:00Z' }))).toMatchObject(refusedFor('certificate'));
  expect(verified(stamped)).toMatchObject(refusedFor('expected 1 tlog entries'));
  expect(verified(mine, '{}')).toMatchObject(refusedFor('does not hold'));
  for (const text of ['', '{}', '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}']) expect(verified(text).state).toBe('refused');
});

test('T24: an identity of another issuer is refused', async () => {
  expect(verified(await signed({ claims: { issuer: 'https://gitlab.example.org' } }))).toMatchObject(refusedFor('issuer'));
});

test.each<[string, Wish]>([
  ['the repository', { job: { repository: 'acme/other' } }],
  ['the ref', { job: { ref: 'refs/heads/main' } }],
  ['the commit', { job: { checkedOut: 'd'.repeat(40) } }],
  ['the event', { job: { event: 'push' } }],
  ['the workflow', { job: { workflow: { path: '.github/workflows/main.yml', blob: null } } }],
  ['the workflow', { claims: { workflow: '.github/workflows/pr.yml.evil.yml@refs/pull/7/merge' } }],
  ['the run', { job: { runId: '00' } }],
  ['the run', { job: { attempt: 1 } }],
])('a job that lies about %s is refused', async (what, wish) => {
  expect(verified(await signed(wish))).toMatchObject(refusedFor(`differ in ${what}`));
});

test('a bundle whose statement was changed is refused', async () => {
  const bundle = JSON.parse(await signed()) as { dsseEnvelope: { payload: string } };
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replace('pull-7', 'trusted');
  bundle.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
  expect(verified(JSON.stringify(bundle))).toMatchObject(refusedFor('does not hold'));
});

test('a job without an identity signs nothing, and no token is told', async () => {
  const { sigstore } = trustPolicySchema.parse({
    repository: 'a/b',
    workflows: ['.github/workflows/pr.yml'],
    sigstore: { root: 'r', fulcio: local.url },
  });
  const statement = statementOf([{ stage: 'train', digest: digestOf('record') }], 'pull-7', job);
  const env = { ...local.jobEnv(claims), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'sesame' };
  await expect(signBundle(statement, sigstore as never, local.root({ log: true }), env)).rejects.toThrow(
    expect.objectContaining({ code: 'SIGNING_FAILED', message: expect.not.stringContaining('sesame') }),
  );
});
