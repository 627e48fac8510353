// Adding to the log: which files a commit on its branch adds. Who carries it out pushes a plain fast-forward, which the forge refuses when somebody else was
// first: then the log is read again, and planned again.
import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { publicText, readSigningKey, sealEnvelope } from '../pipeline/attestation.ts';
import type { Environment } from '../project/trust-domain.ts';
import { verifyChain } from './audit-chain.ts';
import { decisionType, recordPath, type Decision, type DecisionStatement, type LogRecord, type Signers } from './audit-record.ts';
import { signersOf } from './audit-signers.ts';
import { parsePolicyText } from './chain.ts';
import { gitPolicies, type DecisionLog } from './decision-log.ts';
import type { PlannedFile } from './evidence.ts';
import { oneLine } from './one-line.ts';
import type { Policy } from './schema.ts';

/** A decision before it has its place in the log. */
export type DecisionDraft = Omit<Decision, 'seq' | 'previous' | 'signers'> & { readonly subject: DecisionStatement['subject'] };

/** Signs the payload of a record. @returns a DSSE envelope or a Sigstore bundle, as JSON. @throws PlumbError SIGNING_FAILED */
export type LogSigner = (payload: string) => Promise<string>;

export interface AppendPlan {
  /** tip of the log's branch; null: the branch begins */
  readonly parent: Oid | null;
  /** what the commit adds; paths from the top of the branch */
  readonly files: readonly PlannedFile[];
  readonly message: string;
  /** the records, as the log will have them */
  readonly records: readonly LogRecord[];
}

export interface AppendInput {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** null: the log begins, with a record of kind start */
  readonly log: DecisionLog | null;
  readonly drafts: readonly DecisionDraft[];
  readonly signer: LogSigner;
}

/**
 * What is planned was verified as any reader will: a log that its readers would not believe is never written.
 * @throws PlumbError AUDIT_SIGNER, AUDIT_INVALID, SIGNING_FAILED
 */
export async function planRecords({ git, prefix, log, drafts, signer }: AppendInput): Promise<AppendPlan> {
  const source = gitPolicies(git, prefix);
  let records: readonly LogRecord[] = log?.records ?? [];
  for (const draft of drafts) {
    const text = canonicalJson(JSON.parse(await signer(canonicalJson(await statementOf(draft, records.at(-1) ?? null, { git, prefix })))));
    const chain = await verifyChain({ texts: [...records.map((record) => record.text), text], source, pin: null, known: records });
    if (chain.finding !== null) {
      throw new PlumbError(chain.unsigned ? 'AUDIT_SIGNER' : 'AUDIT_INVALID', {
        what: `the log of decisions would not hold: ${chain.finding.what}`,
        mend: chain.unsigned
          ? 'sign with a key that `audit.keys` of the policy in force names, or from a workflow of `audit.workflows`'
          : 'this is a mistake of Plumbline: please report it',
      });
    }
    records = chain.records;
  }
  const added = records.slice(log?.records.length ?? 0);
  return {
    parent: log?.tip ?? null,
    files: added.map(({ text, decision }) => ({ path: recordPath(decision.seq), bytes: text })),
    message: messageOf(added),
    records: added,
  };
}

async function statementOf(
  { subject, ...draft }: DecisionDraft,
  before: LogRecord | null,
  place: { git: Git; prefix: string },
): Promise<DecisionStatement> {
  // a clock that goes wrong must not make the log one that nobody believes: time stands still for it
  const at = before !== null && Date.parse(draft.at) < Date.parse(before.decision.at) ? before.decision.at : draft.at;
  const same = before !== null && before.decision.policy === draft.policy;
  const signers = same ? before.decision.signers : await signersAt(draft, place);
  const predicate: Decision = { ...draft, at, signers, seq: (before?.decision.seq ?? -1) + 1, previous: before?.digest ?? null };
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: decisionType, predicate };
}

async function signersAt(
  { policy, commit }: Pick<DecisionDraft, 'policy' | 'commit'>,
  { git, prefix }: { git: Git; prefix: string },
): Promise<Signers> {
  const found = policy === null ? null : await gitPolicies(git, prefix).policy(policy, commit);
  const parsed = found === null ? 'it is not there' : parsePolicyText(found.text);
  if (found === null || typeof parsed === 'string') throw noSigner(`its policy.yaml cannot be read: ${parsed as string}`);
  const signers = signersOf(parsed, found.root);
  if (signers.keys.length > 0 || signers.jobs !== null) return signers;
  throw noSigner('its policy.yaml names nobody who signs the log, which would end there');
}

const nameOne =
  'name a key in `audit.keys` of policy.yaml (`plumb keys new --for audit` makes one), or a workflow in `audit.workflows`, with `trust.sigstore`';

function noSigner(why: string, mend: string = nameOne): PlumbError {
  return new PlumbError('AUDIT_SIGNER', { what: `the log of decisions cannot follow this commit: ${why}`, mend });
}

function messageOf(records: readonly LogRecord[]): string {
  const lines = records.map(({ decision: { seq, kind, commit, moves } }) => {
    const what = moves.map(({ model, stage, served }) => `${oneLine(model, 60)} ${stage}${served ? '' : ' (not served)'}`).join(', ');
    return `${seq} ${kind} ${commit.slice(0, 12)}${what === '' ? '' : `: ${what}`}`;
  });
  return lines.length === 1 ? `audit: record ${lines[0]}` : `audit: ${lines.length} records\n\n${lines.join('\n')}`;
}

/** Signs with an Ed25519 key. */
export function keySigner(key: KeyObject): LogSigner {
  return (payload) => Promise.resolve(sealEnvelope(payload, key));
}

/**
 * With what this process signs the log: PLUMB_AUDIT_SIGNING_KEY, else the identity of the job of CI that it is, where the policy takes those.
 * @param root text of `trust.sigstore.root`
 * @throws PlumbError SIGNING_KEY, AUDIT_SIGNER
 */
export function openSigner(env: Environment, policy: Policy, root: string | null): LogSigner {
  const text = env['PLUMB_AUDIT_SIGNING_KEY'];
  const signers = signersOf(policy, root);
  if (text !== undefined && text !== '') {
    const key = readSigningKey(text, 'PLUMB_AUDIT_SIGNING_KEY');
    if (signers.keys.some((one) => one.public === publicText(key))) return keySigner(key);
    throw noSigner(
      `PLUMB_AUDIT_SIGNING_KEY is the private half of ${publicText(key)}, which the policy in force does not name`,
      `give the private half of one that it names${namesOf(signers)}; a new key takes a policy that people approved, recorded by the old one`,
    );
  }
  const sigstore = policy.trust?.sigstore;
  if (signers.jobs !== null && sigstore !== undefined && root !== null && env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'])
    return async (payload) => (await import('../pipeline/sigstore.ts')).sealBundle(payload, sigstore, root, env);
  const why = 'there is neither PLUMB_AUDIT_SIGNING_KEY, nor a job of CI whose identity signs';
  if (signers.keys.length === 0) throw noSigner(why);
  throw noSigner(why, `set PLUMB_AUDIT_SIGNING_KEY to the private half of a key of \`audit.keys\`${namesOf(signers)}`);
}

function namesOf({ keys }: Signers): string {
  return keys.length === 0 ? '' : `: ${keys.map(({ name }) => oneLine(name, 60)).join(', ')}`;
}
