// What the stages of a pipeline run in, as they see it.
import type { Progress } from '../base/progress.ts';
import type { Store } from '../store/store.ts';
import type { CheckpointShare } from './checkpoint-share.ts';
import type { RunNames } from './run-names.ts';
import type { RunInput, RunOutput, RunRecord } from './run-record.ts';

/** What a stage needs of the work tree; made by work-tree.ts. */
export interface Workspace {
  readonly root: string;
  readonly localDir: string;
  /** Stores what stands at an absolute path. */
  keep(path: string, projectPath: string): Promise<RunOutput>;
  /** Makes the work tree's copy equal to an output; costs a stat when it is. */
  restore(output: RunOutput): Promise<void>;
  /** Puts an object, or a folder by its manifest, at a path for a step to read; nothing is copied where a link will do. */
  place(digest: RunOutput['digest'], kind: 'file' | 'folder' | 'dataset', target: string): Promise<string>;
  /** Sees that git leaves an output alone. @throws PlumbError OUT_TRACKED when git tracks it: what a stage writes over would be lost */
  claim(path: string): Promise<void>;
  /** Is a file or data set of the work tree still what it was? */
  isStill(input: RunInput): Promise<boolean>;
  /** Brings a data set's working copy when it is not there. */
  materialise(dataset: string): Promise<void>;
}

export interface StageWorld {
  readonly store: Store;
  /** where earlier runs are looked for, and ours kept */
  readonly runs: RunNames;
  readonly builder: RunRecord['builder'];
  /** checkpoints of other machines; without it, they stay on this one */
  readonly checkpoints?: CheckpointShare;
  readonly workspace: Workspace;
  /** program and first words that start a step's process */
  readonly stepCommand: readonly string[];
  /** of the processes of stages: without what lets a job of CI sign or write */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** where steps may remember what makes the next run cheaper */
  readonly memoryDir: string;
  /** false: what lies there is not to be trusted here */
  readonly recalls: boolean;
  readonly version: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  now(): Date;
  /** a line that a stage printed */
  onLine(stage: string, line: string): void;
  /** commit of the work tree, and whether the project differs from it */
  code(): Promise<{ commit: string | null; dirty: boolean }>;
}
