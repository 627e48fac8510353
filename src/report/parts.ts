// What a report is made of, before it is put in order and cut at its bounds.
import type { JsonValue } from '../base/schema.ts';
import type { Comparison, Evaluation, GateResult } from '../evaluate/schema.ts';
import type { Curve, DataChange, DriftPart, FindingsPart, Report, RowSample, ValidationPart } from './schema.ts';

/** A row that changed, as the data diff has it: any JSON value, usually column -> value. */
export interface SampleRow {
  readonly kind: RowSample['kind'];
  readonly key: string;
  readonly before: JsonValue | null;
  readonly after: JsonValue | null;
}

/** One data set; `balance` may hold labels that did not change. */
export type DataPart = Omit<DataChange, 'samples'> & {
  readonly samples: readonly SampleRow[];
  /** numbers of the rows, from 1, that came or were edited; undefined: not all of them are known */
  readonly brought?: ReadonlySet<number>;
};

/** What a report is made of, unbounded and in any order (stages: the pipeline's). */
export interface ReportParts {
  /** null: the report is of data alone */
  readonly model: string | null;
  readonly title: Report['title'];
  readonly gate: GateResult | null;
  /** null: there is no model, and `problem` says why where one was to be */
  readonly candidate: Report['candidate'];
  readonly problem?: Report['problem'];
  readonly change?: Report['change'];
  readonly validation?: readonly ValidationPart[];
  readonly findings?: readonly FindingsPart[];
  readonly drift?: readonly DriftPart[];
  readonly mergeBase?: Report['mergeBase'];
  readonly links?: Report['links'];
  readonly baseline: Report['baseline'];
  readonly data: readonly DataPart[];
  /** undefined: the hyperparameter is not there on that side */
  readonly params: readonly { readonly key: string; readonly before?: JsonValue | undefined; readonly after?: JsonValue | undefined }[];
  readonly stages: Report['stages'];
  readonly evaluation: Evaluation | null;
  readonly baselineEvaluation: Evaluation | null;
  readonly comparison: Comparison | null;
  readonly curves: readonly Curve[];
  readonly cost: Omit<Report['cost'], 'measured'> & { readonly measured?: Readonly<Record<string, number>> };
  readonly warnings: readonly string[];
}
