// Whose word counts for what is served: where there is a log of decisions, that alone; else the pointers as they stand. Once a log was believed, or a key for
// it is pinned, nothing that is committed to the main branch leads back to the pointers. A log that is gone, cut or broken leaves what is served as it is.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { parsePolicyText } from '../registry/chain.ts';
import { findBranch, missingLog, readLog, soundLog, type DecisionLog } from '../registry/decision-log.ts';
import { everRevoked } from '../registry/revocation.ts';
import type { Memory } from './memory.ts';
import { earlierModels, readPointers, revokedAt, type NamedModel, type PointerReading, type PointerScope } from './pointers.ts';
import { earlierServed, readServed } from './served-by-log.ts';

/** The branch of the log where no policy names another. */
const usualBranch = 'plumb/audit';

/** Where the log stands that decides. */
export interface LogFacts {
  /** name of its branch */
  readonly branch: string;
  /** how many records were believed */
  readonly records: number;
  /** the newest commit of the main branch that they are about; null: none was believed */
  readonly commit: Oid | null;
  /** pinned: by the key that the operator gave; first-use: by what was found here first */
  readonly trust: DecisionLog['trust'];
  /** why it is not believed now */
  readonly trouble: PlumbError | null;
}

export interface Decided {
  /** null: what is served stays as it is */
  readonly reading: PointerReading | null;
  /** all that was ever taken out for good */
  readonly revoked: ReadonlySet<Digest>;
  /** null: there is none, and pointers are believed */
  readonly log: LogFacts | null;
}

export interface AuthorityParts {
  readonly git: Git;
  readonly scope: PointerScope;
  readonly memory: Memory;
  /** public key, or digest of the first record, that the operator pinned */
  readonly pin?: string | undefined;
}

export class Authority {
  readonly #parts: AuthorityParts;
  #believed: DecisionLog | null = null;
  #branch: string;
  #hasRead = false;
  #policy: { readonly text: string; readonly branch: string | null } | null = null;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
    this.#branch = parts.memory.log?.branch ?? usualBranch;
  }

  /** Whole names of the refs that the log may stand in, to be looked at for moves. */
  get refs(): readonly string[] {
    return [`refs/heads/${this.#branch}`, `refs/remotes/origin/${this.#branch}`];
  }

  /** short name of the branch that the log is looked for in */
  get branch(): string {
    return this.#branch;
  }

  /**
   * What a commit of the main branch, and the log about it, say is served.
   * @throws PlumbError GIT_FAILED where that cannot be read at all
   */
  async read(main: Oid): Promise<Decided> {
    const { git, scope, memory, pin } = this.#parts;
    if (!this.#hasRead) memory.addRevoked(await revokedInHistory(git, scope.prefix, main));
    const wanted = await this.#wantedBranch(main);
    if (memory.log === null) this.#branch = await firstThere(git, [wanted ?? usualBranch, usualBranch]);
    const isNeeded = memory.log !== null || pin !== undefined || wanted !== null;
    const isThere = isNeeded || (await someOf(git, this.refs));
    const decided = isThere ? await this.#byLog(main) : await this.#byPointers(main);
    this.#hasRead = true;
    return decided;
  }

  /** What these models were before, as they stood together, newest first. */
  async *earlier(models: { readonly names: readonly string[]; readonly commit: Oid }): AsyncGenerator<ReadonlyMap<string, NamedModel>> {
    const { git, scope, memory, pin } = this.#parts;
    if (this.#believed !== null) yield* earlierServed(git, { records: this.#believed.records, names: models.names, scope });
    else if (memory.log === null && pin === undefined)
      for (const name of models.names) for await (const model of earlierModels(git, models.commit, name, scope)) yield new Map([[name, model]]);
  }

  async #byPointers(main: Oid): Promise<Decided> {
    const { git, scope, memory } = this.#parts;
    const reading = await readPointers(git, main, scope);
    memory.addRevoked(reading.revoked);
    return { reading: { ...reading, revoked: new Set(memory.revoked) }, revoked: new Set(memory.revoked), log: null };
  }

  async #byLog(main: Oid): Promise<Decided> {
    const { git, scope, memory } = this.#parts;
    memory.addRevoked(await revokedAt(git, main, scope.prefix));
    let trouble: PlumbError | null = null;
    let log: DecisionLog | null = null;
    try {
      log = await this.#readSound(main);
      this.#remember(log, main);
    } catch (error) {
      trouble = asTrouble(error);
      // what was believed before this process began is what a server that did not stop would go on with
      if (this.#believed === null) log = await this.#readRemembered();
    }
    if (log !== null) this.#believed = log;
    memory.addRevoked(this.#believed?.revoked ?? []);
    const revoked = new Set(memory.revoked);
    const records = log?.records ?? null;
    const reading = records === null ? null : await readServed(git, { records, main, revoked, scope });
    return { reading, revoked, log: this.#facts(trouble) };
  }

  async #readSound(main: Oid): Promise<DecisionLog> {
    const { git, scope, memory, pin } = this.#parts;
    const ref = await findBranch(git, this.#branch);
    if (ref === null) throw missingLog(`refs/heads/${this.#branch}`);
    const log = soundLog(await readLog({ git, prefix: scope.prefix, ref, main, pin: pin ?? memory.log?.first, known: this.#believed ?? undefined }));
    const before = memory.log;
    if (before === null || (log.records[before.seq]?.digest === before.head && log.records[0]?.digest === before.first)) return log;
    throw new PlumbError('AUDIT_REWRITTEN', {
      what: `the log of decisions (${ref}) is not the one that was believed here: record ${before.seq} was ${before.head}`,
      mend: 'find out who wrote to its branch and put back what was there; where it was begun anew on purpose, remove the folder in which this server remembers (docs/serving.md)',
    });
  }

  /** The log as it was believed last, if git still has it. */
  async #readRemembered(): Promise<DecisionLog | null> {
    const { git, scope, memory, pin } = this.#parts;
    const { log } = memory;
    if (log === null) return null;
    try {
      const found = soundLog(await readLog({ git, prefix: scope.prefix, ref: log.tip, main: log.main, pin: pin ?? log.first }));
      return found.records[log.seq]?.digest === log.head ? found : null;
    } catch (error) {
      if (isPlumbError(error)) return null;
      throw error;
    }
  }

  #remember(log: DecisionLog, main: Oid): void {
    const [first, last] = [log.records[0], log.records.at(-1)];
    if (first === undefined || last === undefined) throw missingLog(log.ref);
    const { memory } = this.#parts;
    memory.believe({ branch: this.#branch, first: first.digest, seq: last.decision.seq, head: last.digest, tip: log.tip, main });
  }

  #facts(trouble: PlumbError | null): LogFacts {
    const log = this.#believed;
    const trust = this.#parts.pin === undefined ? 'first-use' : 'pinned';
    return { branch: this.#branch, records: log?.records.length ?? 0, commit: log?.last ?? null, trust, trouble };
  }

  /** The branch that the policy names, where it lets anybody sign a log; null: it does not. A policy that does not parse lets nobody. */
  async #wantedBranch(main: Oid): Promise<string | null> {
    const { git, scope } = this.#parts;
    const bytes = await git.readBlob(main, scope.prefix + files.policy);
    const text = bytes === null ? '' : Buffer.from(bytes).toString('utf8');
    if (this.#policy?.text !== text) {
      const policy = text === '' ? '' : parsePolicyText(text);
      const audit = typeof policy === 'string' ? undefined : policy.audit;
      const signed = audit !== undefined && audit.keys.length + audit.workflows.length > 0;
      this.#policy = { text, branch: signed ? audit.branch : null };
    }
    return this.#policy?.branch ?? null;
  }
}

/** A file that was taken away again still counts, as far as this clone's history reaches. */
async function revokedInHistory(git: Git, prefix: string, main: Oid): Promise<Iterable<Digest>> {
  return everRevoked(git, prefix, main).catch((error: unknown) => {
    if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return [];
    throw error;
  });
}

async function firstThere(git: Git, branches: readonly string[]): Promise<string> {
  for (const branch of branches) if (await someOf(git, [`refs/heads/${branch}`, `refs/remotes/origin/${branch}`])) return branch;
  return branches[0] ?? usualBranch;
}

async function someOf(git: Git, refs: readonly string[]): Promise<boolean> {
  for (const ref of refs) if ((await git.resolve(ref)) !== null) return true;
  return false;
}

function asTrouble(error: unknown): PlumbError {
  if (isPlumbError(error)) return error;
  return new PlumbError('GIT_FAILED', { what: `the log of decisions cannot be read: ${String(error)}`, mend: 'run `plumb doctor`', cause: error });
}
