// Where a run is looked for by its fingerprint, and under which name it is kept: each trust domain has names of its own.
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hexOf, isDigest, type Digest } from '../base/digest.ts';
import { errnoOf, systemError } from '../base/errors.ts';
import { domainText, type TrustDomain } from '../project/trust-domain.ts';
import type { Named, NameSpace, Store } from '../store/store.ts';
import { domainsToAsk, type Judged, type MergedPull, type ReuseDecision } from './decide-reuse.ts';
import { readableRecord, type KeptRecord, type RunShelf } from './records.ts';

/** Something that a name led to, and that may be reused here or not: a run, or the checkpoint of one. */
export interface Candidate {
  readonly record: Judged;
  /** whose name it was */
  readonly found: TrustDomain;
  /** who vouches for it */
  readonly note: string | null;
}

export interface RunNames extends RunShelf {
  decide(candidate: Candidate): Promise<ReuseDecision>;
  /** The record of an earlier run, here or in the remote, that may be reused here. A name that leads to missing or foreign bytes is as good as none. */
  find(fingerprint: Digest): Promise<KeptRecord | undefined>;
  /** Runs that this job made; none on a laptop, where that makes no difference. */
  own(): Promise<ReadonlySet<Digest>>;
  /** fingerprint -> why a run that was there is not reused */
  readonly refused: ReadonlyMap<Digest, string>;
  /** run -> whose name led to it, and whether somebody vouched for it */
  readonly found: ReadonlyMap<Digest, { readonly domain: TrustDomain; readonly signed: boolean }>;
}

export function nameIn(domain: TrustDomain, fingerprint: Digest): NameSpace {
  const key = hexOf(fingerprint);
  if ('number' in domain) return { kind: `${domain.kind}${domain.number}`, key };
  return { kind: domain.kind === 'laptop' ? 'runs' : domain.kind, key };
}

/** On a laptop: what laptops ran, then what CI ran for the main branch. */
export function laptopRuns(store: Store): RunNames {
  const domain: TrustDomain = { kind: 'laptop' };
  const found = new Map<Digest, { domain: TrustDomain; signed: boolean }>();
  const find = async (fingerprint: Digest): Promise<KeptRecord | undefined> => {
    for (const asked of domainsToAsk(domain, [])) {
      const digest = await store.readName(nameIn(asked, fingerprint));
      const kept = digest === null ? undefined : await readableRecord(store, digest);
      if (kept?.record.fingerprint !== fingerprint) continue;
      found.set(kept.digest, { domain: asked, signed: false });
      // the next command finds it without asking the remote for a name that is not there
      if (asked !== domain) await store.writeName(nameIn(domain, fingerprint), kept.digest);
      return kept;
    }
    return undefined;
  };
  return {
    domain,
    nameOf: (fingerprint) => nameIn(domain, fingerprint),
    find,
    decide: async () => ({ reuse: true }),
    noteOwn: async () => undefined,
    own: async () => new Set(),
    refused: new Map(),
    found,
  };
}

export interface CiRunsOptions {
  readonly store: Store;
  readonly domain: TrustDomain;
  readonly merged: readonly MergedPull[];
  readonly own: OwnRuns;
  decide(candidate: Candidate): Promise<ReuseDecision>;
}

/** In CI: what `decide` lets through, of the domains that this one builds on. */
export function ciRuns({ store, domain, merged, own, decide }: CiRunsOptions): RunNames {
  const refused = new Map<Digest, string>();
  const found = new Map<Digest, { domain: TrustDomain; signed: boolean }>();
  const take = async (fingerprint: Digest, asked: TrustDomain, named: Named): Promise<KeptRecord | undefined> => {
    const record = await readableRecord(store, named.digest);
    if (record?.record.fingerprint !== fingerprint) return undefined;
    const decision = await decide({ record, found: asked, note: named.note });
    if (decision.reuse) {
      found.set(record.digest, { domain: asked, signed: named.note !== null });
      return record;
    }
    refused.set(fingerprint, decision.why);
    return undefined;
  };
  const find = async (fingerprint: Digest): Promise<KeptRecord | undefined> => {
    refused.delete(fingerprint);
    for (const asked of domainsToAsk(domain, merged)) {
      const name = nameIn(asked, fingerprint);
      const here = await store.nameHere(name);
      const known = here === null ? undefined : await take(fingerprint, asked, here);
      if (known !== undefined) return known;
      const there = await store.nameInRemote(name);
      if (there === null || (there.digest === here?.digest && there.note === here.note)) continue;
      const fetched = await take(fingerprint, asked, there);
      if (fetched === undefined) continue;
      await store.setNameHere(name, there);
      return fetched;
    }
    return undefined;
  };
  return {
    domain,
    nameOf: (fingerprint) => nameIn(domain, fingerprint),
    find,
    decide,
    noteOwn: (run) => own.add(run),
    own: () => own.list(),
    refused,
    found,
  };
}

/** What is said of a fingerprint whose run was there and is not reused. */
export function refusalText(names: RunNames, fingerprint: Digest): string[] {
  const why = names.refused.get(fingerprint);
  return why === undefined ? [] : [`a run of this was there, but ${why}`];
}

/**
 * The runs that this job made, in a file of the work tree: they need no signature here. A work tree that a runner keeps has those of other jobs, too,
 * so each line says whose it is.
 */
export class OwnRuns {
  readonly #file: string;
  readonly #job: string | null;
  #known: Promise<Set<Digest>> | undefined;

  /** @param job names this run of CI and attempt; null: not known, and no run of an earlier process is own */
  constructor(localDir: string, domain: TrustDomain, job: { readonly runId: string; readonly attempt: number } | null) {
    this.#file = join(localDir, 'job-runs.log');
    this.#job = job === null ? null : `${domainText(domain)} ${job.runId} ${job.attempt}`;
  }

  async list(): Promise<ReadonlySet<Digest>> {
    return (this.#known ??= this.#read());
  }

  async add(run: Digest): Promise<void> {
    (await (this.#known ??= this.#read())).add(run);
    if (this.#job === null) return;
    try {
      await mkdir(dirname(this.#file), { recursive: true });
      await appendFile(this.#file, `\n${this.#job} ${run}`);
    } catch (error) {
      throw systemError(error, 'write', this.#file);
    }
  }

  async #read(): Promise<Set<Digest>> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return '';
      throw systemError(error, 'read', this.#file);
    });
    const prefix = this.#job === null ? null : `${this.#job} `;
    const runs = text.split('\n').flatMap((line) => (prefix !== null && line.startsWith(prefix) ? [line.slice(prefix.length)] : []));
    return new Set(runs.filter(isDigest));
  }
}
