// What a built-in step of a pipeline is. The steps live in the folders that do their work (quality, prepare, train, evaluate); the pipeline
// runs whatever registry of steps it is given and knows none by name.
import type { ZodType } from 'zod';
import type { Digest } from './digest.ts';
import type { Progress } from './progress.ts';
import type { JsonValue } from './schema.ts';

/** What a step reads: `data` a data set of the lock or an output `stage.name`; `file` a path in the project. */
export type StepInput = { readonly kind: 'data'; readonly ref: string } | { readonly kind: 'file'; readonly path: string };

export interface StepPorts {
  /** input name -> what it is bound to */
  readonly inputs: Readonly<Record<string, StepInput>>;
  /** output name -> file name below out/<stage>/; others refer to it as <stage>.<output name> */
  readonly outputs: Readonly<Record<string, string>>;
}

export interface StepResult {
  /** Numbers that depend on the inputs alone: equal on every run. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Numbers of this run on this machine: times, rates. In the run record, never in an output. */
  readonly measured: Readonly<Record<string, number>>;
}

/** Where the bytes of an input are from. */
export interface StepOrigin {
  readonly kind: 'data' | 'output';
  /** data set, or stage.output */
  readonly ref: string;
  /** of a data set: its manifest; of an output: the file */
  readonly digest: Digest;
}

export interface StepContext<With, Params> {
  readonly with: With;
  readonly params: Params;
  readonly seed: number;
  /** Absolute paths, verified bytes, read-only. A data set of rows has the extension of its format: .jsonl, .csv, .parquet. */
  readonly inputs: Readonly<Record<string, string>>;
  /** input name -> where it is from; files of the project have none */
  readonly origins: Readonly<Record<string, StepOrigin>>;
  /** Cache of this machine: what the origins name is in it. */
  readonly cacheDir: string;
  /** Where a step may remember what makes its next run cheaper; null: nowhere. The outputs are the same. */
  readonly memoryDir: string | null;
  /** false: others write there whom this run does not trust; it may add, and must not read */
  readonly recalls?: false;
  /** To be told when what was remembered goes into the outputs: such a run is not built on by who trusts nothing that lies there. */
  readonly onRecall?: () => void;
  /** Absolute paths to write; their folder exists and nothing stands there. */
  readonly outputs: Readonly<Record<string, string>>;
  /** the latest of its last days (see `lastDays`) that has passed, YYYY-MM-DD; left out: none has. A step has no other clock */
  readonly passed?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** A line for the stage's log. */
  log(line: string): void;
}

export interface Step<With = JsonValue, Params = JsonValue> {
  /** 'plumb/split' */
  readonly uses: `plumb/${string}`;
  /** Raised whenever equal inputs give other outputs; part of every fingerprint. A golden test holds it. */
  readonly version: number;
  readonly summary: string;
  /** Arguments in pipeline.yaml, defaults filled in. */
  readonly with: ZodType<With>;
  /** The hyperparameters that it reads from params.yaml, defaults filled in; null when it reads none. */
  readonly params: ZodType<Params> | null;
  /** @param readText text of a project file, to look into (a suite names its data); throws FILE_MISSING */
  ports(arguments_: With, readText: (path: string) => Promise<string>): Promise<StepPorts>;
  /**
   * Days, YYYY-MM-DD, that its files name as the last on which something counts (a waiver, say). The latest that has passed is part of the fingerprint: the
   * stage runs again the day after, and two days between which nothing runs out are one. What does not read is for `run` to say.
   */
  lastDays?(arguments_: With, readText: (path: string) => Promise<string>): Promise<readonly string[]>;
  run(context: StepContext<With, Params>): Promise<StepResult>;
}

/** A registry holds steps of many argument types; each checks its own arguments by its schemas. */
// oxlint-disable-next-line typescript/no-explicit-any -- the argument types of different steps have no common form
export type AnyStep = Step<any, any>;
export type StepRegistry = ReadonlyMap<string, () => Promise<AnyStep>>;
