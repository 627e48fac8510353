// Are data and questions those that the base branch has? A pull request that moves a pointer cannot bring its own: they are compared with the base by digest,
// whatever the run records say of where they came from.
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { parseLock } from '../datasets/lock.ts';
import type { Git, Oid } from '../git/git.ts';
import { folderDigest } from '../pipeline/commit-tree.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import { oneLine } from './one-line.ts';

/** The base branch, as it was before. */
export type BaseSide = Pick<MoveInput, 'git' | 'prefix' | 'before'>;

/**
 * Questions and rules (files that the evaluation and the built-in steps read) as the base has them now: a model answers today's. Data sets as the base has them,
 * or had them at an earlier commit: a model that soaked in staging was trained on what was there by then.
 */
export async function judgeInputs(promoted: readonly MovedPointer[], input: BaseSide): Promise<Point> {
  const base = new BaseInputs(input);
  const faults: Fault[] = [];
  const told = new Set<string>();
  for (const { place, pointer, evidence } of promoted) {
    if (pointer === null || evidence === null) continue;
    for (const [name, digest] of Object.entries(pointer.data)) {
      const since = await base.hadData(name, digest);
      if (since === null)
        faults.push({ what: `${nameOf(place)}: the base never had the data set "${oneLine(name, 80)}" at ${shortDigest(digest)}: merge it first` });
      else told.add(since);
    }
    for (const { path, digest, stage } of questionsOf(pointer.evaluation, evidence.runs)) {
      const there = await base.file(path);
      if (there === digest) continue;
      const how = there === null ? 'the base has no such file' : `the base has ${shortDigest(there)}`;
      faults.push({
        what: `${nameOf(place)}: stage ${oneLine(stage, 80)} read ${oneLine(path, 120)} at ${shortDigest(digest)}; ${how}: promote again`,
      });
    }
  }
  return pointOf(
    'inputs',
    faults,
    `data sets and questions are those of the base${told.has('earlier') ? ', some data sets those of an earlier commit' : ''}`,
  );
}

function questionsOf(evaluation: Digest, runs: ReadonlyMap<Digest, RunRecord>): { path: string; digest: Digest; stage: string }[] {
  return [...runs].flatMap(([run, { inputs, command, stage }]) =>
    run === evaluation || 'uses' in command
      ? Object.values(inputs).flatMap(({ kind, ref, digest }) => (kind === 'file' ? [{ path: ref, digest, stage }] : []))
      : [],
  );
}

/** What the base has, or had. Each lock is read once. */
export class BaseInputs {
  readonly #git: Git;
  readonly #prefix: string;
  readonly #before: Oid;
  #locks: Promise<Oid[]> | undefined;
  readonly #known = new Map<Oid, Promise<ReadonlyMap<string, Digest>>>();

  constructor({ git, prefix, before }: BaseSide) {
    this.#git = git;
    this.#prefix = prefix;
    this.#before = before;
  }

  /** Has it this version of a data set? null: it never had. */
  async hadData(name: string, digest: Digest): Promise<'now' | 'earlier' | null> {
    if ((await this.#lockAt(this.#before)).get(name) === digest) return 'now';
    this.#locks ??= this.#git
      .log(this.#before, { path: this.#prefix + files.lock, firstParent: true })
      .then((commits) => commits.map(({ oid }) => oid));
    for (const commit of await this.#locks) if ((await this.#lockAt(commit)).get(name) === digest) return 'earlier';
    return null;
  }

  /** Of a file, or of a folder as manifest/1; null: there is none. */
  async file(path: string): Promise<Digest | null> {
    const bytes = await this.#git.readBlob(this.#before, this.#prefix + path);
    return bytes === null ? folderDigest(this.#git, this.#before, this.#prefix + path) : digestOf(bytes);
  }

  #lockAt(commit: Oid): Promise<ReadonlyMap<string, Digest>> {
    const known = this.#known.get(commit) ?? this.#readLock(commit);
    this.#known.set(commit, known);
    return known;
  }

  /** One that does not parse has no data. */
  async #readLock(commit: Oid): Promise<ReadonlyMap<string, Digest>> {
    const bytes = await this.#git.readBlob(commit, this.#prefix + files.lock);
    try {
      const { datasets } = await parseLock(bytes === null ? '' : new TextDecoder().decode(bytes));
      return new Map(Object.entries(datasets).map(([name, entry]) => [name, entry.digest]));
    } catch (error) {
      if (isPlumbError(error)) return new Map();
      throw error;
    }
  }
}
