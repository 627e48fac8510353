// A real log of decisions beside a test's repository: signed, chained, on its own branch. What it decides is the test's word.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { commitFiles } from '../git/publish.ts';
import { publicText } from '../pipeline/attestation.ts';
import { keySigner, planRecords, type DecisionDraft } from '../registry/audit-append.ts';
import type { DecisionKind, Move } from '../registry/audit-record.ts';
import { readLog } from '../registry/decision-log.ts';
import type { Stage } from '../registry/schema.ts';
import type { Testbed } from './testbed.ts';

export interface TestLog {
  /** base64 */
  readonly publicKey: string;
  /** short name of its branch */
  readonly branch: string;
  /** Adds a record about a commit of main. @returns the tip of the branch */
  decide(decision: TestDecision): Promise<string>;
  /** The last so many records are gone. */
  cut(records: number): Promise<void>;
  /** Moves the branch, or takes it away. */
  set(tip: string | null): Promise<void>;
}

export interface TestDecision {
  readonly commit: string;
  /** default: promotion; start for the first */
  readonly kind?: DecisionKind;
  /** model -> artifact that its pointer names at the commit; null: it is gone */
  readonly moves: Readonly<Record<string, Digest | null>>;
  /** default: true */
  readonly served?: boolean;
  readonly revoked?: readonly Digest[];
  readonly stage?: Stage;
}

export function policyText(publicKey: string, branch = 'plumb/audit'): string {
  return `version: 1\nmodels: {}\ngates: {}\naudit:\n  branch: ${branch}\n  keys: [{ name: test, public: ${publicKey} }]\n`;
}

/** Commits a policy that names the log's key; the log begins with the first decision. */
export async function keepLog(bed: Testbed, options: { branch?: string; key?: KeyObject } = {}): Promise<TestLog> {
  const { branch = 'plumb/audit', key = generateKeyPairSync('ed25519').privateKey } = options;
  const publicKey = publicText(key);
  const policy = policyText(publicKey, branch);
  await bed.commit({ 'policy.yaml': policy }, 'a policy');
  const ref = `refs/heads/${branch}`;
  const set = async (tip: string | null): Promise<void> =>
    void (tip === null ? await bed.gitCommand('update-ref', '-d', ref) : await bed.gitCommand('update-ref', ref, tip));
  return {
    publicKey,
    branch,
    set,
    async decide(decision) {
      const { git } = bed;
      const main = await bed.gitCommand('rev-parse', 'main');
      const log = (await git.resolve(ref)) === null ? null : await readLog({ git, prefix: '', ref, main });
      const draft = await draftOf(bed, decision, { isFirst: log === null, policy: digestOf(policy) });
      const plan = await planRecords({ git, prefix: '', log, drafts: [draft], signer: keySigner(key) });
      const files = new Map(plan.files.map(({ path, bytes }) => [path, Buffer.from(bytes)]));
      const tip = await commitFiles(git, { parent: plan.parent, files, message: plan.message, author: { name: 'Test', email: 'test@example.org' } });
      await set(tip);
      return tip;
    },
    cut: async (records) => set(await bed.gitCommand('rev-parse', `${ref}~${records}`)),
  };
}

async function draftOf(bed: Testbed, decision: TestDecision, { isFirst, policy }: { isFirst: boolean; policy: Digest }): Promise<DecisionDraft> {
  const { commit, served = true, stage = 'production', revoked = [] } = decision;
  const subject: { name: string; digest: { sha256: string } }[] = [];
  const moves: Move[] = [];
  for (const [model, to] of Object.entries(decision.moves).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const name = `models/${model}/${stage}.json`;
    const bytes = await bed.git.readBlob(commit, name);
    const pointer = bytes === null ? null : digestOf(bytes);
    if (pointer !== null) subject.push({ name, digest: { sha256: hexOf(pointer) } });
    moves.push({ model, stage, kind: to === null ? 'removed' : 'promotion', from: null, to, pointer, served });
  }
  return {
    at: new Date().toISOString(),
    repository: 'local',
    branch: 'main',
    commit,
    parent: null,
    kind: decision.kind ?? (isFirst ? 'start' : 'promotion'),
    moves,
    revoked: [...revoked].toSorted(),
    policy,
    holds: served,
    points: [],
    pull: null,
    approvals: [],
    reason: null,
    by: { kind: 'key', name: 'test', run: null },
    subject,
  };
}
