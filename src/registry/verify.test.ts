import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { evidencePath, type Finding } from './evidence.ts';
import { artifactOf, bad, better, ExampleRepository, good, policyText } from './example.fixture.ts';
import { pointerSubject, serialisePointer } from './pointer.ts';
import type { Pointer, Promotion } from './schema.ts';
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
    expect(files.length).toBe(23);
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

describe('of forgeries whose digests all fit', () => {
  let repository: ExampleRepository;
  beforeAll(async () => {
    repository = await ExampleRepository.make();
    await repository.release({ candidate: good });
    await repository.promote({ candidate: bad, stage: 'staging' });
    await repository.promote({ candidate: bad, production: good, force });
  });
  afterAll(() => repository.remove());
  const asCommitted = async (): Promise<void> => {
    await repository.run('checkout', '-q', '--', '.');
    await repository.run('clean', '-fdq');
  };
  afterEach(asCommitted);

  async function read<T>(digest: Digest): Promise<T> {
    return JSON.parse(await readFile(join(repository.root, evidencePath(place, digest, 'json')), 'utf8')) as T;
  }

  async function put(value: unknown): Promise<Digest> {
    const bytes = canonicalJson(value as Json);
    await repository.write({ [evidencePath(place, digestOf(bytes), 'json')]: bytes });
    return digestOf(bytes);
  }

  /** Writes a pointer and a record of its promotion that fit each other, as somebody would who knows the format. */
  async function forge(change: (parts: { pointer: Pointer; record: Promotion }) => Promise<void> | void): Promise<string> {
    const pointer = (await repository.pointer()) ?? { promotion: digestOf('') };
    const parts = { pointer: pointer as Pointer, record: await read<Promotion>(pointer.promotion) };
    await change(parts);
    parts.record.pointer = pointerSubject(parts.pointer);
    parts.pointer.promotion = await put(parts.record);
    await repository.write({ [pointerFile]: serialisePointer(parts.pointer) });
    return (await verify(repository)).map((finding) => finding.what).join('\n');
  }

  test('the forger changes nothing: nothing is found', async () => {
    expect(await forge(() => undefined)).toBe('');
  });

  test('a gate that is said to hold', async () => {
    const found = await forge(({ record }) => {
      record.forced = null;
      record.gate.holds = true;
      for (const check of record.gate.checks) check.holds = true;
    });
    expect(found).toContain('the record says that it holds; judged again it does not hold');
    expect(found).toContain('nobody took it on himself');
  });

  test('a force that is hushed up', async () => {
    const found = await forge(({ record }) => {
      record.forced = null;
    });
    expect(found).toContain('nobody took it on himself with a reason');
  });

  test('a comparison that is left out', async () => {
    const found = await forge(({ record }) => {
      record.comparisons = {};
    });
    expect(found).toContain('the gate was not judged so');
  });

  test('a comparison of other cases', async () => {
    const found = await forge(async ({ record }) => {
      const comparison = await read<{ lost: number; both: number }>(record.comparisons.production ?? digestOf(''));
      record.comparisons.production = await put({ ...comparison, lost: 0, both: comparison.both + comparison.lost });
    });
    expect(found).toContain('is not of the 66 right of 120 cases');
  });

  test('bounds that are better than the counts', async () => {
    const found = await forge(async ({ record, pointer }) => {
      const comparison = await read<{ difference: object }>(record.comparisons.production ?? digestOf(''));
      record.comparisons.production = await put({ ...comparison, difference: { ...comparison.difference, low: 0 } });
      const report = await read<{ evaluation: { accuracy: object } }>(pointer.report);
      report.evaluation.accuracy = { ...report.evaluation.accuracy, low: 0.99 };
      pointer.report = await put(report);
    });
    expect(found).toContain('does not follow from 66 right of 120');
    expect(found).toContain('the bounds of the comparison with production do not follow from its counts');
  });

  test('an accuracy that the run of the evaluation did not measure', async () => {
    const found = await forge(async ({ pointer }) => {
      const report = await read<{ evaluation: { correct: number; accuracy: { value: number; low: number; high: number } } }>(pointer.report);
      report.evaluation.accuracy.value = 1;
      pointer.report = await put(report);
      pointer.metrics = { accuracy: 1 };
    });
    expect(found).toMatch(/accuracy is 1 in its report and 0.55 in the run [0-9a-f]{12} \(stage evaluate\)/);
  });

  test('the report of another model', async () => {
    const other = (await repository.plan({ candidate: good, stage: 'staging', staging: null, current: null })).pointer;
    const found = await forge(async ({ pointer }) => {
      const report = await readFile(join(repository.root, evidencePath({ model: 'intents', stage: 'staging' }, other.report, 'json')), 'utf8');
      pointer.report = await put(JSON.parse(report));
    });
    expect(found).toContain('its report is about the artifact');
  });

  test('a kinder policy', async () => {
    const found = await forge(async ({ pointer, record }) => {
      const kind = policyText.replace('at_least: 0.6', 'at_least: 0.1');
      await repository.write({ [evidencePath(place, digestOf(kind), 'yaml')]: kind });
      pointer.policy = digestOf(kind);
      record.gate.holds = false;
    });
    expect(found).toContain('the gate was not judged so: judged again');
  });

  test('a policy that does not parse, or has no rule', async () => {
    for (const [text, words] of [
      ['models: [', 'does not parse'],
      ['version: 1\nmodels: {}\ngates: {}\n', 'no rule for intents in production'],
    ] as const) {
      const found = await forge(async ({ pointer }) => {
        await repository.write({ [evidencePath(place, digestOf(text), 'yaml')]: text });
        pointer.policy = digestOf(text);
      });
      expect(found).toContain(words);
      await asCommitted();
    }
  });

  test('an artifact that no run made', async () => {
    const found = await forge(({ pointer, record }) => {
      pointer.artifact.digest = digestOf('a model from elsewhere');
      record.artifact = pointer.artifact.digest;
    });
    expect(found).toContain('made no artifact');
    expect(found).toContain('did not read the artifact');
    expect(found).toContain('its report is about the artifact');
  });

  test('data that no run read, data that one did read, and another version of it', async () => {
    const forged = (data: Record<string, Digest>): Promise<string> =>
      forge(({ pointer }) => {
        pointer.data = data;
      });
    expect(await forged({})).toContain('which the pointer does not name');
    await asCommitted();
    expect(await forged({ intents: digestOf('manifest of intents'), more: digestOf('more') })).toContain('"more" was read by no run');
    await asCommitted();
    expect(await forged({ intents: digestOf('another') })).toContain('the pointer says');
  });

  test('a run whose input its source did not make, or made under another name', async () => {
    for (const [digest, words] of [
      [digestOf('rows from elsewhere'), 'split.train of run'],
      [digestOf('test rows'), 'split.train of run'],
    ] as const) {
      const found = await forge(async ({ pointer }) => {
        const train = await read<{ inputs: { data: { digest: Digest } } }>(pointer.run);
        train.inputs.data.digest = digest;
        pointer.run = await put(train);
      });
      expect(found).toContain(words);
      expect(found).toContain('read the artifact from another run');
      await asCommitted();
    }
  });

  test('evidence that is of another kind than the pointer says', async () => {
    const found = await forge(({ pointer }) => {
      pointer.run = pointer.report;
    });
    expect(found).toContain('as run record, which it is not');
  });

  test('evidence that is not in the canonical form', async () => {
    const found = await forge(async ({ pointer }) => {
      const text = JSON.stringify(await read(pointer.report), null, 1);
      await repository.write({ [evidencePath(place, digestOf(text), 'json')]: text });
      pointer.report = digestOf(text);
    });
    expect(found).toContain('is not canonical JSON');
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
    schema: { id: 'integer' },
    parts: [{ path: 'intents.jsonl', digest: digestOf(rows), bytes: rows.length }],
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
    expect(found).toContain(`the model file ${digestOf(artifactOf(good))}`);
    expect(found).toContain(`the manifest of the data set "intents" ${digestOf(manifest)}`);
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
