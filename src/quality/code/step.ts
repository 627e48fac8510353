// plumb/code: rows of code, conversations, prose. Both outputs are written first; then what has the severity error ends the step.
import { readFile, writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { parseYaml } from '../../base/config.ts';
import { PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import type { FindingsReport } from '../findings.ts';
import { writeFlagged } from '../flagged-file.ts';
import { waiversArgument, waiversOfStep } from '../waivers.ts';
import { codeSchema, type CodeConfig } from './config.ts';
import { codeVersion, judgeCode } from './judge.ts';

export const codeArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  config: z.string().min(1).optional().describe('code.yaml, or another file of that form'),
  code: codeSchema.shape.code.unwrap().optional().describe('columns of code, where there is no file'),
  chat: codeSchema.shape.chat.unwrap().optional().describe('columns of conversations, where there is no file'),
  text: codeSchema.shape.text.unwrap().optional().describe('columns of prose, where there is no file'),
  severities: codeSchema.shape.severities.unwrap().optional().describe('kind of finding -> severity, where there is no file'),
  waivers: waiversArgument,
})
  .refine(
    ({ config, code, chat, text }) => (config === undefined) !== (code === undefined && chat === undefined && text === undefined),
    'expected either config, or code, chat or text',
  )
  .describe('what to judge');
export type CodeArguments = z.infer<typeof codeArguments>;

/** The built-in step. Outputs: report (findings/1), flagged (flagged/1). */
export const code: Step<CodeArguments, null> = {
  uses: 'plumb/code',
  version: codeVersion,
  summary: 'judge rows of code and of conversations: syntax, documentation, licences, form, repetition',
  with: codeArguments,
  params: null,
  async ports(args, readText) {
    const { config } = args;
    const asked = config === undefined ? inlineConfig(args) : await parseYaml(await readText(config), config, codeSchema);
    return {
      inputs: {
        data: { kind: 'data', ref: args.data },
        ...(config === undefined ? {} : { config: file(config) }),
        ...Object.fromEntries(tokenizerInputs(asked)),
        ...waiversOfStep.input(args.waivers),
      },
      outputs: { report: 'code.json', flagged: 'flagged.jsonl' },
    };
  },
  lastDays: waiversOfStep.lastDays,
  run: runCode,
};

function file(path: string): StepInput {
  return { kind: 'file', path };
}

function inlineConfig({ code: columns, chat, text, severities }: CodeArguments): CodeConfig {
  return { version: 1, code: columns ?? [], chat: chat ?? [], text: text ?? [], severities: severities ?? {} };
}

/** Tokenizers that a configuration names, each once. */
export function tokenizersOf({ chat }: CodeConfig): string[] {
  return [...new Set(chat.flatMap(({ tokenizer }) => (tokenizer === undefined ? [] : [tokenizer])))];
}

function tokenizerInputs(config: CodeConfig): [string, StepInput][] {
  return tokenizersOf(config).map((path, at) => [`tokenizer${at}`, file(path)]);
}

async function runCode(context: StepContext<CodeArguments, null>): Promise<StepResult> {
  const { inputs, outputs, with: args } = context;
  const [configPath, report, flagged] = [inputs['config'], outputs['report'], outputs['flagged']];
  if (report === undefined || flagged === undefined) throw new Error('plumb/code was started without its files');
  const config = configPath === undefined ? inlineConfig(args) : await parseYaml(await readFile(configPath, 'utf8'), args.config ?? '', codeSchema);
  const tokenizers = new Map<string, string>();
  for (const [at, name] of tokenizersOf(config).entries()) tokenizers.set(name, await readFile(inputs[`tokenizer${at}`] ?? name, 'utf8'));
  const world = worldOfStep(context);
  const answer = await judgeCode(
    await inputOfStep(context, 'data', world),
    { config, tokenizers, waivers: await waiversOfStep.open(context) },
    world,
  );
  await writeFile(report, canonicalJsonFile(answer.report));
  await writeFlagged(flagged, answer.flagged);
  for (const { severity, kind, rows } of answer.report.kinds) context.log(`${severity}: ${kind} in ${rows} rows`);
  if (!answer.report.holds) throw codeBroken(answer.report);
  return { metrics: { rows: answer.report.rows, flagged: answer.report.flagged }, measured: { rows_looked_at: answer.looked } };
}

/** CODE_FINDINGS: kinds, rows and the first places. */
export function codeBroken(report: FindingsReport): PlumbError {
  const errors = report.kinds.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, 5).map(({ kind, rows, sample }) => `${kind} in ${rows} rows (${sample[0]?.key ?? ''}: ${sample[0]?.message ?? ''})`);
  return new PlumbError('CODE_FINDINGS', {
    what: `${report.data}: ${shown.join('; ')}${errors.length > 5 ? `; and ${errors.length - 5} more kinds` : ''}`,
    mend: 'correct or remove the rows; what is no mistake here gets another severity, or a waiver (docs/code.md)',
    details: { kinds: errors },
  });
}
