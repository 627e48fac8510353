// The log of decisions, read from a clone: its branch, checked record by record, against the main branch that it is about.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { digestOf } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { claimedDecision, finding, verifyChain, type PolicySource } from './audit-chain.ts';
import { recordPath, type LogFinding, type LogRecord } from './audit-record.ts';
import { readPin } from './audit-signers.ts';
import { logState, type LogState } from './audit-state.ts';
import { parsePolicyText } from './chain.ts';

export type { LogFinding, LogRecord } from './audit-record.ts';
export type { LogState, Served } from './audit-state.ts';

/**
 * Records up to the first that does not verify, and what follows from them. With a finding it must not be believed to be all: a server keeps what it has,
 * reconcile stops.
 */
export interface DecisionLog extends LogState {
  /** whole name of the ref that it was read from: refs/remotes/origin/plumb/audit */
  readonly ref: string;
  /** commit of that ref: the parent of the next append */
  readonly tip: Oid;
  /** pinned: the first record is the one, or signed by the key, that the caller knows; first-use: it vouches for itself */
  readonly trust: 'pinned' | 'first-use';
  readonly findings: readonly LogFinding[];
}

export interface LogPlace {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** whole name of the ref that holds the log: see `findBranch` */
  readonly ref: string;
  /** tip of the main branch */
  readonly main: Oid;
  /** SHA-256 of the first record, or the public key that must have signed it; PLUMB_AUDIT_KEY. undefined: trust on first use */
  readonly pin?: string | undefined;
  /** the log as this caller read and believed it before: what is the same is not verified again, what is not is a finding */
  readonly known?: DecisionLog | undefined;
}

/**
 * 1,000 records cost some 0.5 s, and those that are known already next to nothing.
 * @throws PlumbError AUDIT_MISSING, SIGNING_KEY (the pin), GIT_TOO_SHALLOW
 */
export async function readLog({ git, prefix, ref, main, pin, known }: LogPlace): Promise<DecisionLog> {
  const tip = await git.resolve(ref);
  if (tip === null) throw missingLog(ref);
  const trust = pin !== undefined || known?.trust === 'pinned' ? 'pinned' : 'first-use';
  const { texts, stray } = known?.tip === tip ? { texts: known.records.map(({ text }) => text), stray: null } : await readTexts(git, tip);
  const { records, finding: broken } = await verifyChain({
    texts,
    source: gitPolicies(git, prefix),
    pin: pin === undefined ? null : readPin(pin),
    known: known?.records ?? [],
  });
  const { held, findings } = await againstMain({ git, prefix, main, records, trusted: known?.records.length ?? 0 });
  const whole = [...findings, ...(findings.length === 0 && broken !== null ? [broken] : []), ...(stray === null ? [] : [stray])];
  return { ...logState(held), ref, tip, trust, findings: whole };
}

/** @throws PlumbError AUDIT_REWRITTEN, AUDIT_BEHIND, AUDIT_INVALID: a log with a finding is no ground to decide on */
export function soundLog(log: DecisionLog): DecisionLog {
  const [first] = log.findings;
  if (first === undefined) return log;
  const code = ({ rewritten: 'AUDIT_REWRITTEN', behind: 'AUDIT_BEHIND', invalid: 'AUDIT_INVALID' } as const)[first.kind];
  throw new PlumbError(code, { what: `the log of decisions (${log.ref}) does not hold: ${first.what}`, mend: first.mend });
}

export function missingLog(ref: string): PlumbError {
  return new PlumbError('AUDIT_MISSING', {
    what: `there is no log of decisions here: ${ref} names no commit`,
    mend: 'fetch its branch (`git fetch origin plumb/audit`, or as `audit.branch` in policy.yaml names it); `plumb reconcile --start` begins one',
  });
}

/**
 * The ref of a branch in a clone: what was fetched from origin, else the branch itself (in a bare clone or a mirror). Where there are both, and one has
 * all that the other has, it is the one that has more.
 * @param name short: main, plumb/audit
 * @returns whole name, or null: there is no such branch
 * @throws PlumbError AUDIT_REWRITTEN where both have what the other has not
 */
export async function findBranch(git: Git, name: string): Promise<string | null> {
  const [here, there] = [`refs/heads/${name}`, `refs/remotes/origin/${name}`];
  const [own, fetched] = [await git.resolve(here), await git.resolve(there)];
  if (own === null || fetched === null) return own === null ? (fetched === null ? null : there) : here;
  if (own === fetched) return there;
  const base = await git.mergeBase(own, fetched);
  if (base === own) return there;
  if (base === fetched) return here;
  throw new PlumbError('AUDIT_REWRITTEN', {
    what: `${name} here and ${name} of origin have parted: neither has all that the other has`,
    mend: `one of them was rewritten, or \`${name}\` here has commits that were never pushed: \`git log --oneline --left-right ${here}...${there}\``,
  });
}

/**
 * The main branch that a log says it is about, before anything was verified: to know where to look.
 * @throws PlumbError AUDIT_MISSING
 */
export async function claimedBranch(git: Git, ref: string): Promise<string> {
  const tip = await git.resolve(ref);
  const bytes = tip === null ? null : await git.readBlob(tip, recordPath(0));
  const claimed = bytes === null ? null : claimedDecision(Buffer.from(bytes).toString('utf8'));
  if (claimed === null) throw missingLog(ref);
  return claimed.branch;
}

async function readTexts(git: Git, tip: Oid): Promise<{ texts: string[]; stray: LogFinding | null }> {
  const paths = (await git.listTree(tip, '')).map(({ path }) => path);
  const odd = paths.find((path, seq) => path !== recordPath(seq)) ?? null;
  const count = odd === null ? paths.length : paths.indexOf(odd);
  const blobs = await git.readBlobs(tip, paths.slice(0, count));
  const texts = blobs.map((bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes ?? new Uint8Array()));
  const stray = odd === null ? null : finding(count, `${odd} is no record that comes next: ${recordPath(count)} would be`);
  return { texts, stray };
}

/** Policies as commits of the main branch have them. */
export function gitPolicies(git: Git, prefix: string): PolicySource {
  const text = async (commit: Oid, path: string): Promise<string | null> => {
    const bytes = await git.readBlob(commit, prefix + path);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  };
  return {
    policy: async (digest, commit) => {
      if ((await git.resolve(commit)) === null) return null;
      const found = await text(commit, files.policy);
      if (found === null || digestOf(found) !== digest) return null;
      const policy = parsePolicyText(found);
      const path = typeof policy === 'string' ? undefined : policy.trust?.sigstore?.root;
      return { text: found, root: path === undefined ? null : await rootText(() => text(commit, path)) };
    },
  };
}

async function rootText(read: () => Promise<string | null>): Promise<string | null> {
  return read().catch((error: unknown) => {
    // the policy may name a place that is none
    if (isPlumbError(error, 'PATH_OUTSIDE')) return null;
    throw error;
  });
}

interface MainInput {
  readonly git: Git;
  readonly prefix: string;
  readonly main: Oid;
  readonly records: readonly LogRecord[];
  /** how many of them were compared with the files of the main branch before */
  readonly trusted: number;
}

/**
 * Records are about commits of the main branch's first-parent line, in its order, and say of their files what git has. A commit may be judged again later
 * (what was refused may be approved by now): then a record goes back to a commit that an earlier one is about.
 */
async function againstMain({ git, prefix, main, records, trusted }: MainInput): Promise<{ held: LogRecord[]; findings: LogFinding[] }> {
  const line = new Map((await git.log(main, { firstParent: true })).toReversed().map(({ oid }, at) => [oid, at]));
  const held: LogRecord[] = [];
  const seen = new Set<Oid>();
  let newest = -1;
  for (const record of records) {
    const { commit, seq, parent } = record.decision;
    const place = line.get(commit);
    if (place === undefined) return { held, findings: [await offLine(git, main, record)] };
    if (place < newest && !seen.has(commit))
      return { held, findings: [finding(seq, `record ${seq} is about ${commit.slice(0, 12)}, which came before what earlier records are about`)] };
    // one pull request may be several commits of the line: the record begins before the first of them
    if (parent !== null && (line.get(parent) ?? place) >= place)
      return {
        held,
        findings: [finding(seq, `record ${seq} names ${parent?.slice(0, 12)} as the commit before its own, which never came before it`)],
      };
    const fault = seq < trusted ? null : await fileFault(git, prefix, record);
    if (fault !== null) return { held, findings: [finding(seq, `record ${seq} ${fault}`)] };
    newest = Math.max(newest, place);
    seen.add(commit);
    held.push(record);
  }
  return { held, findings: [] };
}

/** Gone, or not here yet? */
async function offLine(git: Git, main: Oid, { decision: { commit, seq } }: LogRecord): Promise<LogFinding> {
  const short = commit.slice(0, 12);
  const isHere = (await git.resolve(commit)) !== null;
  if (isHere && (await git.mergeBase(main, commit)) === main)
    return finding(seq, `record ${seq} is about ${short}, which this main branch does not have yet`, 'behind');
  const where = isHere ? 'is not on the first-parent line of the main branch' : 'is not in this clone';
  return finding(seq, `record ${seq} is about ${short}, which ${where}: the main branch was rewritten, or never had it`, 'rewritten');
}

async function fileFault(git: Git, prefix: string, { subject, decision: { commit } }: LogRecord): Promise<string | null> {
  const blobs = await git.readBlobs(
    commit,
    subject.map(({ name }) => prefix + name),
  );
  const at = blobs.findIndex((bytes, place) => bytes === null || digestOf(bytes) !== `sha256:${subject[place]?.digest.sha256 ?? ''}`);
  return at === -1 ? null : `is about a ${subject[at]?.name ?? 'file'} that commit ${commit.slice(0, 12)} does not have`;
}
