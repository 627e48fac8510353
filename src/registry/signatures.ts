// Who vouches for the runs behind a model? What jobs of CI signed stands in the store, in the names that lead to the runs; a promotion takes it along into the
// evidence, so that whoever judges needs no store, and a name that is written anew later changes nothing.
import { byCodeUnit } from '../base/canonical.ts';
import { shortDigest, type Digest } from '../base/digest.ts';
import type { Git } from '../git/git.ts';
import type { Checked } from '../pipeline/attestation.ts';
import { decideReuse, type MergedPull } from '../pipeline/decide-reuse.ts';
import { blobsOnMain, checkNote } from '../pipeline/reuse-judge.ts';
import { nameIn } from '../pipeline/run-names.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import type { TrustPolicy } from '../pipeline/trust-policy.ts';
import { parseDomain, type TrustDomain } from '../project/trust-domain.ts';
import type { Store } from '../store/store.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import { oneLine } from './one-line.ts';

/**
 * What the store has: of each run what the main branch's CI said, else what that of the pull request said which it was run for.
 * @param records by digest
 * @returns run -> what vouches for it; runs that nobody signed are left out
 */
export async function findSignatures(
  store: Pick<Store, 'nameHere' | 'nameInRemote'>,
  records: ReadonlyMap<Digest, RunRecord>,
): Promise<Map<Digest, string>> {
  const notes = new Map<Digest, string>();
  for (const [run, record] of records) {
    const note = await findNote(store, run, record);
    if (note !== null) notes.set(run, note);
  }
  return notes;
}

async function findNote(store: Pick<Store, 'nameHere' | 'nameInRemote'>, run: Digest, record: RunRecord): Promise<string | null> {
  const own = parseDomain(record.builder.domain ?? '');
  const domains: TrustDomain[] = [{ kind: 'trusted' }, ...(own?.kind === 'pull' ? [own] : [])];
  for (const domain of domains) {
    const name = nameIn(domain, record.fingerprint);
    for (const named of [await store.nameHere(name), await store.nameInRemote(name)])
      if (named?.digest === run && named.note !== null) return named.note;
  }
  return null;
}

/**
 * Is every run behind the models signed by a job that the policy trusts: of the main branch, or of a pull request that was merged into it? What a laptop ran
 * does not count.
 * @returns null where the policy names nobody whom it trusts
 */
export async function judgeSignatures(promoted: readonly MovedPointer[], input: MoveInput): Promise<Point | null> {
  const trust = input.policy?.policy.trust;
  if (trust === undefined || promoted.length === 0) return null;
  const judge = new SignatureJudge(input, trust);
  const faults: Fault[] = [];
  let count = 0;
  for (const { place, evidence } of promoted) {
    if (evidence === null) continue;
    const { signatures, runs, baselines } = evidence;
    if (signatures === null) {
      faults.push({ what: `${nameOf(place)}: its evidence has no signatures, and policy.yaml has trust: promote what CI ran` });
      continue;
    }
    for (const [run, record] of [...runs, ...Object.values(baselines).map((kept) => [kept.digest, kept.record] as const)]) {
      count += 1;
      const note = Object.hasOwn(signatures.runs, run) ? signatures.notes[signatures.runs[run] ?? -1] : undefined;
      const fault = note === undefined ? { what: 'it is not signed' } : await judge.faultOf(run, record, note);
      if (fault !== null)
        faults.push({ ...fault, what: `the run ${shortDigest(run)} (stage ${oneLine(record.stage, 80)}) does not count: ${fault.what}` });
    }
  }
  return pointOf('signatures', faults, `${count} runs are signed by ${judge.signers()}`);
}

/** Several runs have one signature, and several signatures one workflow. */
class SignatureJudge {
  readonly #input: MoveInput;
  readonly #trust: TrustPolicy;
  readonly #checked = new Map<string, Promise<Checked>>();
  readonly #blobs = new Map<string, Promise<ReadonlySet<string>>>();
  readonly #pulls = new Map<number, Promise<MergedPull | null | 'unknown'>>();
  readonly #signers = new Set<string>();
  #root: Promise<string | null> | undefined;

  constructor(input: MoveInput, trust: TrustPolicy) {
    this.#input = input;
    this.#trust = trust;
  }

  signers(): string {
    return [...this.#signers].toSorted(byCodeUnit).join(', ');
  }

  async faultOf(run: Digest, record: RunRecord, note: string): Promise<Fault | null> {
    const { git, before, trust: world } = this.#input;
    const attestation = await once(this.#checked, note, async () =>
      checkNote({ git, fetchCommit: world.fetchCommit }, note, this.#trust, await this.#readRoot()),
    );
    if (attestation.state === 'refused') return { what: attestation.why };
    const { domain, job } = attestation.statement.predicate;
    const found = parseDomain(domain);
    if (found === null) return { what: `it was signed for "${oneLine(domain, 40)}", which is nobody's` };
    const pull = found.kind === 'pull' ? await once(this.#pulls, found.number, () => world.mergedPull(found.number)) : null;
    if (pull === 'unknown')
      return { what: `whether pull request ${domain.slice(5)}, for which it was signed, was merged is not known`, unknown: true };
    if (found.kind === 'pull' && pull === null) return { what: `it was signed for pull request ${found.number}, which was not merged` };
    const decision = decideReuse({
      record: { digest: run, record },
      found,
      reader: { kind: 'trusted' },
      own: false,
      attestation,
      trust: this.#trust,
      main: world.main,
      merged: pull === null ? [] : [pull],
      workflowBlobs:
        found.kind === 'pull' ? await once(this.#blobs, job.workflow.path, () => blobsOnMain(git, before, job.workflow.path)) : new Set(),
    });
    if (!decision.reuse) return { what: decision.why };
    this.#signers.add(`${attestation.by.kind} ${oneLine(attestation.by.name, 120)}`);
    return null;
  }

  /** As the commit has it whose policy judges: certificates count by the same decision as the rest of the policy. */
  #readRoot(): Promise<string | null> {
    const { git, prefix, policy } = this.#input;
    return (this.#root ??= readText(git, policy?.commit ?? '', this.#trust.sigstore === undefined ? null : prefix + this.#trust.sigstore.root));
  }
}

async function readText(git: Git, commit: string, path: string | null): Promise<string | null> {
  const bytes = path === null ? null : await git.readBlob(commit, path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

function once<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}
