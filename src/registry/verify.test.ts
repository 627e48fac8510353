import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { evidencePath, type Finding } from './evidence.ts';
import { artifactOf, bad, better, ExampleRepository, good, policyText } from './example.fixture.ts';
import { verifyPointers, type VerifyInput } from './verify.ts';

const place = { model: 'intents', stage: 'production' } as const;
const pointerFile = 'models/intents/production.json';
const force = { reason: 'no time to wait' };

async function verify(repository: ExampleRepository, over: Partial<VerifyInput> = {}): Promise<Finding[]> {
  const { git, prefix, root } = repository;
  return [...(await verifyPointers({ git, prefix, root, revision: null, history: false, store: null, ...over })).findings];
}

describe('of a repository that holds', () => {
  let repository: ExampleRepository;
  let files: string[];
  beforeAll(async () => {
    repository = await ExampleRepository.make('ein Projekt/');
    await repository.release({ candidate: good });
    await repository.release({ candidate: better, production: good });
    files = (await repository.run('ls-files', '-z', '--', 'ein Projekt/models'))
      .split('\0')
      .filter((path) => path !== '')
      .map((path) => path.slice(repository.prefix.length));
  });
  afterAll(() => repository.remove());
  afterEach(() => repository.run('checkout', '-q', '--', '.'));

  test('nothing is found, in the work tree, in a commit and in all history', async () => {
    const { git, prefix, root } = repository;
    for (const revision of [null, 'HEAD', 'HEAD~1', 'main']) {
      const result = await verifyPointers({ git, prefix, root, revision, history: true, store: null });
      expect(result.findings).toEqual([]);
      expect(result.pointers.every((pointer) => pointer.holds)).toBe(true);
      expect(result.evidenceFiles).toBeGreaterThan(20);
    }
    expect((await verifyPointers({ git, prefix, root, revision: null, history: true, store: null })).pointers).toEqual([
      { model: 'intents', stage: 'production', artifact: digestOf(artifactOf(better)), holds: true },
      { model: 'intents', stage: 'staging', artifact: digestOf(artifactOf(better)), holds: true },
    ]);
  });

  test('a revision that is none is refused', async () => {
    await expect(verify(repository, { revision: 'no-such' })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  });

  test('any flipped byte of any file is found, and the finding names it', async () => {
    expect(files.length).toBe(25);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (path, at, flip) => {
        const file = join(repository.root, path);
        const bytes = await readFile(file);
        const changed = Buffer.from(bytes);
        changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ flip;
        await writeFile(file, changed);
        const findings = await verify(repository);
        await writeFile(file, bytes);
        expect(findings.map((finding) => `${finding.file} ${finding.what}`).join('\n')).toContain(path);
        expect(findings.every((finding) => finding.what !== '' && finding.mend !== '')).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('any file cut short or taken away is found', async () => {
    for (const path of files) {
      const file = join(repository.root, path);
      const bytes = await readFile(file);
      await writeFile(file, bytes.subarray(0, bytes.length - 1));
      expect(await verify(repository), `${path} cut`).not.toEqual([]);
      await rm(file);
      const findings = await verify(repository);
      await writeFile(file, bytes);
      // a pointer that is not there, or evidence that only an earlier pointer named, is no fault of this tree
      const current = await namedBy(repository, path);
      expect(findings.length > 0, `${path} gone`).toBe(current);
    }
  });

  /** Whether one of the two pointers leads to a file. */
  async function namedBy(of: ExampleRepository, path: string): Promise<boolean> {
    for (const stage of ['staging', 'production'] as const) {
      const pointer = await of.pointer(stage);
      const hex = path.split('/').at(-1)?.split('.')[0] ?? '';
      if (!path.includes(`/${stage}/`) || pointer === null) continue;
      const reachable = JSON.stringify(pointer);
      if (reachable.includes(hex)) return true;
      for (const digest of [pointer.run, pointer.evaluation, pointer.promotion]) {
        if ((await readFile(join(of.root, evidencePath({ model: 'intents', stage }, digest, 'json')), 'utf8')).includes(hex)) return true;
      }
    }
    return false;
  }

  test('any two digests of a pointer that changed places are found', async () => {
    const text = await readFile(join(repository.root, pointerFile), 'utf8');
    const digests = [...new Set(text.match(/sha256:[0-9a-f]{64}/g))];
    expect(digests.length).toBe(7);
    for (const [at, one] of digests.entries()) {
      for (const other of digests.slice(at + 1)) {
        const swapped = text.replaceAll(/sha256:[0-9a-f]{64}/g, (digest) => (digest === one ? other : digest === other ? one : digest));
        await writeFile(join(repository.root, pointerFile), swapped);
        expect(await verify(repository), `${one} and ${other}`).not.toEqual([]);
      }
    }
  });

  test('a file in the evidence that has no name of evidence is found', async () => {
    await repository.write({ 'models/intents/evidence/production/notes.txt': 'hi', 'models/intents/evidence/x.json': '{}' });
    const findings = await verify(repository);
    await repository.run('clean', '-fdq');
    expect(findings.map((finding) => finding.file)).toEqual(['models/intents/evidence/production/notes.txt', 'models/intents/evidence/x.json']);
  });

  test('a pointer in a folder that is no name of a model is found', async () => {
    await repository.write({ 'models/-x/production.json': '{}' });
    const findings = await verify(repository);
    await repository.run('clean', '-fdq');
    expect(findings).toMatchObject([{ file: 'models/-x/production.json' }]);
  });
});

describe('of history', () => {
  let repository: ExampleRepository;
  beforeEach(async () => {
    repository = await ExampleRepository.make();
    await repository.release({ candidate: good });
  });
  afterEach(() => repository.remove());

  test('what was broken once and mended is found with its commit', async () => {
    const pointer = await repository.pointer();
    const path = evidencePath(place, pointer?.report ?? digestOf(''), 'json');
    await repository.run('rm', '-q', path);
    await repository.run('commit', '-q', '-m', 'tidy up');
    const removed = await repository.head();
    await repository.run('revert', '--no-edit', 'HEAD');
    await repository.write({ [path]: '{}' });
    const overwritten = await repository.commitAll('overwrite');
    await repository.run('revert', '--no-edit', 'HEAD');
    expect(await verify(repository)).toEqual([]);
    const findings = await verify(repository, { history: true });
    expect([...new Set(findings.map((finding) => `${finding.commit} ${finding.file}`))]).toEqual([`${removed} ${path}`, `${overwritten} ${path}`]);
  });

  test('a promotion that names another model before it than there was', async () => {
    const plan = await repository.plan({ candidate: better, stage: 'staging', current: null });
    await repository.write(Object.fromEntries(plan.files.map((file) => [file.path, file.bytes])));
    const commit = await repository.commitAll('promote');
    expect(await verify(repository)).toEqual([]);
    expect(await verify(repository, { history: true })).toMatchObject([
      { commit, what: expect.stringContaining('says that nothing was there before') },
    ]);
  });

  test('a model that came to production without staging', async () => {
    const staging = (await repository.plan({ candidate: better, stage: 'staging' })).pointer;
    const commit = await repository.promote({ candidate: better, production: good, staging });
    expect(await verify(repository, { history: true })).toMatchObject([{ commit, what: expect.stringContaining('without having been in staging') }]);
  });

  const weaker = policyText.replace('at_least: 0.6', 'at_least: 0.1').replace('not_worse_by: 0.05', 'not_worse_by: 0.9');

  test('a model that was judged by a policy which the branch never had', async () => {
    await repository.promote({ candidate: bad, stage: 'staging' });
    const held = await repository.pointer();
    await repository.run('switch', '-q', '-c', 'side');
    await repository.write({ 'policy.yaml': weaker });
    const base = await repository.commitAll('a weaker policy');
    await repository.promote({ candidate: bad, production: good, policyText: weaker, base });
    await repository.run('switch', '-q', 'main');
    await repository.run('checkout', 'side', '--', 'models');
    const commit = await repository.commitAll('squashed, without the policy');
    expect((await repository.pointer())?.artifact).not.toEqual(held?.artifact);
    expect(await verify(repository)).toEqual([]);
    expect(await verify(repository, { history: true })).toMatchObject([
      { commit, what: expect.stringContaining('the policy that judged was never in force on this branch') },
    ]);
  });

  test('a base that is older and had the policy that judged, though another has come since', async () => {
    await repository.promote({ candidate: bad, stage: 'staging' });
    await repository.write({ 'policy.yaml': weaker });
    const base = await repository.commitAll('a weaker policy');
    await repository.write({ 'policy.yaml': policyText });
    const later = await repository.commitAll('as strict as before');
    const commit = await repository.promote({ candidate: bad, production: good, policyText: weaker, base: later });
    expect(await verify(repository, { history: true })).toMatchObject([{ commit, what: expect.stringContaining('which has another') }]);
    await repository.run('reset', '-q', '--hard', later);
    await repository.promote({ candidate: bad, production: good, policyText: weaker, base });
    expect(await verify(repository, { history: true })).toEqual([]);
  });

  test('a model that was taken back and came again by a new promotion that hides it', async () => {
    await repository.release({ candidate: better, production: good });
    await repository.run('revert', '--no-edit', 'HEAD');
    const commit = await repository.promote({ candidate: better, production: good, history: [] });
    expect(await verify(repository, { history: true })).toMatchObject([{ commit, what: expect.stringContaining('came again without a reason') }]);
  });

  test('the good and the forced, merged, taken back and brought again hold', async () => {
    await repository.run('switch', '-q', '-c', 'side');
    await repository.release({ candidate: bad, production: good, force });
    await repository.run('switch', '-q', 'main');
    await repository.promote({ model: 'other', candidate: better });
    await repository.run('merge', '-q', '--no-ff', '-m', 'merge side', 'side');
    await repository.run('revert', '--no-edit', '-m', '1', 'HEAD');
    await repository.release({ candidate: bad, production: good, force, again: { reason: 'the data was right after all' } });
    expect(await verify(repository, { history: true })).toEqual([]);
    expect((await repository.history())[0]).toMatchObject({ kind: 'forced', promotion: { again: { reason: 'the data was right after all' } } });
  });
});

test('two branches that promote different models merge without a conflict, and hold', async () => {
  const repository = await ExampleRepository.make();
  try {
    await repository.run('switch', '-q', '-c', 'one');
    await repository.promote({ candidate: good, stage: 'staging' });
    await repository.run('switch', '-q', 'main');
    await repository.run('switch', '-q', '-c', 'two');
    await repository.promote({ model: 'other', candidate: better });
    await repository.run('merge', '-q', '--no-edit', 'one');
    expect(await verify(repository, { history: true })).toEqual([]);
  } finally {
    await repository.remove();
  }
});

test('an empty repository has nothing to find', async () => {
  const repository = await ExampleRepository.make();
  try {
    expect(await verify(repository, { history: true })).toEqual([]);
  } finally {
    await repository.remove();
  }
});

describe('with the bytes', () => {
  let repository: ExampleRepository;
  let store: Store;
  let cacheDir: string;
  const rows = Buffer.from('{"id":1}\n');
  const manifest = canonicalJson({
    plumbline: 'manifest/1',
    kind: 'rows',
    format: 'jsonl',
    rows: 1,
    bytes: rows.length,
    schema: { id: 'integer' },
    content: digestOf(rows),
  });
  beforeEach(async () => {
    repository = await ExampleRepository.make();
    cacheDir = await mkdtemp(join(tmpdir(), 'plumb-verify-'));
    store = await openStore({ cacheDir });
    await repository.promote({ candidate: good, stage: 'staging', manifest: digestOf(manifest) });
  });
  afterEach(async () => {
    await repository.remove();
    await rm(cacheDir, { recursive: true, force: true });
  });

  test('bytes that are not there are named, each once', async () => {
    const found = (await verify(repository, { store })).map((finding) => finding.what).join('\n');
    expect(found).toContain(`the model file: ${digestOf(artifactOf(good))}`);
    expect(found).toContain(`the manifest of the data set "intents": ${digestOf(manifest)}`);
  });

  test('all there: nothing is found; one flipped byte in the cache is', async () => {
    for (const bytes of [artifactOf(good), rows, manifest]) await store.putBytes(bytes);
    expect(await verify(repository, { store, history: true })).toEqual([]);
    const path = await store.pathOf(digestOf(rows));
    await chmod(path, 0o644);
    await writeFile(path, '{"id":2}\n');
    expect(await verify(repository, { store })).toMatchObject([{ what: expect.stringContaining('is damaged in the cache') }]);
  });
});
