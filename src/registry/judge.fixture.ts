// A team's repository at a forge, for tests of judging: main with its policy, data and suite, the bytes of its models in a real remote, and pull requests as
// branches, with what a forge would say of them.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { formatLock } from '../datasets/lock.ts';
import { filesManifest, manifestText } from '../datasets/manifest.ts';
import type { Oid } from '../git/git.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { createFileTreeBuilder } from '../store/tree/file-builder.ts';
import {
  artifactOf,
  casesText,
  chainOfExample,
  digestOfRecord,
  ExampleRepository,
  parsedPolicy,
  policyText,
  suiteText,
  testText,
  trainText,
  type ExampleModel,
  type ExampleOrder,
} from './example.fixture.ts';
import { evidenceFolder, evidencePath, loadEvidence } from './evidence.ts';
import { collectModel } from './found-model.ts';
import { judgeMove } from './judge-move.ts';
import type { Point, PointName } from './judgement.ts';
import type { JudgingPolicy, MoveInput, MoveJudgement } from './move-input.ts';
import { openMoveStore } from './move-store.ts';
import { pointerPath, pointerSubject, serialisePointer } from './pointer.ts';
import type { PullFacts } from './pull-facts.ts';
import type { Pointer, Promotion } from './schema.ts';
import { subjectAt, subjectPaths } from './subject.ts';
import { commitTree, workTree } from './tree.ts';

const quietly = { progress: silentProgress, signal: new AbortController().signal };

/** One person must approve what goes to production. */
export const approvedPolicy = policyText.replace('      gate: default\n', '      gate: default\n      approvals: { count: 1 }\n');

export interface Sides {
  readonly before: Oid;
  readonly after: Oid;
}

export class JudgeScene {
  readonly repository: ExampleRepository;
  readonly store: Store;
  /** of the data set */
  readonly manifest: Digest;
  readonly #folder: string;

  constructor(parts: { repository: ExampleRepository; store: Store; manifest: Digest; folder: string }) {
    this.repository = parts.repository;
    this.store = parts.store;
    this.manifest = parts.manifest;
    this.#folder = parts.folder;
  }

  static async make(policy = approvedPolicy, prefix = ''): Promise<JudgeScene> {
    const repository = await ExampleRepository.make(prefix);
    const folder = await mkdtemp(join(tmpdir(), 'plumb judging-'));
    const store = await openStore({ cacheDir: join(folder, 'cache'), remote: join(folder, 'remote') });
    const manifest = await putData(store);
    const scene = new JudgeScene({ repository, store, manifest, folder });
    await repository.write({ 'policy.yaml': policy, 'evals/intents.yaml': suiteText, 'datasets.lock': lockOf(manifest), '.gitignore': '/.plumb/\n' });
    await repository.commitAll('data, suite and policy');
    return scene;
  }

  async remove(): Promise<void> {
    await this.repository.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Its bytes, and those of all that it was made of, come into the remote. */
  async publish(
    model: ExampleModel,
    { manifest = this.manifest, suite, alsoChecked }: Pick<ExampleOrder, 'manifest' | 'suite' | 'alsoChecked'> = {},
  ): Promise<void> {
    const { store } = this;
    const { check, split, train, evaluate, data } = chainOfExample(model, manifest, suite, alsoChecked);
    for (const bytes of [trainText, testText, casesText(model), artifactOf(model)]) await store.putBytes(bytes);
    const records = new Map([check, split, train, evaluate].map((record) => [digestOfRecord(record), record]));
    for (const record of records.values()) await store.putBytes(canonicalJson(record));
    const artifact = { digest: digestOf(artifactOf(model)), bytes: artifactOf(model).length, format: 'onnx' };
    const [made, evaluated] = [train, evaluate].map((record) => ({ digest: digestOfRecord(record), record }));
    if (made === undefined || evaluated === undefined) throw new Error('no runs');
    const { roots } = collectModel({ name: 'intents', artifact, made, evaluated, records, data, parts: {} }, store);
    await store.push(roots, [], quietly);
  }

  /** On main, to staging and then to production. */
  async release(order: ExampleOrder): Promise<void> {
    await this.publish(order.candidate, order);
    await this.repository.release({ manifest: this.manifest, policyText: await this.policyOf('HEAD'), base: await this.repository.head(), ...order });
  }

  /** On main, to one stage. */
  async promote(order: ExampleOrder): Promise<void> {
    await this.publish(order.candidate, order);
    await this.repository.promote({ manifest: this.manifest, policyText: await this.policyOf('HEAD'), base: await this.repository.head(), ...order });
  }

  /** A branch of main with what `work` does there; the work tree is on main again afterwards. */
  async branch(work: () => Promise<unknown>): Promise<Sides> {
    const { repository } = this;
    await this.toMain();
    const before = await repository.head();
    await repository.run('checkout', '-q', '-B', 'work');
    try {
      await work();
      return { before, after: await repository.head() };
    } finally {
      await this.toMain();
    }
  }

  async toMain(): Promise<void> {
    await this.repository.run('checkout', '-q', '-f', 'main');
    await this.repository.run('clean', '-fdq');
  }

  /** A pull request that promotes. */
  pull(order: ExampleOrder): Promise<Sides> {
    return this.branch(() => this.promote(order));
  }

  async policyOf(revision: string): Promise<string> {
    return this.repository.run('show', `${revision}:${this.repository.prefix}policy.yaml`).then((text) => `${text}\n`);
  }

  /** Opened by Ada, approved by Bob, and nothing that speaks against it. */
  async factsOf({ before, after }: Sides, over: Partial<PullFacts> = {}): Promise<PullFacts> {
    const { git, prefix } = this.repository;
    const files = await git.changedPaths(before, after);
    const paths = subjectPaths(files, prefix);
    const at = '2026-11-21T09:00:00.000Z';
    const ada = { login: 'ada', kind: 'person' } as const;
    return {
      forge: 'github',
      number: 8,
      url: 'https://forge.example/acme/intents/pull/8',
      title: 'promote intents',
      author: ada,
      fork: false,
      state: 'open',
      baseRef: 'main',
      base: before,
      head: after,
      openedAt: '2026-11-21T08:00:00.000Z',
      merged: null,
      retargetedAt: null,
      files,
      opinions: [{ id: '41', person: { login: 'bob', kind: 'person' }, state: 'approved', commit: after, at }],
      pushes: [{ person: ada, before: null, after, at: '2026-11-21T08:00:00.000Z' }],
      triggers: [],
      standing: { ada: { role: 'write', teams: {} }, bob: { role: 'admin', teams: {} } },
      subjectPaths: paths,
      subjects: {
        [before]: await subjectAt(commitTree(git, '', before), paths),
        [after]: await subjectAt(commitTree(git, '', after), paths),
      },
      codeowners: null,
      gaps: [],
      ...over,
    };
  }

  async input(sides: Sides, over: Partial<MoveInput> = {}): Promise<MoveInput> {
    const { git, prefix, now } = this.repository;
    return {
      git,
      prefix,
      ...sides,
      policy: await this.judging(sides.before),
      facts: await this.factsOf(sides),
      log: null,
      store: openMoveStore(this.store),
      trust: { main: 'main', mergedPull: async () => null, fetchCommit: async () => false },
      now,
      ...over,
    };
  }

  async judging(commit: Oid): Promise<JudgingPolicy> {
    const text = await this.policyOf(commit);
    return { text, digest: digestOf(text), policy: parsedPolicy(text), commit };
  }

  async judge(sides: Sides, over: Partial<MoveInput> = {}): Promise<MoveJudgement> {
    const judgement = await judgeMove(await this.input(sides, over));
    if (judgement === null) throw new Error('nothing was judged');
    return judgement;
  }
}

interface Forged {
  readonly pointer: Pointer;
  readonly record: Promotion;
  read<T>(digest: Digest): Promise<T>;
  put(value: unknown): Promise<Digest>;
}

/** Rewrites the promotion to production that the work tree has, makes all digests fit again, leaves nothing lying about, and commits. */
export async function forge(
  { repository }: { readonly repository: Pick<ExampleRepository, 'root' | 'top' | 'prefix' | 'write' | 'run' | 'commitAll'> },
  change: (parts: Forged) => Promise<void> | void,
): Promise<void> {
  const place = { model: 'intents', stage: 'production' } as const;
  const { root } = repository;
  const read = async <T>(digest: Digest): Promise<T> => JSON.parse(await readFile(join(root, evidencePath(place, digest, 'json')), 'utf8')) as T;
  const put = async (value: unknown): Promise<Digest> => {
    const bytes = canonicalJson(value as Json);
    await repository.write({ [evidencePath(place, digestOf(bytes), 'json')]: bytes });
    return digestOf(bytes);
  };
  const pointer = JSON.parse(await readFile(join(root, pointerPath(place)), 'utf8')) as Pointer;
  const record = await read<Promotion>(pointer.promotion);
  await change({ pointer, record, read, put });
  record.pointer = pointerSubject(pointer);
  pointer.promotion = await put(record);
  await repository.write({ [pointerPath(place)]: serialisePointer(pointer) });
  const { paths } = await loadEvidence(workTree(root), pointer);
  await repository.run('add', '-A');
  const added = await repository.run(
    'diff',
    '--cached',
    '--name-only',
    '--diff-filter=A',
    'main',
    '--',
    `${repository.prefix}${evidenceFolder(place)}`,
  );
  for (const path of added.split('\n'))
    if (path !== '' && !paths.includes(path.slice(repository.prefix.length))) await rm(join(repository.top, path));
  await repository.commitAll('forged');
}

/** A pull request that promotes, forged. */
export function forgedPull(scene: JudgeScene, order: ExampleOrder, change: (parts: Forged) => Promise<void> | void): Promise<Sides> {
  return scene.branch(async () => {
    await scene.promote(order);
    await forge(scene, change);
  });
}

/** The points that do not hold, with their reasons. */
export function against({ points }: Pick<MoveJudgement, 'points'>): Partial<Record<PointName, string>> {
  return Object.fromEntries(points.filter(({ holds }) => holds !== true).map(({ point, why }) => [point, why]));
}

export function pointIn({ points }: Pick<MoveJudgement, 'points'>, name: PointName): Point | undefined {
  return points.find(({ point }) => point === name);
}

export function lockOf(manifest: Digest): string {
  return formatLock({
    version: 1,
    datasets: { intents: { digest: manifest, path: 'data/intents', format: 'files', files: 1, bytes: dataText.length, source: { kind: 'files' } } },
  });
}

const dataText = 'rows\n';

/** A data set of one file. */
async function putData(store: Store): Promise<Digest> {
  const nodes: Uint8Array[] = [];
  const tree = createFileTreeBuilder((bytes) => {
    nodes.push(Uint8Array.from(bytes));
    return digestOf(bytes);
  });
  tree.add({ path: 'rows.txt', digest: await store.putBytes(dataText), bytes: dataText.length, executable: false });
  const manifest = filesManifest(tree.finish());
  for (const node of nodes) await store.putBytes(node);
  return store.putBytes(manifestText(manifest));
}
