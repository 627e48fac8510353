// What somebody who may push a branch, or write to the remote, tries in order to have his results reused on main.
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalJson } from '../src/base/canonical.ts';
import { digestOf, type Digest } from '../src/base/digest.ts';
import type { RunRecord } from '../src/pipeline/run-record.ts';
import { allCached, allRan, Forge, key, statesOf, whyOf, type Job } from './trust-forge.ts';

test('T6: what was forged in the domain of a pull request is not reused on main, and is said', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  const stranger = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect((await pull.publish(stranger)).stderr).toContain('does not name the public half');
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  const answer = await main.plumb(['run']);
  expect(statesOf(answer)).toBe(allRan);
  expect(whyOf(answer, 'left')).toContain('a run of this was there, but no key that policy.yaml names has signed it');
  // whoever writes to the remote can copy names, not what was signed
  await main.publish();
  const names = join(forge.project.remote, 'names');
  const [name = ''] = readdirSync(join(names, 'pull7'));
  writeFileSync(join(names, 'trusted', name), readFileSync(join(names, 'pull7', name)));
  expect(await forge.main().run()).toMatch(/ ran/);
  // and main takes its name back
  const again = forge.main();
  await again.run();
  await again.publish();
  expect(await forge.main().run()).toBe(allCached);
});

test('T6: what a pull request left in the cache of a runner is judged as what it left in the remote', async () => {
  using forge = new Forge();
  const shared = { PLUMB_CACHE: join(forge.project.top, 'shared-cache') };
  const pull = forge.pull(7, 'main');
  await pull.plumb(['run'], shared);
  const names = join(shared.PLUMB_CACHE, 'names');
  cpSync(join(names, 'pull7'), join(names, 'trusted'), { recursive: true });
  const main = forge.main();
  // the list of what a job made is of no use to another job
  cpSync(pull.clone.path('.plumb/job-runs.log'), main.clone.path('.plumb/job-runs.log'));
  const answer = await main.plumb(['run'], shared);
  expect(statesOf(answer)).toBe(allRan);
  expect(whyOf(answer, 'left')).toContain('it is not signed');
});

test('T12: a workflow that the pull request changed on the way signs nothing that main reuses', async () => {
  using forge = new Forge();
  forge.branch('topic', { 'left.txt': 'better\n', '.github/workflows/pr.yml': 'name: evil\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  // its own next job may reuse it
  expect(await forge.pull(7, 'topic').run()).toBe(allCached);
  forge.project.git('switch', '-q', 'topic');
  const head = forge.commit({ '.github/workflows/pr.yml': 'name: pr\n' }, 'as it was');
  forge.project.git('switch', '-q', 'main');
  forge.merge('topic');
  const answer = await forge.main(`7@${head}`).plumb(['run', 'left']);
  expect(whyOf(answer, 'left')).toContain('it was signed by a .github/workflows/pr.yml that the main branch never had');
});

test('a command that was another before the merge counts only where the policy allows it', async () => {
  using forge = new Forge('  commands: merged-head\n');
  forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  forge.project.git('switch', '-q', 'topic');
  const head = forge.commit({ 'README.md': 'more\n' }, 'on top');
  forge.project.git('switch', '-q', 'main');
  forge.merge('topic');
  const answer = await forge.main(`7@${head}`).plumb(['run', 'left']);
  expect(whyOf(answer, 'left')).toContain('was merged');
});

test('T6: a command that writes a record in the name of another stage, and notes it as one of its job, gets no signature for that', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.plumb(['run', 'right']);
  const honest = JSON.parse(pull.clone.read(`.plumb/cache/${namedObject(pull)}`)) as RunRecord;
  rmSync(pull.clone.path('.plumb'), { recursive: true });
  await pull.plumb(['run', 'left']);
  // all this could be done by the command of `left`
  const keep = (text: string): Digest => {
    const digest = digestOf(text);
    mkdirSync(dirname(pull.clone.objectPath(digest)), { recursive: true });
    writeFileSync(pull.clone.objectPath(digest), text);
    return digest;
  };
  const evil = { kind: 'file' as const, digest: keep('evil\n'), bytes: 5 };
  const [output = ''] = Object.keys(honest.outputs);
  const forged = ['left', 'right'].map((stage) =>
    keep(canonicalJson({ ...honest, stage, outputs: { [output]: { ...honest.outputs[output], ...evil } } })),
  );
  const log = '.plumb/job-runs.log';
  pull.clone.write(log, pull.clone.read(log) + forged.map((digest) => `\npull-7 ${pull.env['GITHUB_RUN_ID']} 1 ${digest}`).join(''));
  const published = await pull.plumb(['ci', 'publish', 'left'], { PLUMB_SIGNING_KEY: key });
  expect((published.json['published'] as { stage: string }[]).map(({ stage }) => stage)).toEqual(['left']);
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  expect(await main.run()).toBe('left cached, right ran, both ran');
  expect(main.clone.read('out/right.txt')).toBe('right\n');
});

test('T26: runs of a fork stay apart from the remote, whatever the job does', async () => {
  using forge = new Forge();
  const main = forge.main();
  await main.run();
  await main.publish();
  const head = forge.branch('theirs', { 'left.txt': 'evil\n' });
  const before = listing(forge.project.remote);
  const fork = forge.pull(9, 'theirs', { from: 'mallory/intents' });
  // what main has is read
  expect(await fork.run()).toBe('left ran, right cached, both ran');
  expect((await fork.publish()).json).toMatchObject({ domain: 'fork-9', signed: null });
  await fork.plumb(['push']);
  expect(listing(forge.project.remote)).toEqual(before);
  expect(readdirSync(join(`${forge.project.remote}-untrusted`, 'names'))).toEqual(['fork9']);
  expect(await forge.pull(9, 'theirs', { from: 'mallory/intents' }).run()).toBe(allCached);
  forge.merge('theirs');
  expect(await forge.main(`9@${head}`).run()).toBe('left ran, right cached, both ran');
});

test('T4: a stage gets nothing that signs or speaks for its job', async () => {
  using forge = new Forge();
  const main = forge.main();
  await main.plumb(['run', 'left'], { PLUMB_SIGNING_KEY: key });
  const seen = main.clone.read('out/env.txt');
  expect(seen).toContain('HF_TOKEN=hf_kept');
  for (const secret of [key, 'ghs_token', 'oidc_token', 'input_secret', '/nowhere/env']) expect(seen).not.toContain(secret);
});

/** Path in the cache of the record that the only name of a job leads to. */
function namedObject(job: Job): string {
  const names = job.clone.path('.plumb/cache/names/pull7');
  const [name = ''] = readdirSync(names);
  return relative(job.clone.path('.plumb/cache'), job.clone.objectPath(readFileSync(join(names, name), 'utf8').trim().split('\n')[0]));
}

/** Every file below a folder with its bytes. */
function listing(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'base64')]));
}
