// plumb/validate: rows against a rules file. The report is written first; then broken rules of severity error end the step.
import { readFile, writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../base/canonical.ts';
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { fields, z } from '../base/schema.ts';
import type { Step, StepContext, StepResult } from '../base/step.ts';
import { requireFormatOfName, readRows } from '../datasets/rows.ts';
import { judgeRows, type JudgedRow } from './judge.ts';
import type { CheckResult, Validation } from './report.ts';
import { rulesSchema } from './rules.ts';

export const validateArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  rules: z.string().min(1).describe('rules file, relative to the project'),
}).describe('what to judge by what');
export type ValidateArguments = z.infer<typeof validateArguments>;

/** The built-in step. Output: report, the validation/1 report. */
export const validate: Step<ValidateArguments, null> = {
  uses: 'plumb/validate',
  version: 1,
  summary: 'judge rows by a rules file; a broken rule of severity error stops what depends on it',
  with: validateArguments,
  params: null,
  ports: (args) =>
    Promise.resolve({
      inputs: { data: { kind: 'data', ref: args.data }, rules: { kind: 'file', path: args.rules } },
      outputs: { report: 'validation.json' },
    }),
  run: runValidate,
};

async function runValidate(context: StepContext<ValidateArguments, null>): Promise<StepResult> {
  const { data, rules: rulesPath } = context.inputs;
  const { report } = context.outputs;
  if (data === undefined || rulesPath === undefined || report === undefined) throw new Error('plumb/validate was started without its files');
  const file = context.with.rules;
  const rules = await parseYaml(await readFile(rulesPath, 'utf8'), file, rulesSchema);
  const validation = await judgeRows(rules, judgedRows(data, context), { rules: file, untyped: requireFormatOfName(data) === 'csv' });
  await writeFile(report, canonicalJsonFile(validation));
  for (const result of validation.results) if (!result.holds) context.log(`${result.severity}: ${describeBroken(result, validation)}`);
  if (!validation.holds) throw rulesBroken(validation, file);
  return { metrics: { rows: validation.rows, checks: validation.results.length, warnings: validation.warnings }, measured: {} };
}

async function* judgedRows(path: string, context: StepContext<ValidateArguments, null>): AsyncGenerator<JudgedRow> {
  const bar = context.progress.start('validate', undefined, 'rows');
  try {
    for await (const row of readRows(path, requireFormatOfName(path), { signal: context.signal, name: context.with.data })) {
      bar.advance(1);
      yield { number: row.row, columns: row.value };
    }
  } finally {
    bar.end();
  }
}

/**
 * RULES_BROKEN names the broken rules with rows and values; all of them are in `details.broken`.
 * @param file name of the rules file
 */
export function rulesBroken(validation: Validation, file: string): PlumbError {
  const broken = validation.results.filter((result) => !result.holds && result.severity === 'error');
  const [first] = broken;
  return new PlumbError('RULES_BROKEN', {
    what: broken
      .slice(0, 3)
      .map((result) => describeBroken(result, validation))
      .concat(broken.length > 3 ? [`and ${broken.length - 3} more`] : [])
      .join('; '),
    where: { file, ...(first === undefined ? {} : { path: `rules.${first.rule - 1}` }) },
    mend: 'correct the rows, or the rule when the rows are right',
    details: { broken: broken.map(({ keys, ...rest }) => ({ ...rest, keys: keys.slice(0, 20) })) },
  });
}

/** 'rule 2: 3 of 9003 rows break "text has a value": train-00001 (missing), ...' */
export function describeBroken(result: CheckResult, validation: Validation): string {
  const why = result.desc === undefined ? '' : ` (${result.desc})`;
  if (result.column === null) return `rule ${result.rule}: there are ${validation.rows} rows, expected ${result.expected}${why}`;
  const shown = result.sample
    .slice(0, 3)
    .map((entry) => `${entry.key}: ${entry.value}${entry.same_as === undefined ? '' : `, as in row ${entry.same_as}`}`);
  const more = result.failing > shown.length ? ', ...' : '';
  return `rule ${result.rule}: ${result.failing} of ${validation.rows} rows break "${result.column} ${result.expected}"${why}: ${shown.join('; ')}${more}`;
}
