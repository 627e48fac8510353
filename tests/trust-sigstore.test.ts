// The same way without a key: jobs sign by their identity, and git is asked which workflow file they were made of.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLocalSigstore, type LocalSigstore } from '../src/pipeline/sigstore.fixture.ts';
import { allCached, Forge, whyOf, type Job } from './trust-forge.ts';

let sigstore: LocalSigstore;
beforeAll(async () => {
  sigstore = await openLocalSigstore();
});
afterAll(() => sigstore.close());

function open(): Forge {
  const forge = new Forge(`  sigstore: { root: sigstore.json, fulcio: "${sigstore.url}", rekor: "${sigstore.url}" }\n`);
  forge.commit({ 'sigstore.json': sigstore.root({ log: true }) }, 'whom we trust');
  return forge;
}

/** What the forge vouches for, whatever the job says; the commit of a pull request's merge is at the forge, and in no branch. */
function identify({ clone, env }: Job): Record<string, string> {
  const ref = env['GITHUB_REF'] ?? '';
  const commit = clone.git('rev-parse', 'HEAD');
  if (ref.startsWith('refs/pull/')) clone.git('push', '-q', 'origin', `HEAD:${ref}`);
  return sigstore.jobEnv({
    issuer: 'https://token.actions.githubusercontent.com',
    repository: 'acme/intents',
    repositoryId: '42',
    ref,
    sha: commit,
    workflow: (env['GITHUB_WORKFLOW_REF'] ?? '').slice('acme/intents/'.length),
    workflowSha: commit,
    event: env['GITHUB_EVENT_NAME'] ?? '',
    run: `/actions/runs/${env['GITHUB_RUN_ID']}/attempts/1`,
  });
}

test('jobs that sign by their identity: after a merge main runs nothing', async () => {
  using forge = open();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  expect((await pull.plumb(['ci', 'publish'], identify(pull))).json).toMatchObject({ signed: 'sigstore' });
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  expect(await main.run()).toBe(allCached);
  await main.plumb(['ci', 'publish'], identify(main));
  expect(await forge.main().run()).toBe(allCached);
});

test('T12: a job cannot say that its workflow was another', async () => {
  using forge = open();
  forge.branch('topic', { 'left.txt': 'better\n', '.github/workflows/pr.yml': 'name: evil\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  const env = identify(pull);
  // with GITHUB_WORKFLOW_SHA at will, the statement names the file of main
  await pull.plumb(['ci', 'publish'], { ...env, GITHUB_WORKFLOW_SHA: forge.project.git('rev-parse', 'main') });
  forge.project.git('switch', '-q', 'topic');
  const head = forge.commit({ '.github/workflows/pr.yml': 'name: pr\n' }, 'as it was');
  forge.project.git('switch', '-q', 'main');
  forge.merge('topic');
  const answer = await forge.main(`7@${head}`).plumb(['run', 'left']);
  expect(whyOf(answer, 'left')).toContain('it was signed by a .github/workflows/pr.yml that the main branch never had');
});
