// What became of rows: which runs read them, and which models were made or judged with what these runs wrote. Built-in steps that keep rows as they are, or say
// what they made of them, are followed row by row; of all else, whatever a run wrote that read the rows counts as made with them.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { cacheOnly, readManifest } from '../datasets/manifest.ts';
import { formatOfName } from '../datasets/row-format.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { RowFormat } from '../datasets/schema.ts';
import type { RunInput, RunOutput, RunRecord } from '../pipeline/run-record.ts';
import type { Project } from '../project/open.ts';
import type { KnownRuns, SeenPointer } from './runs.ts';
import type { MatchedVersion } from './version-rows.ts';

/** yes: it read rows that are among them, by their digests; perhaps: nobody can tell, for bytes are not here or a command made something of rows */
export type Certainty = 'yes' | 'perhaps';

export interface RunUse {
  readonly run: Digest;
  readonly record: RunRecord;
  /** names of the inputs that the rows, or what was made with them, came in by */
  readonly inputs: readonly string[];
  readonly certainty: Certainty;
}

export interface ModelUse {
  readonly model: string;
  readonly artifact: Digest;
  /** trained: a run that it was made by read the rows; evaluated: only its evaluation did */
  readonly use: 'trained' | 'evaluated';
  readonly certainty: Certainty;
  /** stages that it was promoted to, oldest first */
  readonly promotions: readonly { readonly stage: string; readonly commit: string; readonly date: Date }[];
}

interface World {
  readonly project: Project;
  readonly signal: AbortSignal;
}

/** Of outputs: what of them is made with the rows. */
type Taint = ReadonlyMap<string, Certainty>;

export class Uses {
  readonly #wanted: ReadonlySet<Digest>;
  readonly #known: KnownRuns;
  readonly #world: World;
  /** manifest -> has it any of the rows? */
  readonly #data: Map<Digest, Certainty | null>;
  readonly #files = new Map<Digest, Certainty | null>();
  readonly #taints = new Map<Digest, Taint>();
  readonly #found = new Map<Digest, RunUse>();

  /** @param versions all of them, searched for the rows */
  constructor(wanted: ReadonlySet<Digest>, versions: readonly MatchedVersion[], known: KnownRuns, world: World) {
    this.#wanted = wanted;
    this.#known = known;
    this.#world = world;
    this.#data = new Map(versions.map(({ digest, rows }) => [digest, rows === null ? 'perhaps' : rows.size > 0 ? 'yes' : null]));
  }

  /** Runs that read any of the rows, or what was made with them; by the time when they began. */
  async runs(): Promise<RunUse[]> {
    for (const run of this.#known.runs.keys()) await this.#taintOf(run, new Set());
    return [...this.#found.values()].toSorted((a, b) =>
      a.record.started < b.record.started ? -1 : a.record.started > b.record.started ? 1 : a.run < b.run ? -1 : 1,
    );
  }

  /** Models that were ever promoted and that these runs made or judged. Call after `runs`. */
  models(): ModelUse[] {
    const models = new Map<string, { use: Omit<ModelUse, 'promotions'>; seen: SeenPointer[] }>();
    for (const seen of this.#known.pointers) {
      const { pointer } = seen;
      const made = this.#madeWith(pointer.run, pointer.artifact.digest);
      const evaluated = this.#found.get(pointer.evaluation)?.certainty ?? null;
      const certainty = made ?? evaluated;
      if (certainty === null) continue;
      const key = JSON.stringify([pointer.model, pointer.artifact.digest, made !== null]);
      const use = {
        model: pointer.model,
        artifact: pointer.artifact.digest,
        use: made === null ? ('evaluated' as const) : ('trained' as const),
        certainty,
      };
      const entry = models.get(key) ?? { use, seen: [] };
      entry.seen.push(seen);
      models.set(key, entry);
    }
    return [...models.values()].map(({ use, seen }) => ({
      ...use,
      promotions: seen.map(({ pointer, commit, date }) => ({ stage: pointer.stage, commit, date })),
    }));
  }

  /** Outputs that hold the rows, or were made with them, each content once. Call after `runs`. */
  outputs(): { readonly run: Digest; readonly stage: string; readonly name: string; readonly digest: Digest; readonly certainty: Certainty }[] {
    const outputs = [...this.#taints].flatMap(([run, taint]) => {
      const record = this.#known.runs.get(run);
      return [...taint].flatMap(([name, certainty]) => {
        const digest = record?.outputs[name]?.digest;
        return record === undefined || digest === undefined ? [] : [{ run, stage: record.stage, name, digest, certainty }];
      });
    });
    return [...new Map(outputs.map((output) => [output.digest, output])).values()];
  }

  #madeWith(run: Digest, artifact: Digest): Certainty | null {
    const record = this.#known.runs.get(run);
    const taint = this.#taints.get(run);
    if (record === undefined || taint === undefined) return this.#known.missing.has(run) ? 'perhaps' : null;
    const name = Object.keys(record.outputs).find((one) => record.outputs[one]?.digest === artifact);
    return (name === undefined ? undefined : taint.get(name)) ?? null;
  }

  /** @param open runs that led here: a circle cannot be, and ends all the same */
  async #taintOf(run: Digest, open: ReadonlySet<Digest>): Promise<Taint> {
    const known = this.#taints.get(run);
    const record = this.#known.runs.get(run);
    if (known !== undefined || record === undefined || open.has(run)) return known ?? new Map();
    const came = new Map<string, Certainty>();
    for (const [name, input] of Object.entries(record.inputs)) {
      const certainty = await this.#inputTaint(input, new Set([...open, run]));
      if (certainty !== null) came.set(name, certainty);
    }
    const taint = came.size === 0 ? new Map<string, Certainty>() : await this.#outputTaints(record, surest([...came.values()]));
    this.#taints.set(run, taint);
    if (came.size > 0) this.#found.set(run, { run, record, inputs: [...came.keys()], certainty: surest([...came.values()]) });
    return taint;
  }

  async #inputTaint({ kind, ref, digest, run }: RunInput, open: ReadonlySet<Digest>): Promise<Certainty | null> {
    if (kind === 'data') return this.#dataTaint(digest);
    if (kind === 'file') return formatOfName(ref) === null ? null : this.#fileTaint(digest, formatOfName(ref) ?? 'jsonl');
    if (run === undefined || this.#known.missing.has(run)) return 'perhaps';
    const record = this.#known.runs.get(run);
    const taint = await this.#taintOf(run, open);
    const name = Object.keys(record?.outputs ?? {}).find((one) => record?.outputs[one]?.digest === digest);
    return (name === undefined ? undefined : taint.get(name)) ?? null;
  }

  /** A version that no commit has: it is in the run alone. */
  async #dataTaint(manifest: Digest): Promise<Certainty | null> {
    const known = this.#data.get(manifest);
    if (known !== undefined) return known;
    const found = await readManifest(cacheOnly(this.#world.project.store), manifest).catch((error: unknown) => {
      if (isPlumbError(error)) return null;
      throw error;
    });
    const certainty = found === null ? 'perhaps' : found.kind === 'files' ? null : await this.#fileTaint(found.content, found.format);
    this.#data.set(manifest, certainty);
    return certainty;
  }

  async #outputTaints(record: RunRecord, came: Certainty): Promise<Taint> {
    const taint = new Map<string, Certainty>();
    for (const [name, output] of Object.entries(record.outputs)) {
      const certainty = keepsRows(record, output) ? await this.#fileTaint(output.digest, formatOfName(output.path) ?? 'jsonl') : came;
      if (certainty !== null) taint.set(name, certainty);
    }
    return taint;
  }

  async #fileTaint(content: Digest, format: RowFormat): Promise<Certainty | null> {
    const known = this.#files.get(content);
    if (known !== undefined) return known;
    const path = await this.#world.project.store.cache.path(content);
    const certainty = path === null ? 'perhaps' : await this.#search(path, format);
    this.#files.set(content, certainty);
    return certainty;
  }

  async #search(path: string, format: RowFormat): Promise<Certainty | null> {
    try {
      for await (const batch of readRowBatches(path, format, { signal: this.#world.signal }))
        for (const { value } of batch) if (this.#wanted.has(rowDigest(value))) return 'yes';
      return null;
    } catch (error) {
      // what is called rows and holds none
      if (isPlumbError(error) && error.code !== 'INTERRUPTED') return 'perhaps';
      throw error;
    }
  }
}

/** Is all that came out of rows as it was, or named in the lineage that the same run wrote? */
function keepsRows({ command, outputs }: RunRecord, { kind, path }: RunOutput): boolean {
  if (!('uses' in command) || kind === 'folder' || formatOfName(path) === null) return false;
  return command.uses === 'plumb/split' || outputs['lineage'] !== undefined;
}

function surest(all: readonly Certainty[]): Certainty {
  return all.includes('yes') ? 'yes' : 'perhaps';
}
