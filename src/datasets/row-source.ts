// A version of rows, as those take it who compare, merge or sample versions.
import type { Digest } from '../base/digest.ts';
import type { LabelCounts } from './class-balance.ts';
import type { RowFormat } from './schema.ts';

/** A file of rows, and what is known of it. */
export interface RowSource {
  /** absolute */
  readonly path: string;
  readonly format: RowFormat;
  readonly key?: string;
  readonly label?: string;
  /** for messages */
  readonly name: string;
  /** where it is known: what differs is found without reading all of both files */
  readonly tree?: RowTree;
}

/** The tree of a version, and what else its manifest says. */
export interface RowTree {
  readonly root: Digest;
  readonly rows: number;
  readonly schema: Readonly<Record<string, string>>;
  /** the column whose values are known to be there and to be unique; null: none */
  readonly key: string | null;
  /** the column that `labels` counts; null: none */
  readonly label: string | null;
  /** null: more labels than anybody counts */
  readonly labels: LabelCounts | null;
}

/** A version with its tree. */
export type TreeSource = RowSource & { readonly tree: RowTree };
