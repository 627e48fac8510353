// plumb/validate: rows against a rules file. The report and the flagged rows are written first; then broken rules of severity error end the step.
import { readFile, writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { withLines } from '../../base/config.ts';
import { PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import type { FlaggedRow } from '../findings.ts';
import { writeFlagged } from '../flagged-file.ts';
import type { DataReference } from './bounds.ts';
import { describeBroken, rulesBroken } from './broken.ts';
import { parseRules } from './parse-rules.ts';
import { planChecks } from './plan.ts';
import { runRules } from './run.ts';
import type { Rules } from './schema.ts';

export const validateArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  rules: z.string().min(1).describe('rules file, relative to the project'),
}).describe('what to judge by what');
export type ValidateArguments = z.infer<typeof validateArguments>;

/** The built-in step. Outputs: report, the validation/1 report; flagged, the rows that break a rule. */
export const validate: Step<ValidateArguments, null> = {
  uses: 'plumb/validate',
  version: 3,
  summary: 'judge rows by a rules file; a broken rule of severity error stops what depends on it',
  with: validateArguments,
  params: null,
  ports: async (args, readText) => ({
    inputs: { data: { kind: 'data', ref: args.data }, rules: { kind: 'file', path: args.rules }, ...(await referenceInputs(args, readText)) },
    outputs: { report: 'validation.json', flagged: 'flagged.jsonl' },
  }),
  run: runValidate,
};

/** Data that rules refer to are inputs as well. A rules file with a mistake in it is told when the step runs. */
async function referenceInputs({ rules: file }: ValidateArguments, readText: (path: string) => Promise<string>): Promise<Record<string, StepInput>> {
  try {
    const names = referencedData(await parseRules(await readText(file), file), file);
    return Object.fromEntries(names.map((ref, at) => [inputName(at), { kind: 'data', ref }]));
  } catch (error) {
    if (error instanceof PlumbError) return {};
    throw error;
  }
}

function inputName(at: number): string {
  return `reference_${at + 1}`;
}

function referencedData(rules: Rules, file: string): string[] {
  return [
    ...new Set(
      planChecks(rules, file).references.flatMap(({ data }) => (typeof data === 'string' ? [data] : data.rev === undefined ? [data.data] : [])),
    ),
  ];
}

async function runValidate(context: StepContext<ValidateArguments, null>): Promise<StepResult> {
  const { rules: path } = context.inputs;
  const { report, flagged: flaggedPath } = context.outputs;
  if (path === undefined || report === undefined || flaggedPath === undefined) throw new Error('plumb/validate was started without its files');
  const file = context.with.rules;
  const text = await readFile(path, 'utf8');
  const rules = await parseRules(text, file);
  const world = worldOfStep(context);
  const names = await withLines(file, text, async () => referencedData(rules, file));
  const openReference = async (data: DataReference) => inputOfStep(context, inputName(names.indexOf(nameOf(data, file))), world);
  const flagged: FlaggedRow[] = [];
  const rows = await inputOfStep(context, 'data', world);
  const judging = { ...world, openReference, now: null };
  const { validation, read } = await withLines(file, text, () => runRules(rows, { rules, file }, judging, (row) => void flagged.push(row)));
  await writeFlagged(flaggedPath, flagged);
  await writeFile(report, canonicalJsonFile(validation));
  for (const result of validation.results) if (!result.holds) context.log(`${result.severity}: ${describeBroken(result, validation)}`);
  if (!validation.holds) throw rulesBroken(validation, file);
  return {
    metrics: { rows: validation.rows, checks: validation.results.length, warnings: validation.warnings, flagged: flagged.length },
    measured: { rows_read: read },
  };
}

/** A stage names its inputs by the lock, so that the same run comes out another day. */
function nameOf(data: DataReference, file: string): string {
  if (typeof data === 'string') return data;
  if (data.rev === undefined) return data.data;
  throw new PlumbError('CONFIG_INVALID', {
    what: `"${data.data}" is asked for at ${data.rev}, and a stage cannot read other revisions`,
    where: { file },
    mend: 'lock the older version as a data set of its own, or ask it with `plumb validate`',
  });
}
