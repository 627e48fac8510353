// Does a log of decisions hold together? Asked of nothing but its records and the policies that they name, so that a clone and an export are judged by the
// same rules. Reading stops at the first record that does not hold: what comes after it is vouched for by nobody.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { z } from '../base/schema.ts';
import type { Oid } from '../git/git.ts';
import { parse } from '../pipeline/attestation.ts';
import { files } from '../project/layout.ts';
import { decisionStatementSchema, type Decision, type DecisionStatement, type LogFinding, type LogRecord, type Signers } from './audit-record.ts';
import { formFault, nobody, openRecord, sameSigners, signersOf, type Pin } from './audit-signers.ts';
import { parsePolicyText } from './chain.ts';
import { oneLine } from './one-line.ts';

/** A policy.yaml, and the file of certificates that it names. */
export interface PolicyFiles {
  readonly text: string;
  /** text of `trust.sigstore.root`; null: it names none, or that is not there */
  readonly root: string | null;
}

export interface PolicySource {
  /**
   * The policy.yaml with this digest, as a commit of the main branch has it; null: that commit has another, or none.
   * @param root SHA-256 of the certificates that are expected beside it, for who has several; whoever asks compares
   */
  policy(digest: Digest, commit: Oid, root?: Digest | null): Promise<PolicyFiles | null>;
}

export interface ChainInput {
  /** the records' bytes, by number from 0 on */
  readonly texts: readonly string[];
  readonly source: PolicySource;
  /** null: the first record vouches for itself */
  readonly pin: Pin | null;
  /** records that verified before: where the bytes are the same they are not looked at again */
  readonly known: readonly LogRecord[];
}

export interface Chain {
  readonly records: readonly LogRecord[];
  readonly finding: LogFinding | null;
  /** it is about who signed, or may */
  readonly unsigned: boolean;
}

export async function verifyChain({ texts, source, pin, known }: ChainInput): Promise<Chain> {
  const records: LogRecord[] = [];
  const roots = new Roots(source);
  for (const text of texts) {
    const seq = records.length;
    const before = known[seq];
    const digest = before?.text === text ? before.digest : digestOf(text);
    if (before !== undefined && before.digest !== digest)
      return { records, finding: finding(seq, `record ${seq} is another than when the log was read before`, 'rewritten'), unsigned: false };
    const record = before ?? (await verifyRecord({ text, digest, previous: records.at(-1) ?? null, pin, roots }));
    if ('fault' in record) return { records, finding: finding(seq, `record ${seq} ${record.fault}`), unsigned: record.unsigned };
    roots.add(record.decision);
    records.push(record);
  }
  const cut = known.length > texts.length ? `the log ends at ${texts.length} records; there were ${known.length} when it was read before` : null;
  return { records, finding: cut === null ? null : finding(texts.length, cut, 'rewritten'), unsigned: false };
}

export function finding(seq: number | null, what: string, kind: LogFinding['kind'] = 'invalid'): LogFinding {
  const mend =
    kind === 'behind'
      ? 'fetch the main branch: the log is newer than what this clone has of it'
      : 'believe nothing from here on: compare with a clone of your own, find out who wrote to the branch of the log, and put back what was there';
  return { kind, seq, what: oneLine(what, 600), mend };
}

/** trusted_root.json by digest, from the commits that brought the policies which name them. */
class Roots {
  readonly #source: PolicySource;
  readonly #commits = new Map<Digest, { readonly policy: Digest; readonly commit: Oid }>();

  constructor(source: PolicySource) {
    this.#source = source;
  }

  add({ signers, policy, commit }: Decision): void {
    const root = signers.jobs?.root;
    if (root !== undefined && policy !== null && !this.#commits.has(root)) this.#commits.set(root, { policy, commit });
  }

  async text(digest: Digest): Promise<string | null> {
    const place = this.#commits.get(digest);
    const root = place === undefined ? null : ((await this.#source.policy(place.policy, place.commit, digest))?.root ?? null);
    return root !== null && digestOf(root) === digest ? root : null;
  }

  get source(): PolicySource {
    return this.#source;
  }
}

interface RecordInput {
  readonly text: string;
  readonly digest: Digest;
  readonly previous: LogRecord | null;
  readonly pin: Pin | null;
  readonly roots: Roots;
}

interface Fault {
  /** after the number of the record */
  readonly fault: string;
  readonly unsigned: boolean;
}

function wrong(fault: string, unsigned = false): Fault {
  return { fault, unsigned };
}

async function verifyRecord({ text, digest, previous, pin, roots }: RecordInput): Promise<LogRecord | Fault> {
  const form = formFault(text);
  if (form !== null) return wrong(form);
  const claimed = claimedDecision(text);
  if (claimed === null) return wrong('is no decision');
  let signers: Signers | undefined = previous?.decision.signers;
  if (signers === undefined) {
    // the first record names its own signers: the policy on the main branch, and the pin, say whether it may
    roots.add(claimed);
    signers = claimed.signers;
    if (pin !== null && 'record' in pin && pin.record !== digest) return wrong(`is ${digest}, and ${pin.record} was expected`);
    if (pin !== null && 'key' in pin) signers = { keys: signers.keys.filter((key) => key.public === pin.key), jobs: null };
  }
  const opened = await openRecord(text, signers, (root) => roots.text(root));
  if (opened.state === 'refused') {
    const who = pin !== null && previous === null ? 'does not hold by the pin' : 'is not signed by whom it must be';
    return wrong(`${who}: ${opened.why}`, true);
  }
  const statement = parse(opened.payload, decisionStatementSchema);
  if (statement === null) return wrong('is signed, and is no decision');
  if (canonicalJson(statement) !== opened.payload) return wrong('is signed, and not in the one canonical form');
  const decision = statement.predicate;
  const fault = orderFault(decision, previous) ?? contentFault(statement) ?? (await policyFault(decision, previous, roots.source));
  return fault === null ? { decision, subject: statement.subject, digest, text, signedBy: opened.by } : wrong(fault);
}

/** What a record says, before its signature was looked at: whose signature it must be is known from the one before. null: nothing that is understood */
export function claimedDecision(text: string): Decision | null {
  const envelope = parse(text, claimSchema);
  const encoded = envelope?.payload ?? envelope?.dsseEnvelope?.payload;
  if (encoded === undefined) return null;
  return parse(Buffer.from(encoded, 'base64').toString('utf8'), decisionStatementSchema)?.predicate ?? null;
}

const claimSchema = z.object({ payload: z.string().optional(), dsseEnvelope: z.object({ payload: z.string() }).optional() });

/** Is it the next one? */
function orderFault({ seq, previous, at, branch, kind }: Decision, before: LogRecord | null): string | null {
  const wanted = before === null ? 0 : before.decision.seq + 1;
  if (seq !== wanted) return `says that it is number ${seq}: something was left out, put in, or put elsewhere`;
  if (previous !== (before?.digest ?? null)) return `follows ${previous ?? 'nothing'}, and the record before it is ${before?.digest ?? 'none'}`;
  if ((kind === 'start') !== (before === null))
    return before === null ? 'is the first, and says of itself that it is not the start' : 'starts a log inside of a log';
  if (before === null) return null;
  if (Date.parse(at) < Date.parse(before.decision.at)) return `is of ${at}, before the one that it follows (${before.decision.at})`;
  return branch === before.decision.branch ? null : `is about the branch ${branch}, those before are about ${before.decision.branch}`;
}

/** Does it agree with itself? */
function contentFault({ subject, predicate }: DecisionStatement): string | null {
  const { moves, holds, kind } = predicate;
  const named = new Map(subject.map(({ name, digest }) => [name, digest.sha256]));
  if (!isSorted(subject.map(({ name }) => name))) return 'names its files out of order, or twice';
  if (!isSorted(moves.map(({ model, stage }) => `${model}\0${stage}`))) return 'names its moves out of order, or twice';
  if (!isSorted(predicate.revoked)) return 'names what it revokes out of order, or twice';
  for (const { model, stage, to, pointer, served } of moves) {
    const path = `${files.models}/${model}/${stage}.json`;
    if ((pointer === null ? undefined : hexOf(pointer)) !== named.get(path)) return `names another ${path} than its move does`;
    if (pointer === null && to !== null) return `moves ${path} to a model without a pointer`;
    if (served && to === null && pointer !== null) return `serves ${path}, which is no pointer`;
    if (served && !holds && kind !== 'glass' && kind !== 'start') return `serves ${path} though it does not hold`;
  }
  return null;
}

function isSorted(texts: readonly string[]): boolean {
  return texts.every((text, at) => at === 0 || byCodeUnit(texts[at - 1] as string, text) < 0);
}

/** Does who signs next follow from the policy, and the policy from the main branch? */
async function policyFault(
  { policy, signers, commit, kind, holds }: Decision,
  before: LogRecord | null,
  source: PolicySource,
): Promise<string | null> {
  if (before !== null && before.decision.policy === policy)
    return sameSigners(before.decision.signers, signers) ? null : 'names other signers than the record before, under the same policy';
  if (kind !== 'start' && kind !== 'glass' && (kind !== 'policy' || !holds)) return 'puts another policy in force, and is no decision about one';
  if (policy === null) return sameSigners(signers, nobody) ? null : 'names signers that no policy names';
  const found = await source.policy(policy, commit, signers.jobs?.root ?? null);
  if (found === null) return `puts the policy ${policy} in force, which commit ${commit.slice(0, 12)} does not have`;
  const parsed = parsePolicyText(found.text);
  if (typeof parsed === 'string') return `puts a policy in force that does not parse: ${parsed}`;
  try {
    return sameSigners(signersOf(parsed, found.root), signers) ? null : 'names other signers than its policy does';
  } catch (error) {
    if (isPlumbError(error, 'SIGNING_KEY')) return `puts a policy in force with a key that is none: ${error.message}`;
    throw error;
  }
}
