// plumb/leakage: evaluation rows that training rows give away. The report is written first; then errors end the step, and what needs it.
import { writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { PlumbError } from '../../base/errors.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import { describeFindings } from '../findings-text.ts';
import type { FindingsReport } from '../findings.ts';
import { writeFlagged } from '../flagged-file.ts';
import { waiversOfStep } from '../waivers.ts';
import { judgeLeakage, type Leaks } from './judge.ts';
import { leakageArguments, leakageSettings, type LeakageArguments } from './settings.ts';

/** The built-in step. Outputs: report, findings/1; flagged, flagged/1: the evaluation rows. */
export const leakage: Step<LeakageArguments, null> = {
  uses: 'plumb/leakage',
  version: 1,
  summary: 'find evaluation rows that training rows give away: the same text, nearly the same, a run of words, the same group, time',
  with: leakageArguments,
  params: null,
  ports: (args) =>
    Promise.resolve({
      inputs: {
        eval: { kind: 'data', ref: args.eval },
        ...Object.fromEntries(trainsOf(args).map(({ input, ref }) => [input, { kind: 'data', ref } satisfies StepInput])),
        ...waiversOfStep.input(args.waivers),
      },
      outputs: { report: 'leakage.json', flagged: 'flagged.jsonl' },
    }),
  lastDays: waiversOfStep.lastDays,
  run: runLeakage,
};

/** Training rows by the name of their input: train, or train1, train2, ... */
function trainsOf({ train }: Pick<LeakageArguments, 'train'>): { input: string; ref: string }[] {
  return typeof train === 'string' ? [{ input: 'train', ref: train }] : train.map((ref, at) => ({ input: `train${at + 1}`, ref }));
}

async function runLeakage(context: StepContext<LeakageArguments, null>): Promise<StepResult> {
  const { report, flagged } = context.outputs;
  if (report === undefined || flagged === undefined) throw new Error('plumb/leakage was started without its outputs');
  const found = await judgeInputs(context);
  await writeFile(report, canonicalJsonFile(found.report));
  await writeFlagged(flagged, found.flagged);
  for (const line of describeFindings(found.report, 3)) context.log(line);
  if (!found.report.holds) throw leaksFound(found.report);
  return { metrics: { rows: found.report.rows, ...found.report.numbers }, measured: {} };
}

async function judgeInputs(context: StepContext<LeakageArguments, null>): Promise<Leaks> {
  const world = worldOfStep(context);
  const asked = { rows: await inputOfStep(context, 'eval', world), world };
  const trains = [];
  for (const { input } of trainsOf(context.with)) trains.push({ rows: await inputOfStep(context, input, world), world });
  const { train: _, eval: __, waivers: ___, ...settings } = context.with;
  return judgeLeakage(asked, trains, leakageSettings.parse(settings), await waiversOfStep.open(context));
}

/** LEAKS_FOUND names kinds, evaluation rows and where training has them. */
export function leaksFound(report: FindingsReport): PlumbError {
  const errors = { ...report, kinds: report.kinds.filter(({ severity }) => severity === 'error') };
  return new PlumbError('LEAKS_FOUND', {
    what: `${report.data}: ${describeFindings(errors, 3).join('; ')}`,
    mend: 'take these rows out of training or out of evaluation; a group stays together with `by: hash(<column>)` of plumb/split; for what is known and stays, have a waiver reviewed (docs/leakage.md)',
    details: { kinds: errors.kinds.map(({ kind, rows }) => ({ kind, rows })) },
  });
}
