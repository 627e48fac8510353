// plumb/evaluate: asks a model every case of a suite and writes what it answered and what that adds up to.
import { writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../base/canonical.ts';
import { parseYaml, readTextFile } from '../base/config.ts';
import { digestOfFile } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { fields, z } from '../base/schema.ts';
import type { Step, StepContext, StepResult } from '../base/step.ts';
import { readRows, requireFormatOfName } from '../datasets/rows.ts';
import { openPredictor, type Predictor } from '../train/predictor.ts';
import { caseSetDigest, type Question, writeCases } from './cases.ts';
import { evaluateCases } from './classification.ts';
import { metricOf } from './gate.ts';
import { readQuestions } from './questions.ts';
import { type CaseResult, type Evaluation, type Suite, suiteSchema } from './schema.ts';

export const evaluateArguments = fields({
  model: z.string().min(1).describe('output of the stage that makes the model: train.model'),
  suite: z.string().min(1).describe('suite file, relative to the project: evals/intents.yaml'),
  encoder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'for a model that stands on a text encoder: the one it was trained with, as `encoder` of plumb/train-text; without it, PLUMB_ENCODER names its folder',
    ),
}).describe('which model to ask what');
export type EvaluateArguments = z.infer<typeof evaluateArguments>;

/** The built-in step. Outputs: cases, one line a case; evaluation, the evaluation/1 report. */
export const evaluate: Step<EvaluateArguments, null> = {
  uses: 'plumb/evaluate',
  version: 1,
  summary: 'ask a model the cases of a suite: accuracy, precision, recall, F1, confusion, calibration, and every answer',
  with: evaluateArguments,
  params: null,
  async ports(args, readText) {
    const suite = await readSuite(await readText(args.suite), args.suite);
    return {
      inputs: {
        model: { kind: 'data', ref: args.model },
        suite: { kind: 'file', path: args.suite },
        data: { kind: 'data', ref: suite.data },
        ...(args.encoder === undefined ? {} : { encoder: { kind: 'data' as const, ref: args.encoder } }),
      },
      outputs: { cases: 'cases.jsonl', evaluation: 'evaluation.json' },
    };
  },
  run: runEvaluate,
};

/** @throws PlumbError YAML_SYNTAX, CONFIG_INVALID */
export function readSuite(text: string, file: string): Promise<Suite> {
  return parseYaml(text, file, suiteSchema);
}

async function runEvaluate(context: StepContext<EvaluateArguments, null>): Promise<StepResult> {
  const { model, suite: suitePath, data, encoder } = context.inputs;
  const { cases: casesPath, evaluation: evaluationPath } = context.outputs;
  if (model === undefined || suitePath === undefined || data === undefined || casesPath === undefined || evaluationPath === undefined) {
    throw new Error('plumb/evaluate was started without its files');
  }
  const suite = await readSuite((await readTextFile(suitePath, context.with.suite)) ?? '', context.with.suite);
  const rows = readRows(data, requireFormatOfName(data), { signal: context.signal, name: suite.data });
  const questions = await readQuestions(rows, suite, { suite: context.with.suite, data: suite.data });
  const predictor = await openPredictor(model, { encoder: encoder ?? process.env['PLUMB_ENCODER'] });
  try {
    tellUnknownLabels(questions, predictor, context);
    const { cases, seconds } = await askAll(predictor, questions, context);
    const evaluation = evaluateCases(cases, {
      model: (await digestOfFile(model, { signal: context.signal })).digest,
      suite: context.with.suite,
      suiteDigest: (await digestOfFile(suitePath)).digest,
      data: caseSetDigest(questions),
    });
    await writeCases(casesPath, cases);
    await writeFile(evaluationPath, canonicalJsonFile(evaluation));
    const latency = await measureLatency(predictor, questions, context.signal);
    return { metrics: metricsOf(evaluation), measured: { seconds, rows_per_second: cases.length / seconds, ...latency } };
  } finally {
    await predictor.close();
  }
}

/** The figures of an evaluation that a run record, a pointer and a gate speak of. */
export function metricsOf(evaluation: Evaluation): Record<string, number> {
  return {
    accuracy: metricOf(evaluation, 'accuracy'),
    macro_f1: metricOf(evaluation, 'macro_f1'),
    macro_precision: metricOf(evaluation, 'macro_precision'),
    macro_recall: metricOf(evaluation, 'macro_recall'),
    ece: metricOf(evaluation, 'ece'),
    cases: evaluation.cases,
  };
}

function tellUnknownLabels(questions: readonly Question[], predictor: Predictor, context: StepContext<EvaluateArguments, null>): void {
  const known = new Set(predictor.labels);
  const unknown = [...new Set(questions.map(({ expected }) => expected))].filter((label) => !known.has(label)).toSorted();
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 10).map((label) => JSON.stringify(label));
  context.log(
    `the model cannot answer ${unknown.length} of the labels that the suite expects: ${names.join(', ')}${unknown.length > 10 ? ', ...' : ''}`,
  );
}

/** cases asked at once; the answers do not depend on it (a test asks with others) */
const batch = 256;

async function askAll(
  predictor: Predictor,
  questions: readonly Question[],
  context: StepContext<EvaluateArguments, null>,
): Promise<{ cases: CaseResult[]; seconds: number }> {
  const bar = context.progress.start('evaluate', questions.length, 'cases');
  const cases: CaseResult[] = [];
  const started = performance.now();
  try {
    for (let from = 0; from < questions.length; from += batch) {
      context.signal.throwIfAborted();
      const asked = questions.slice(from, from + batch);
      cases.push(...(await askBatch(predictor, asked)));
      bar.advance(asked.length);
    }
  } finally {
    bar.end();
  }
  return { cases, seconds: (performance.now() - started) / 1000 };
}

/**
 * One result a question, in their order; scores in millionths.
 * @throws PlumbError MODEL_INVALID for answers that are no probabilities
 */
export async function askBatch(predictor: Pick<Predictor, 'predict'>, questions: readonly Question[]): Promise<CaseResult[]> {
  const answers = await predictor.predict(questions.map(({ input }) => input));
  return questions.map(({ id, input, expected }, at) => {
    const answer = answers[at];
    if (answer === undefined || !answer.label.isWellFormed() || !(answer.score >= 0 && answer.score <= 1 + 1e-5)) {
      throw new PlumbError('MODEL_INVALID', {
        what: `the model answered case ${id.slice(0, 80)} with the score ${answer?.score}, not with a probability`,
        mend: 'train the model again',
      });
    }
    return { id, input, expected, got: answer.label, score: Math.min(1, Math.round(answer.score * 1e6) / 1e6) };
  });
}

const latencySamples = 1000;
const latencyBudgetMs = 2000;

/** Milliseconds from one text to its label, one at a time, over cases spread evenly through the suite. */
async function measureLatency(predictor: Predictor, questions: readonly Question[], signal: AbortSignal): Promise<Record<string, number>> {
  const step = Math.max(1, Math.floor(questions.length / latencySamples));
  const sample = questions.filter((_, at) => at % step === 0).slice(0, latencySamples);
  const times: number[] = [];
  const end = performance.now() + latencyBudgetMs;
  for (const { input } of sample) {
    signal.throwIfAborted();
    const started = performance.now();
    await predictor.predict([input]);
    const now = performance.now();
    times.push(now - started);
    if (now > end) break;
  }
  const sorted = times.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { latency_p50_ms: rank(0.5), latency_p99_ms: rank(0.99) };
}
