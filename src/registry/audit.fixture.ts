// A team's repository with a log of decisions, as reconcile would have written it: every record about a real commit, signed with real keys.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { commitFiles } from '../git/publish.ts';
import type { Oid } from '../git/git.ts';
import { publicText } from '../pipeline/attestation.ts';
import { keySigner, planRecords, type DecisionDraft, type LogSigner } from './audit-append.ts';
import { needsDecision } from './audit-coverage.ts';
import type { Move } from './audit-record.ts';
import { readLog, type DecisionLog } from './decision-log.ts';
import { ExampleRepository, policyText } from './example.fixture.ts';
import { parsePointer, placeOf } from './pointer.ts';
import { revocationOf } from './revocation.ts';

export const logRef = 'refs/heads/plumb/audit';

export function newKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** @param keys name -> key */
export function policyWithKeys(keys: Readonly<Record<string, KeyObject>>, text = policyText): string {
  const lines = Object.entries(keys).map(([name, key]) => `    - { name: ${name}, public: "${publicText(key)}" }`);
  return `${text}audit:\n  keys:\n${lines.join('\n')}\n`;
}

/** Writes a log into a repository, whoever made that. */
export class LogWriter {
  readonly place: Pick<ExampleRepository, 'git' | 'prefix' | 'head' | 'run'>;
  signer: LogSigner;
  #minutes = 0;

  constructor(place: LogWriter['place'], signer: LogSigner) {
    this.place = place;
    this.signer = signer;
  }

  get git(): ExampleRepository['git'] {
    return this.place.git;
  }

  async log(more: { pin?: string; known?: DecisionLog; main?: Oid } = {}): Promise<DecisionLog> {
    const main = more.main ?? (await this.place.head());
    return readLog({ git: this.git, prefix: this.place.prefix, ref: logRef, main, pin: more.pin, known: more.known });
  }

  /** What a record about a commit says when everything holds. @param wish what it shall say otherwise */
  async draft(wish: Partial<DecisionDraft> = {}): Promise<DecisionDraft> {
    const { git, prefix } = this.place;
    const commit = wish.commit ?? (await this.place.head());
    const { parents } = await git.readCommit(commit);
    const [parent = null] = parents;
    const changed =
      parent === null || wish.kind === 'start'
        ? (await git.listTree(commit, prefix)).map(({ path }) => path)
        : await git.changedPaths(parent, commit);
    const paths = changed.map((path) => path.slice(prefix.length)).filter(needsDecision);
    const blobs = await git.readBlobs(
      commit,
      paths.map((path) => prefix + path),
    );
    const subject = paths.flatMap((name, at) => {
      const bytes = blobs[at] ?? null;
      return bytes === null ? [] : [{ name, digest: { sha256: digestOf(bytes).slice(7) } }];
    });
    const served = wish.holds !== false;
    const moves: Move[] = [];
    for (const [at, path] of paths.entries()) {
      const place = placeOf(path);
      if (place === null) continue;
      const bytes = blobs[at] ?? null;
      const pointer = bytes === null ? null : await parsePointer(Buffer.from(bytes).toString('utf8'), place);
      const before = parent === null ? null : await git.readBlob(parent, prefix + path);
      const from = before === null ? null : (await parsePointer(Buffer.from(before).toString('utf8'), place)).artifact.digest;
      const kind = pointer === null ? 'removed' : wish.kind === 'rollback' ? 'rollback' : 'promotion';
      moves.push({ ...place, kind, from, to: pointer?.artifact.digest ?? null, pointer: bytes === null ? null : digestOf(bytes), served });
    }
    const policyBytes = await git.readBlob(commit, `${prefix}policy.yaml`);
    const isPolicy = wish.kind === 'start' || wish.kind === 'policy';
    const before = isPolicy ? null : (await this.log()).policy;
    this.#minutes += 1;
    return {
      at: new Date(Date.UTC(2026, 10, 22, 8, this.#minutes)).toISOString(),
      repository: 'acme/intents',
      branch: 'main',
      commit,
      parent,
      kind: 'promotion',
      moves,
      revoked: paths.flatMap((path) => revocationOf(path)?.digest ?? []).toSorted(),
      policy: isPolicy ? (policyBytes === null ? null : digestOf(policyBytes)) : (before?.digest ?? null),
      holds: true,
      points: [{ point: 'approvals', holds: served, why: served ? '2 of 2: grace, alan' : '0 of 2 approvals' }],
      pull: {
        number: 7,
        url: 'https://forge.example/acme/intents/pulls/7',
        author: 'ada',
        mergedBy: 'grace',
        mergedAt: '2026-11-22T08:00:00.000Z',
        head: commit,
      },
      approvals: served ? [{ login: 'grace', review: '11', commit, at: '2026-11-22T07:59:00.000Z' }] : [],
      reason: null,
      by: { kind: 'job', name: 'deploy', run: 'https://forge.example/acme/intents/actions/runs/100' },
      subject,
      ...wish,
    };
  }

  /** One record, about HEAD unless told. */
  async record(wish: Partial<DecisionDraft> = {}): Promise<void> {
    await this.append([await this.draft(wish)]);
  }

  async append(drafts: readonly DecisionDraft[]): Promise<void> {
    const there = await this.git.resolve(logRef);
    const plan = await planRecords({
      git: this.git,
      prefix: this.place.prefix,
      log: there === null ? null : await this.log(),
      drafts,
      signer: this.signer,
    });
    const files = new Map(plan.files.map(({ path, bytes }) => [path, Buffer.from(bytes)]));
    await this.moveLog(
      await commitFiles(this.git, { parent: plan.parent, files, message: plan.message, author: { name: 'log', email: 'log@example.org' } }),
    );
  }

  /** Writes the log anew as somebody with write access would: text of each record. */
  async rewrite(texts: readonly string[], paths = texts.map((_, seq) => `records/${String(seq).padStart(8, '0')}.json`)): Promise<void> {
    const files = new Map(texts.map((text, at) => [paths[at] ?? '', Buffer.from(text)]));
    await this.moveLog(await commitFiles(this.git, { parent: null, files, message: 'rewritten', author: { name: 'eve', email: 'eve@example.org' } }));
  }

  async texts(): Promise<string[]> {
    return (await this.log()).records.map(({ text }) => text);
  }

  async moveLog(commit: Oid): Promise<void> {
    await this.place.run('update-ref', logRef, commit);
  }
}

/** An example's repository with a policy that names a key, and the record that begins the log. */
export class AuditedRepository extends LogWriter {
  readonly repository: ExampleRepository;

  constructor(repository: ExampleRepository, signer: LogSigner) {
    super(repository, signer);
    this.repository = repository;
  }

  static async make(key: KeyObject, prefix = ''): Promise<AuditedRepository> {
    const repository = await ExampleRepository.make(prefix);
    const audited = new AuditedRepository(repository, keySigner(key));
    await repository.write({ 'policy.yaml': policyWithKeys({ log: key }) });
    await repository.commitAll('a log');
    await audited.record({ kind: 'start' });
    return audited;
  }

  remove(): Promise<void> {
    return this.repository.remove();
  }
}

/** The records again with what one of them says changed, all signed anew from there on: what who has the key could do. */
export async function forged(
  texts: readonly string[],
  at: number,
  change: (predicate: Record<string, unknown>) => void,
  signer: LogSigner,
): Promise<string[]> {
  const out = texts.slice(0, at);
  let previous: Digest | null = out.length === 0 ? null : digestOf(out.at(-1) ?? '');
  for (const [place, text] of texts.slice(at).entries()) {
    const statement = payloadOf(text);
    if (place === 0) change(statement.predicate);
    else statement.predicate['previous'] = previous;
    const sealed = canonicalJson(JSON.parse(await signer(canonicalJson(statement as never))));
    out.push(sealed);
    previous = digestOf(sealed);
  }
  return out;
}

export function payloadOf(text: string): { predicate: Record<string, unknown> } {
  const { payload } = JSON.parse(text) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as { predicate: Record<string, unknown> };
}
