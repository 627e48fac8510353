// Every state of models/ that a branch has ever shown, oldest first. Only what a commit changed is read at that commit; what stays is known
// from before, so a thousand promotions are a thousand small reads.
import type { Digest } from '../base/digest.ts';
import type { CommitChanges, Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { mapInParallel } from '../store/parallel.ts';
import { parsePolicyText } from './chain.ts';
import { evidenceOf, type Finding } from './evidence.ts';
import { pointerHistory, type PointerChange } from './history.ts';
import { checkPolicies } from './policy-in-force.ts';
import { placeOf, pointerPath, type PointerPlace } from './pointer.ts';
import type { Pointer, Policy, Promotion } from './schema.ts';
import type { FileTree } from './tree.ts';
import { unitsOf } from './unit.ts';
import { checkEvidenceFile, verifyPointer } from './verify-pointer.ts';
import { RevocationWalk } from './verify-revocations.ts';

export interface HistoryVerification {
  readonly commits: number;
  readonly evidenceFiles: number;
  /** every valid pointer that there ever was, each state once */
  readonly pointers: readonly Pointer[];
  readonly findings: readonly Finding[];
}

/**
 * Verifies each pointer wherever it or its evidence changed on the first-parent line, each evidence file when it came or changed, and the
 * order of decisions: what was there before, staging before production, nothing brought back without a reason.
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function verifyHistory(input: { git: Git; prefix: string; revision: Oid }): Promise<HistoryVerification> {
  const { git, prefix, revision } = input;
  const commits = (await git.logChanges(revision, { path: prefix + files.models, firstParent: true })).toReversed();
  const walk = new Walk(git, prefix);
  for (let at = 0; at < commits.length; at += 16) {
    const batch = commits.slice(at, at + 16);
    const read = await mapInParallel(batch, { width: 4 }, (changes) => readChanges(git, prefix, changes));
    for (const [place, { commit }] of batch.entries()) await walk.step(commit.oid, read[place] ?? new Map());
  }
  for (const place of walk.places.values()) {
    const history = await pointerHistory(git, prefix, revision, place.model, place.stage);
    const line = history.toReversed();
    walk.findings.push(...checkOrder(place, line), ...(await checkPolicies(input, place, decisions(line))));
  }
  return { commits: commits.length, evidenceFiles: walk.evidenceFiles, pointers: [...walk.pointers.values()], findings: walk.findings };
}

/** What a commit left at each path that it changed; project-relative, null: nothing. */
async function readChanges(git: Git, prefix: string, { commit, paths }: CommitChanges): Promise<Map<string, Uint8Array | null>> {
  const bytes = await git.readBlobs(commit.oid, paths);
  return new Map(paths.map((path, at) => [path.slice(prefix.length), bytes[at] ?? null]));
}

const keepBytes = 64 << 20;

class Walk {
  readonly findings: Finding[] = [];
  readonly pointers = new Map<string, Pointer>();
  /** by path, in the order in which they first came */
  readonly places = new Map<string, PointerPlace>();
  evidenceFiles = 0;
  readonly #git: Git;
  readonly #prefix: string;
  /** path -> bytes, or undefined for those that were let go of to save memory */
  readonly #state = new Map<string, Uint8Array | undefined>();
  #held = 0;
  readonly #staged = new Map<string, Set<string>>();
  readonly #revocations = new RevocationWalk();
  readonly #decided = new Set<Digest>();

  constructor(git: Git, prefix: string) {
    this.#git = git;
    this.#prefix = prefix;
  }

  async step(commit: Oid, changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    const touched = new Map<string, PointerPlace>();
    for (const [path, bytes] of changes) {
      const place = placeOf(path);
      const evidence = evidenceOf(path);
      // evidence that only came cannot break a pointer that held without it
      if (place !== null) touched.set(path, place);
      else if (evidence !== null && this.#state.has(path))
        touched.set(`${files.models}/${evidence.place.model}/${evidence.place.stage}.json`, evidence.place);
      if (bytes !== null && path.split('/')[2] === 'evidence') {
        this.evidenceFiles += 1;
        this.findings.push(...checkEvidenceFile(path, bytes, commit));
      }
      this.#put(path, bytes);
    }
    this.findings.push(...(await this.#revocations.step(commit, changes)));
    const tree = this.#treeAt(commit);
    // staging first: one commit may move both
    for (const [path, place] of [...touched].toSorted(([, a], [, b]) => Number(b.stage === 'staging') - Number(a.stage === 'staging'))) {
      if (this.#state.has(path)) await this.#verify(tree, place, commit, changes);
    }
  }

  async #verify(tree: FileTree, place: PointerPlace, commit: Oid, changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    const path = pointerPath(place);
    const { pointer, evidence, findings } = await verifyPointer(tree, place);
    this.findings.push(...findings);
    if (pointer === null) return;
    this.places.set(path, place);
    this.pointers.set(`${path} ${pointer.promotion}`, pointer);
    if (changes.has(path)) this.findings.push(...this.#revocations.check(commit, pointer));
    const parsed = evidence?.policy === null || evidence === null ? '' : parsePolicyText(evidence.policy);
    const policy = typeof parsed === 'string' ? null : parsed;
    // a decision is looked at where it came; who goes back to it makes none
    if (changes.has(path) && !this.#decided.has(pointer.promotion)) {
      this.#decided.add(pointer.promotion);
      this.findings.push(...checkTogether({ place, commit, policy, promotion: evidence?.promotion ?? null }, changes));
    }
    const staged = this.#staged.get(place.model) ?? new Set();
    this.#staged.set(place.model, staged);
    if (place.stage === 'staging') staged.add(pointer.artifact.digest);
    else if (policy?.models[place.model]?.[place.stage]?.from === 'staging' && !staged.has(pointer.artifact.digest)) {
      this.findings.push({
        file: path,
        commit,
        what: `${path}: ${pointer.artifact.digest} came here without having been in staging, which the policy that judged asks for`,
        mend: 'what happened stays in history: see who merged this commit, and make `plumb verify` a required check of the branch',
      });
    }
  }

  #treeAt(commit: Oid): FileTree {
    return {
      commit,
      list: async (folder) => [...this.#state.keys()].filter((path) => path.startsWith(`${folder}/`)),
      read: async (paths) => {
        const gone = paths.filter((path) => this.#state.has(path) && this.#state.get(path) === undefined);
        const again =
          gone.length === 0
            ? []
            : await this.#git.readBlobs(
                commit,
                gone.map((path) => this.#prefix + path),
              );
        for (const [at, path] of gone.entries()) this.#put(path, again[at] ?? null);
        return paths.map((path) => this.#state.get(path) ?? again[gone.indexOf(path)] ?? null);
      },
    };
  }

  #put(path: string, bytes: Uint8Array | null): void {
    this.#held -= this.#state.get(path)?.length ?? 0;
    this.#state.delete(path);
    if (bytes === null) return;
    this.#state.set(path, bytes);
    this.#held += bytes.length;
    for (const [oldest, held] of this.#held > keepBytes ? this.#state : []) {
      if (this.#held <= keepBytes / 2) break;
      if (held === undefined || oldest === path) continue;
      this.#state.set(oldest, undefined);
      this.#held -= held.length;
    }
  }
}

interface Decided {
  readonly place: PointerPlace;
  readonly commit: Oid;
  /** that judged */
  readonly policy: Policy | null;
  readonly promotion: Promotion | null;
}

/** What was decided together came together: in one commit of the branch. */
function checkTogether({ place, commit, policy, promotion }: Decided, changes: ReadonlyMap<string, Uint8Array | null>): Finding[] {
  const file = pointerPath(place);
  const stayed = (model: string): boolean => (changes.get(pointerPath({ ...place, model })) ?? null) === null;
  const find = (what: string): Finding => ({ file, commit, what: `${file}: ${what}`, mend: 'promote them together, in one commit' });
  const others = (promotion?.with ?? [])
    .filter(stayed)
    .map((model) => find(`its promotion record says that ${model} moves with it, which this commit did not move`));
  const units = policy === null ? [] : unitsOf(policy, place.model);
  const missing = units.flatMap(({ name, models }) =>
    models.filter(stayed).map((model) => find(`the unit "${name}" moves as one, and this commit did not move ${model}`)),
  );
  return [...others, ...missing];
}

/** The changes that brought a pointer which had not been there before. @param history oldest first */
function decisions(history: readonly PointerChange[]): PointerChange[] {
  const seen = new Set<string>();
  return history.filter(({ text, promotion }) => {
    if (text === null || promotion === null || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** @param history oldest first */
function checkOrder(place: PointerPlace, history: readonly PointerChange[]): Finding[] {
  const file = pointerPath(place);
  const seen = new Set<string>();
  const findings: Finding[] = [];
  const find = (change: PointerChange, what: string, mend: string): void => {
    findings.push({ file, commit: change.commit, what: `${file}: ${what}`, mend });
  };
  for (const [at, change] of history.entries()) {
    const isNew = change.text !== null && !seen.has(change.text);
    if (change.text !== null) seen.add(change.text);
    if (!isNew || change.promotion === null) continue;
    const { previous } = change.promotion;
    if (previous !== change.before && history[at - 1]?.kind !== 'broken') {
      find(
        change,
        `its promotion record says that ${previous ?? 'nothing'} was there before; it was ${change.before ?? 'nothing'}`,
        'the gate compared with another model than the one that was replaced: promote again from the tip of the branch',
      );
    }
    if (change.kind === 'again' && change.promotion.again === null) {
      find(change, `${change.promotion.artifact} was taken back before and came again without a reason`, 'promote with --again --reason "..."');
    }
  }
  return findings;
}
