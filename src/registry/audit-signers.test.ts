// A log that jobs sign by their identity: real certificates, of authorities that this machine made.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLocalSigstore, type Claims, type LocalSigstore } from '../pipeline/sigstore.fixture.ts';
import { keySigner, openSigner, planRecords, type DecisionDraft, type LogSigner } from './audit-append.ts';
import { LogWriter, newKey } from './audit.fixture.ts';
import { readLog, soundLog, type DecisionLog } from './decision-log.ts';
import { ExampleRepository, good, parsedPolicy, policyText } from './example.fixture.ts';

let sigstore: LocalSigstore;
let repository: ExampleRepository;
let writer: LogWriter;
let policy: string;
let root: string;
const run = 'https://github.com/acme/intents/actions/runs/100';
const claims: Omit<Claims, 'sha'> = {
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'acme/intents',
  repositoryId: '42',
  ref: 'refs/heads/main',
  workflow: '.github/workflows/deploy.yml@refs/heads/main',
  workflowSha: 'b'.repeat(40),
  event: 'push',
  run: '/actions/runs/100/attempts/2',
};

beforeAll(async () => {
  sigstore = await openLocalSigstore();
  repository = await ExampleRepository.make();
  root = sigstore.root({ log: true });
  policy = `${policyText}trust:
  repository: acme/intents
  repositoryId: "42"
  workflows: [.github/workflows/deploy.yml]
  sigstore: { root: trust/root.json, fulcio: "${sigstore.url}", rekor: "${sigstore.url}" }
audit:
  workflows: [.github/workflows/deploy.yml]
`;
  await repository.write({ 'policy.yaml': policy, 'trust/root.json': root });
  await repository.commitAll('a log that jobs sign');
  writer = new LogWriter(repository, signerOf({}));
  await writer.record({ kind: 'start', by: { kind: 'job', name: 'deploy', run } });
  await repository.promote({ candidate: good, stage: 'staging', policyText: policy });
  [log, draft] = [await writer.log(), await writer.draft({ by: { kind: 'job', name: 'deploy', run } })];
}, 60_000);
afterAll(async () => {
  sigstore.close();
  await repository.remove();
});

function signerOf(wish: Partial<Claims>): LogSigner {
  return openSigner(sigstore.jobEnv({ ...claims, sha: 'a'.repeat(40), ...wish }), parsedPolicy(policy), root);
}

let log: DecisionLog;
let draft: DecisionDraft;
const plan = (signer: LogSigner): Promise<unknown> => planRecords({ git: repository.git, prefix: '', log, drafts: [draft], signer });

describe('T29: what a job signs counts only when it is the job that the policy names', () => {
  const others: [string, Partial<Claims>][] = [
    ['in the repository', { repository: 'mallory/intents' }],
    ['another repository that is called', { repositoryId: '43' }],
    ['not of refs/heads/main', { ref: 'refs/heads/topic', workflow: '.github/workflows/deploy.yml@refs/heads/topic' }],
    ['which the policy that was in force does not name', { workflow: '.github/workflows/other.yml@refs/heads/main' }],
    ['which the policy that was in force does not name', { workflow: '.github/workflows/deploy.yml@refs/pull/7/merge' }],
    ['started by pull_request_target', { event: 'pull_request_target' }],
    ['started by issue_comment', { event: 'issue_comment' }],
    ['another run', { run: '/actions/runs/1000/attempts/1' }],
  ];
  test.each(others)('T29: refused: %s %j', async (why, wish) => {
    await expect(plan(signerOf(wish))).rejects.toMatchObject({ code: 'AUDIT_SIGNER', message: expect.stringContaining(why) });
  });

  test('T29: a key that the policy does not name signs nothing', async () => {
    await expect(plan(keySigner(newKey()))).rejects.toMatchObject({ code: 'AUDIT_SIGNER' });
    expect(() => openSigner({ PLUMB_AUDIT_SIGNING_KEY: 'no key' }, parsedPolicy(policy), root)).toThrow(/PLUMB_AUDIT_SIGNING_KEY is no Ed25519/);
  });

  test('the job of the main branch signs; a clone verifies it without network', async () => {
    await writer.append([draft]);
    log = soundLog(await writer.log());
    expect(log.records.map(({ signedBy }) => signedBy)).toEqual(
      [0, 1].map(() => ({ kind: 'sigstore', name: 'https://github.com/acme/intents/.github/workflows/deploy.yml@refs/heads/main' })),
    );
    expect(log.signers?.jobs).toMatchObject({ repository: 'acme/intents', repositoryId: '42', workflows: ['.github/workflows/deploy.yml'] });
    const pin = log.records[0]?.digest ?? '';
    const again = await readLog({ git: repository.git, prefix: '', ref: log.ref, main: log.last ?? '', pin });
    expect(again).toMatchObject({ trust: 'pinned', findings: [] });
  });
});
