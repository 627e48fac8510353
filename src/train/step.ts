// plumb/train-text: rows with labels -> a model file, its curve and its figures.
import { writeFile } from 'node:fs/promises';
import { canonicalJsonFile, type Json } from '../base/canonical.ts';
import type { Step, StepContext, StepResult } from '../base/step.ts';
import { readRows, requireFormatOfName } from '../datasets/rows.ts';
import { openEncoder } from './encoder.ts';
import { openPredictor } from './predictor.ts';
import { checkLearnable, type Columns, type LabelledText, toLabelledText } from './rows.ts';
import { type TrainTextArguments, trainTextArguments, type TrainTextParams, trainTextParams } from './schema.ts';
import { type TrainingInput, trainingCount, trainText as trainOn } from './training.ts';

type Context = StepContext<TrainTextArguments, TrainTextParams>;

/** The built-in step. Outputs: model, an ONNX file; curve, { points: [{ epoch, loss, accuracy, ... }] } of CurvePoint. */
export const trainText: Step<TrainTextArguments, TrainTextParams> = {
  uses: 'plumb/train-text',
  version: 1,
  summary: 'learn to label texts: n-grams and a linear model, as one ONNX file',
  with: trainTextArguments,
  params: trainTextParams,
  ports: (args) =>
    Promise.resolve({
      inputs: {
        data: { kind: 'data', ref: args.data },
        ...(args.encoder === undefined ? {} : { encoder: { kind: 'data' as const, ref: args.encoder } }),
      },
      outputs: { model: 'model.onnx', curve: 'curve.json' },
    }),
  run: runTrainText,
};

async function runTrainText(context: Context): Promise<StepResult> {
  const { data } = context.inputs;
  const { model, curve } = context.outputs;
  if (data === undefined || model === undefined || curve === undefined) throw new Error('plumb/train-text was started without its files');
  const columns = { data: context.with.data, input: context.with.input, label: context.with.label };
  const rows = await readTexts(data, columns, context);
  const input: TrainingInput = {
    rows,
    data: columns.data,
    params: context.params,
    seed: context.seed,
    encoder: await embedRows(rows, context),
  };
  const bar = context.progress.start('train', trainingCount(input) * context.params.epochs, 'steps');
  const trained = await trainOn(input, {
    pause: () => pause(context.signal),
    onEpoch: () => bar.advance(1),
    now: () => performance.now() / 1000,
  }).finally(() => bar.end());
  await writeFile(model, trained.onnx);
  await writeFile(curve, canonicalJsonFile({ plumbline: 'curve/1', points: trained.curve } as unknown as Json));
  // what was just written is opened and asked its golden texts, as whoever serves it will do
  await (await openPredictor(model, context.inputs['encoder'] === undefined ? {} : { encoder: context.inputs['encoder'] })).close();
  context.log(`${rows.length} rows, ${trained.metrics['labels']} labels, ${trained.metrics['features']} features`);
  return { metrics: trained.metrics, measured: trained.measured };
}

async function readTexts(path: string, columns: Columns, context: Context): Promise<LabelledText[]> {
  const bar = context.progress.start('read', undefined, 'rows');
  const rows: LabelledText[] = [];
  try {
    for await (const row of readRows(path, requireFormatOfName(path), { signal: context.signal, name: columns.data })) {
      rows.push(toLabelledText(row, columns));
      bar.advance(1);
    }
  } finally {
    bar.end();
  }
  checkLearnable(rows, columns);
  return rows;
}

const rowsEncodedAtOnce = 256;

async function embedRows(rows: readonly LabelledText[], context: Context): Promise<TrainingInput['encoder']> {
  const folder = context.inputs['encoder'];
  if (folder === undefined) return null;
  const encoder = await openEncoder(folder);
  const bar = context.progress.start('embed', rows.length, 'rows');
  const embeddings: Float32Array[] = [];
  try {
    for (let from = 0; from < rows.length; from += rowsEncodedAtOnce) {
      const part = rows.slice(from, from + rowsEncodedAtOnce).map((row) => row.text);
      embeddings.push(...(await encoder.embed(part)));
      bar.advance(part.length);
      await pause(context.signal);
    }
  } finally {
    bar.end();
    await encoder.close();
  }
  return { reference: { digest: encoder.digest, size: encoder.size }, embeddings };
}

/** Lets signals and events through, and stops when told to. */
async function pause(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
