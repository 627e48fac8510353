// Every way in which a run record could come from somewhere else than it says, and what is made of it: signatures are real, decisions are pure.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { parseDomain, type TrustDomain } from '../project/trust-domain.ts';
import { publicText, signStatement, statementOf, verifyEnvelope, type Checked, type Job } from './attestation.ts';
import { decideReuse, domainsToAsk, type MergedPull, type ReuseQuestion } from './decide-reuse.ts';
import type { RunRecord } from './run-record.ts';
import { trustPolicySchema } from './trust-policy.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519').privateKey;
const [merged, earlier, blob] = ['c'.repeat(40), 'd'.repeat(40), 'e'.repeat(40)];

const policy = {
  repository: 'acme/intents',
  workflows: ['.github/workflows/pr.yml', '.github/workflows/main.yml'],
  keys: [{ name: 'ci', public: publicText(privateKey) }],
};

const pullJob: Job = {
  repository: 'acme/intents',
  repositoryId: '42',
  ref: 'refs/pull/7/merge',
  commit: merged,
  checkedOut: 'f'.repeat(40),
  workflow: { path: '.github/workflows/pr.yml', blob },
  event: 'pull_request',
  runId: '100',
  attempt: 1,
};
const mainJob: Job = { ...pullJob, ref: 'refs/heads/main', event: 'push', workflow: { path: '.github/workflows/main.yml', blob: '0'.repeat(40) } };

const ofCommand = { builder: { kind: 'ci' }, command: { cmd: './train.sh' } } as unknown as RunRecord;
const ofStep = { builder: { kind: 'ci' }, command: { uses: 'plumb/split', version: 1, with: {} } } as unknown as RunRecord;
const ofRecalled = { ...ofStep, recalled: true } as RunRecord;
const ofLaptop = { ...ofCommand, builder: { kind: 'laptop' } } as RunRecord;
const run = digestOf('the record');

interface Case {
  readonly reader?: string;
  readonly found?: string;
  readonly record?: RunRecord;
  readonly own?: boolean;
  readonly merged?: readonly MergedPull[];
  readonly job?: Partial<Job>;
  readonly signedFor?: string;
  readonly of?: string;
  readonly signature?: 'none' | 'stranger' | 'spoiled';
  readonly trust?: Record<string, unknown> | null;
  readonly blobs?: readonly string[];
  /** part of the reason; absent: it is reused */
  readonly why?: string;
}

/** A run of pull request 7, asked for on main after the merge; each case changes something. */
function question(of: Case): ReuseQuestion {
  const domain = (text: string): TrustDomain => parseDomain(text) ?? expect.fail(text);
  const found = of.found ?? 'pull-7';
  const job = { ...(found === 'trusted' ? mainJob : pullJob), ...of.job };
  const statement = statementOf([{ stage: 'train', digest: digestOf(of.of ?? 'the record') }], of.signedFor ?? found, job);
  const note = signStatement(statement, of.signature === 'stranger' ? stranger : privateKey);
  const trust = of.trust === null ? null : trustPolicySchema.parse({ ...policy, ...of.trust });
  const spoiled = note.replace(/"payload":"../, '"payload":"AA');
  const attestation: Checked | null = of.signature === 'none' ? null : verifyEnvelope(of.signature === 'spoiled' ? spoiled : note, policy.keys);
  return {
    record: { digest: run, record: of.record ?? ofStep },
    found: domain(found),
    reader: domain(of.reader ?? 'trusted'),
    own: of.own ?? false,
    attestation,
    trust,
    main: 'main',
    merged: of.merged ?? [{ number: 7, head: merged }],
    workflowBlobs: new Set(of.blobs ?? [blob]),
  };
}

const strict = { commands: 'merged-head' };

const cases: Record<string, Case> = {
  'a merged pull request on main': {},
  'T6: a pull request that was not merged': { merged: [], why: 'which trusted does not build on' },
  'T6: of another pull request than the merged': { merged: [{ number: 8, head: null }], why: 'pull-7, which trusted does not build on' },
  'T6: without a signature': { signature: 'none', why: 'not signed' },
  'T6: signed by a key that nobody named': { signature: 'stranger', why: 'no key that policy.yaml names' },
  'a signature whose text was changed': { signature: 'spoiled', why: 'no key that policy.yaml names' },
  'T17: the signature of another record': { of: 'another record', why: 'one of other runs' },
  'T17: a signature for another domain, copied under the name of main': {
    found: 'trusted',
    signedFor: 'pull-7',
    job: pullJob,
    why: 'signed for pull-7',
  },
  'T17: a signature of pull request 8, copied under the name of 7': {
    signedFor: 'pull-8',
    job: { ref: 'refs/pull/8/merge' },
    why: 'signed for pull-8',
  },
  'T6: one that says it is for 7, by a job of 8': { job: { ref: 'refs/pull/8/merge' }, why: 'a job of refs/pull/8/merge' },
  'T6: one that says it is for main, by a job of a pull request': { found: 'trusted', job: pullJob, why: 'a job of refs/pull/7/merge' },
  'T6: one for main, by a job of another branch': { found: 'trusted', job: { ref: 'refs/heads/topic' }, why: 'a job of refs/heads/topic' },
  'T6: one for main, by a tag called main': { found: 'trusted', job: { ref: 'refs/tags/main' }, why: 'a job of refs/tags/main' },
  'of another repository': { job: { repository: 'mallory/intents' }, why: 'in the repository mallory/intents' },
  'of the repository, written otherwise': { job: { repository: 'Acme/Intents' } },
  'of a repository that took the name over': { trust: { repositoryId: '41' }, why: 'another repository that is called' },
  'of the repository by its number': { trust: { repositoryId: '42' } },
  'T12: by a workflow file that the pull request changed': {
    job: { workflow: { path: '.github/workflows/pr.yml', blob: 'a'.repeat(40) } },
    why: 'never had',
  },
  'by a workflow file that main had before': {
    job: { workflow: { path: '.github/workflows/pr.yml', blob: 'a'.repeat(40) } },
    blobs: [blob, 'a'.repeat(40)],
  },
  'by a workflow file that nobody can look at': { job: { workflow: { path: '.github/workflows/pr.yml', blob: null } }, why: 'not known' },
  'T12: by a workflow that the policy does not name': { job: { workflow: { path: '.github/workflows/evil.yml', blob } }, why: 'does not name' },
  'for main by a workflow that the policy does not name': {
    found: 'trusted',
    job: { workflow: { path: '.github/workflows/evil.yml', blob } },
    why: 'does not name',
  },
  'a run of main': { found: 'trusted' },
  'T6: a job that a comment started for a pull request, under the name of main': {
    found: 'trusted',
    job: { ref: 'refs/heads/main', event: 'workflow_dispatch' },
    why: 'started by hand or by a comment',
  },
  'a job of main that was started by hand, where the policy says which workflow speaks for main': {
    found: 'trusted',
    trust: { main: ['.github/workflows/main.yml'] },
    job: { ref: 'refs/heads/main', event: 'workflow_dispatch', workflow: { path: '.github/workflows/main.yml', blob } },
  },
  'T6: a workflow for pull requests, where the policy says which one speaks for main': {
    found: 'trusted',
    trust: { main: ['.github/workflows/main.yml'] },
    job: { ref: 'refs/heads/main', event: 'workflow_dispatch', workflow: { path: '.github/workflows/pr.yml', blob } },
    why: 'does not let speak for the main branch',
  },
  'a run of main in a pull request': { found: 'trusted', reader: 'pull-7' },
  'a run of main in the job of a fork': { found: 'trusted', reader: 'fork-7' },
  'T6: an unsigned run under the name of main, in a pull request': { found: 'trusted', reader: 'pull-7', signature: 'none', why: 'not signed' },
  'the pull request again': { reader: 'pull-7', merged: [] },
  'the pull request again, though it changed its workflow': { reader: 'pull-7', merged: [], blobs: [] },
  'T6: another pull request': { reader: 'pull-8', merged: [], why: 'which pull-8 does not build on' },
  'T6: in the pull request, signed by a job of another': { reader: 'pull-7', job: { ref: 'refs/pull/8/merge' }, why: 'a job of refs/pull/8/merge' },
  'T26: a run of a fork on main': { found: 'fork-7', why: 'fork-7, which trusted does not build on' },
  'T26: a run of a fork in a pull request of this repository': { found: 'fork-7', reader: 'pull-7', why: 'fork-7, which pull-7 does not build on' },
  'T26: a run of another fork': { found: 'fork-8', reader: 'fork-7', why: 'fork-8, which fork-7 does not build on' },
  'a fork again': { found: 'fork-7', reader: 'fork-7', signature: 'none' },
  'a check of a pull request that leaned on what a runner remembered': { record: ofRecalled, why: 'which a pull request can write' },
  'the same, in the pull request itself': { record: ofRecalled, reader: 'pull-7' },
  "a laptop's run in CI": { found: 'laptop', why: 'laptop, which trusted does not build on' },
  "a laptop's run under the name of main": { found: 'trusted', record: ofLaptop, why: 'on a laptop' },
  "a laptop's run on a laptop": { found: 'laptop', reader: 'laptop', record: ofLaptop, signature: 'none', trust: null },
  'a run of main on a laptop': { found: 'trusted', reader: 'laptop', signature: 'none' },
  'a run of a pull request on a laptop': { reader: 'laptop', merged: [], why: 'which laptop does not build on' },
  'what this job made': { found: 'trusted', own: true, signature: 'none' },
  'what this job made, under the name of another domain': { found: 'pull-7', own: true, signature: 'none', why: 'not signed' },
  'no policy: a merged pull request': { trust: null, why: 'no trust: section' },
  'no policy: a run of main': { found: 'trusted', trust: null, signature: 'none' },
  'no policy: the pull request again': { reader: 'pull-7', trust: null, signature: 'none' },
  'a command at the commit that was merged': { record: ofCommand, trust: strict },
  'a command at an earlier commit of the pull request': { record: ofCommand, trust: strict, job: { commit: earlier }, why: 'was merged' },
  'a command at an earlier commit, where that is allowed': { record: ofCommand, job: { commit: earlier } },
  'a command, where nobody knows which commit was merged': {
    record: ofCommand,
    trust: strict,
    merged: [{ number: 7, head: null }],
    why: 'not known',
  },
  'a built-in step at an earlier commit': { trust: strict, job: { commit: earlier } },
  'started on main by a comment in the pull request': { job: { ref: 'refs/heads/main', event: 'workflow_dispatch' } },
  'T6: a push to main does not speak for a pull request': { job: { ref: 'refs/heads/main', event: 'push' }, why: 'a job of refs/heads/main' },
  'a merge queue': { job: { event: 'merge_group', ref: `refs/heads/gh-readonly-queue/main/pr-7-${'a'.repeat(40)}` } },
  'the merge queue of another': {
    job: { event: 'merge_group', ref: `refs/heads/gh-readonly-queue/main/pr-77-${'a'.repeat(40)}` },
    why: 'a job of refs/heads/gh-readonly-queue',
  },
};

test.each(Object.entries(cases))('%s', (_, one) => {
  const decision = decideReuse(question(one));
  if (one.why === undefined) expect(decision).toEqual({ reuse: true });
  else expect(decision).toEqual({ reuse: false, why: expect.stringContaining(one.why) });
});

const domains = fc.oneof(
  fc.constantFrom('laptop', 'trusted'),
  fc.tuple(fc.constantFrom('pull', 'fork'), fc.integer({ min: 1, max: 3 })).map((parts) => parts.join('-')),
);

test('whatever is asked, main reuses nothing without a signature but what its job made, and nothing of a fork', () => {
  let asked = 0;
  fc.assert(
    fc.property(domains, fc.boolean(), fc.constantFrom(null, {}, strict), fc.subarray([1, 2, 3]), (found, own, trust, numbers) => {
      const pulls = numbers.map((number) => ({ number, head: merged }));
      const unsigned = decideReuse(question({ found, own, trust, merged: pulls, signature: 'none' }));
      asked += 1;
      // without a trust section nothing signed is demanded, and then only of main itself
      if (unsigned.reuse) expect(found === 'trusted' && (own || trust === null)).toBe(true);
      const signed = decideReuse(question({ found, own, trust, merged: pulls, signature: 'stranger' }));
      if (signed.reuse) expect(found === 'trusted' && (own || trust === null)).toBe(true);
      if (found.startsWith('fork')) expect(decideReuse(question({ found, own, trust, merged: pulls })).reuse).toBe(false);
    }),
  );
  expect(asked).toBeGreaterThan(50);
});

test('main asks for its own runs first, then for those of what was merged; nobody else asks for those of a pull request', () => {
  const asked = (reader: string): string[] =>
    domainsToAsk(parseDomain(reader) ?? expect.fail(reader), [{ number: 7, head: null }]).map((domain) =>
      'number' in domain ? `${domain.kind}-${domain.number}` : domain.kind,
    );
  expect(asked('trusted')).toEqual(['trusted', 'pull-7']);
  expect(asked('pull-8')).toEqual(['trusted', 'pull-8']);
  expect(asked('fork-8')).toEqual(['trusted', 'fork-8']);
  expect(asked('laptop')).toEqual(['laptop', 'trusted']);
});
