// Which training rows and evaluation rows a pipeline joins: the rows that the stage of a model reads, and those that it is asked.
import { formatOfName } from '../datasets/row-format.ts';
import type { Lock } from '../datasets/schema.ts';
import { readSuite } from '../evaluate/step.ts';
import type { BoundInput, BoundStage } from '../pipeline/graph.ts';
import type { Pipeline } from '../pipeline/source-tree.ts';
import { modelStages } from '../registry/found-model.ts';

/** Rows of one side: a data set, or an output stage.name with its path in the project. */
export interface PairSide {
  readonly ref: string;
  /** null: a data set of the lock */
  readonly path: string | null;
  /** column of the texts, where the stage says it */
  readonly column: string | null;
}

export interface LeakagePair {
  readonly train: PairSide;
  readonly asked: PairSide;
}

interface Source {
  readonly lock: Lock;
  readText(path: string): Promise<string | undefined>;
}

/** Each pair once, in the order of the pipeline. @throws PlumbError MODEL_UNKNOWN for a model that names no stage, and as readSuite */
export async function leakagePairs(pipeline: Pipeline, source: Source): Promise<LeakagePair[]> {
  const joined: { readonly made: string; readonly asked: BoundStage }[] = [];
  for (const stage of pipeline.stages.values()) {
    const model = stage.inputs['model'];
    if (stage.step?.uses === 'plumb/evaluate' && model?.kind === 'output') joined.push({ made: model.stage, asked: stage });
  }
  for (const model of Object.keys(pipeline.config.models)) {
    const { artifactStage, evaluationStage } = modelStages(pipeline, model);
    const asked = pipeline.stages.get(evaluationStage);
    if (asked !== undefined) joined.push({ made: artifactStage, asked });
  }
  const pairs = new Map<string, LeakagePair>();
  for (const { made, asked } of joined)
    for (const train of trainingRows(pipeline, made, source.lock))
      for (const one of await askedRows(pipeline, asked, source)) {
        const name = JSON.stringify([train.ref, one.ref]);
        if (!pairs.has(name)) pairs.set(name, { train, asked: one });
      }
  return [...pairs.values()];
}

/** The rows that a stage reads; of one that reads none (features, shards) those of the stages before it. */
function trainingRows(pipeline: Pipeline, name: string, lock: Lock): PairSide[] {
  const stage = pipeline.stages.get(name);
  if (stage === undefined) return [];
  const input = columnOf(stage.arguments, 'input');
  const rows = Object.values(stage.inputs).flatMap((one) => rowsOf(pipeline, one, lock, input));
  if (rows.length > 0) return rows;
  const before = Object.values(stage.inputs).flatMap((one) => (one.kind === 'output' ? [one.stage] : []));
  return [...new Set(before)].flatMap((other) => trainingRows(pipeline, other, lock));
}

async function askedRows(pipeline: Pipeline, stage: BoundStage, source: Source): Promise<PairSide[]> {
  const { data, suite } = stage.inputs;
  if (stage.step?.uses !== 'plumb/evaluate' || data === undefined || suite?.kind !== 'file')
    return Object.values(stage.inputs).flatMap((one) => rowsOf(pipeline, one, source.lock, null));
  const { input } = await readSuite((await source.readText(suite.ref)) ?? '', suite.ref);
  return rowsOf(pipeline, data, source.lock, input);
}

function rowsOf(pipeline: Pipeline, input: BoundInput, lock: Lock, column: string | null): PairSide[] {
  if (input.kind === 'data') {
    const entry = Object.hasOwn(lock.datasets, input.ref) ? lock.datasets[input.ref] : undefined;
    return entry === undefined || entry.format === 'files' ? [] : [{ ref: input.ref, path: null, column }];
  }
  if (input.kind === 'file') return [];
  const path = pipeline.stages.get(input.stage)?.outputs[input.output];
  return path === undefined || formatOfName(path) === null ? [] : [{ ref: input.ref, path, column }];
}

function columnOf(args: unknown, name: string): string | null {
  const value: unknown = typeof args === 'object' && args !== null && Object.hasOwn(args, name) ? (args as Record<string, unknown>)[name] : null;
  return typeof value === 'string' ? value : null;
}
