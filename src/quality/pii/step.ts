// plumb/pii: personal data in rows, flagged or rewritten. All outputs are written first; then flagged rows end the step.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { parseYaml } from '../../base/config.ts';
import { PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import { requireFormatOfName } from '../../datasets/row-format.ts';
import { writeFlagged } from '../flagged-file.ts';
import type { FindingsReport } from '../findings.ts';
import { lineageOutput } from '../provenance/lineage.ts';
import { judgePii, piiVersion, type PiiAsked } from './check.ts';
import { piiSchema, usualConfig, usualFile, type PiiConfig } from './config.ts';
import { rewriteRows } from './rewrite-rows.ts';
import { dayOfStage, waiversOfStep, waiversSchema } from '../waivers.ts';

export const piiArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  config: z.string().min(1).optional().describe('pii.yaml, or another file of that form; without one the usual entities are flagged'),
  columns: z.array(z.string().min(1)).min(1).optional().describe('default: those of the file, else all'),
  rewrite: z
    .enum(['jsonl', 'csv', 'parquet'])
    .optional()
    .describe('the format of the data: the rows are written with what the file redacts, masks, hashes or replaces; outputs `data` and `lineage`'),
  as_of: z.iso
    .date()
    .optional()
    .describe('a day to come: waivers that run out before it count no more. What ran out before the day of the run never counts, whatever it says'),
}).describe('what to look at');
export type PiiArguments = z.infer<typeof piiArguments>;

/** The built-in step. Outputs: report (findings/1), flagged (flagged/1); with `rewrite` also data and lineage (lineage/1). */
export const pii: Step<PiiArguments, null> = {
  uses: 'plumb/pii',
  version: piiVersion,
  summary: 'find personal data in rows; flag, redact, mask, hash or replace it',
  with: piiArguments,
  params: null,
  async ports(args, readText) {
    const { config } = args;
    const named = config === undefined ? {} : { config: file(config), ...filesOf(await parseYaml(await readText(config), config, piiSchema)) };
    return {
      inputs: { data: { kind: 'data', ref: args.data }, ...named },
      outputs: {
        report: 'pii.json',
        flagged: 'flagged.jsonl',
        ...(args.rewrite === undefined ? {} : { data: `data.${args.rewrite}`, ...lineageOutput }),
      },
    };
  },
  async lastDays({ config }, readText) {
    if (config === undefined) return [];
    const { waivers } = await parseYaml(await readText(config), config, piiSchema);
    return waiversOfStep.lastDays({ waivers }, readText);
  },
  run: runPii,
};

function file(path: string): StepInput {
  return { kind: 'file', path };
}

/** Files that pii.yaml names: input name -> place. */
function filesOf({ waivers, recognisers }: PiiConfig): Record<string, StepInput> {
  const models = recognisers.flatMap((one, at) =>
    one.kind === 'onnx' ? [[`model${at}`, file(one.model)] as const, [`tokenizer${at}`, file(one.tokenizer)] as const] : [],
  );
  return { ...waiversOfStep.input(waivers), ...Object.fromEntries(models) };
}

async function runPii(context: StepContext<PiiArguments, null>): Promise<StepResult> {
  const { inputs, outputs, signal, with: args } = context;
  const [configPath, report, flagged] = [inputs['config'], outputs['report'], outputs['flagged']];
  if (report === undefined || flagged === undefined) throw new Error('plumb/pii was started without its files');
  const config = configPath === undefined ? usualConfig : await parseYaml(await readFile(configPath, 'utf8'), args.config ?? '', piiSchema);
  const world = worldOfStep(context);
  const rows = await inputOfStep(context, 'data', world);
  const answer = await judgePii(rows, await askedOf(config, context), world, {
    env: process.env,
    threads: Math.min(4, availableParallelism()),
    pathOf: pathsOf(config, inputs),
  });
  await writeFile(report, canonicalJsonFile(answer.report));
  await writeFlagged(flagged, answer.flagged);
  const [data, lineage] = [outputs['data'], outputs['lineage']];
  let rewritten = 0;
  if (data !== undefined && lineage !== undefined) {
    requireFormat(rows.source.format, args);
    const done = await rewriteRows({
      source: rows.source,
      finds: answer.finds,
      treatments: answer.treatments,
      key: answer.key,
      data,
      lineage,
      signal,
    });
    rewritten = done.rows;
    for (const note of done.notes) context.log(`note: ${note}`);
  }
  for (const line of describeReport(answer.report)) context.log(line);
  if (!answer.report.holds) throw piiFound(answer.report);
  return {
    metrics: { rows: answer.report.rows, flagged: answer.report.flagged, findings: answer.report.numbers['findings'] ?? 0, rewritten },
    measured: { rows_looked_at: answer.scanned },
  };
}

async function askedOf(config: PiiConfig, { with: args, inputs, passed }: StepContext<PiiArguments, null>): Promise<PiiAsked> {
  const waiversPath = inputs['waivers'];
  const waivers =
    waiversPath === undefined ? [] : (await parseYaml(await readFile(waiversPath, 'utf8'), config.waivers ?? '', waiversSchema)).waivers;
  return {
    config,
    file: args.config ?? usualFile,
    columns: args.columns ?? null,
    waivers,
    day: dayOfStage(passed, args.as_of),
    rewrites: args.rewrite !== undefined,
  };
}

function pathsOf(config: PiiConfig, inputs: Readonly<Record<string, string>>): (path: string) => string {
  const places = new Map(Object.entries(filesOf(config)).map(([name, input]) => [input.kind === 'file' ? input.path : '', inputs[name]]));
  return (path) => places.get(path) ?? resolve(path);
}

function requireFormat(format: string, { rewrite, data }: PiiArguments): void {
  if (rewrite === undefined || requireFormatOfName(`x.${format}`) === rewrite) return;
  throw new PlumbError('DATASET_FORMAT', {
    what: `${data} is ${format}, and its stage says rewrite: ${rewrite}`,
    mend: `write rewrite: ${format}`,
  });
}

/** PII_FOUND: kinds, rows and places, never a value. */
export function piiFound(report: FindingsReport): PlumbError {
  const errors = report.kinds.filter(({ severity }) => severity === 'error');
  return new PlumbError('PII_FOUND', {
    what: `${report.data} holds personal data: ${errors
      .slice(0, 5)
      .map(({ kind, column, rows }) => `${kind} in ${rows} ${rows === 1 ? 'row' : 'rows'} of "${column ?? ''}"`)
      .join('; ')}${errors.length > 5 ? `; and ${errors.length - 5} more kinds` : ''}`,
    mend: 'redact it (`rewrite`, docs/pii.md), allow values that are nobody’s, or have a waiver reviewed',
    details: { kinds: errors },
  });
}

/** Lines for people. */
export function describeReport({ kinds, notes }: FindingsReport): string[] {
  return [
    ...kinds.map(({ severity, kind, column, rows, findings }) => `${severity}: ${kind}: ${findings} in ${rows} rows of "${column ?? ''}"`),
    ...notes.map((note) => `note: ${note}`),
  ];
}
