// plumb/secrets: secrets in rows, or in the files of a data set of files. Both outputs are written first; then secrets of severity error end the step.
import { stat, readFile, writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { parseYaml } from '../../base/config.ts';
import { errnoOf, PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep, type CheckWorld } from '../checked-rows.ts';
import { writeFlagged } from '../flagged-file.ts';
import type { FindingsReport } from '../findings.ts';
import { dayOfStage, waiversOfStep } from '../waivers.ts';
import { openSecrets } from './asked.ts';
import { secretsSchema, type SecretsConfig } from './config.ts';
import { digestsOfVersion, judgeSecretsInFiles, type CheckedFiles } from './judge-files.ts';
import { judgeSecretsInRows, secretsVersion } from './judge-rows.ts';

export const secretsArguments = fields({
  data: z.string().min(1).describe('data set of the lock (of rows or of files), or output of a stage'),
  config: z.string().min(1).optional().describe("secrets.yaml, or a TOML file of gitleaks' rules; without one the usual rules"),
  columns: z.array(z.string().min(1)).min(1).optional().describe('default: those of the file, else all'),
  as_of: z.iso
    .date()
    .optional()
    .describe('a day to come: waivers that run out before it count no more. What ran out before the day of the run never counts, whatever it says'),
}).describe('what to look at');
export type SecretsArguments = z.infer<typeof secretsArguments>;

/** The built-in step. Outputs: report (findings/1), flagged (flagged/1). */
export const secrets: Step<SecretsArguments, null> = {
  uses: 'plumb/secrets',
  version: secretsVersion,
  summary: 'find keys, tokens and passwords in rows or files',
  with: secretsArguments,
  params: null,
  async ports({ data, config }, readText) {
    return {
      inputs: { data: { kind: 'data', ref: data }, ...(config === undefined ? {} : await filesOf(config, readText)) },
      outputs: { report: 'secrets.json', flagged: 'flagged.jsonl' },
    };
  },
  async lastDays({ config }, readText) {
    if (config === undefined || isToml(config)) return [];
    const { waivers } = await parseYaml(await readText(config), config, secretsSchema);
    return waiversOfStep.lastDays({ waivers }, readText);
  },
  run: runSecrets,
};

async function filesOf(config: string, readText: (path: string) => Promise<string>): Promise<Record<string, StepInput>> {
  const own: StepInput = { kind: 'file', path: config };
  if (isToml(config)) return { config: own };
  const { rules, waivers } = await parseYaml(await readText(config), config, secretsSchema);
  return {
    config: own,
    ...(rules === undefined ? {} : { rules: { kind: 'file', path: rules } }),
    ...waiversOfStep.input(waivers),
  };
}

function isToml(file: string): boolean {
  return file.toLowerCase().endsWith('.toml');
}

async function runSecrets(context: StepContext<SecretsArguments, null>): Promise<StepResult> {
  const { inputs, outputs, with: args } = context;
  const [data, report, flagged] = [inputs['data'], outputs['report'], outputs['flagged']];
  if (data === undefined || report === undefined || flagged === undefined) throw new Error('plumb/secrets was started without its files');
  const asked = await openAsked(context);
  const world = worldOfStep(context);
  const answer = (await stat(data)).isDirectory()
    ? await judgeSecretsInFiles({ path: data, name: args.data, ...(await digestsOf(context, world)) }, asked, world)
    : await judgeSecretsInRows(await inputOfStep(context, 'data', world), asked, world);
  await writeFile(report, canonicalJsonFile(answer.report));
  await writeFlagged(flagged, answer.flagged);
  for (const { severity, kind, column, rows } of answer.report.kinds)
    context.log(`${severity}: ${kind} in ${rows} ${column === null ? 'files' : `rows of "${column}"`}`);
  if (!answer.report.holds) throw secretsFound(answer.report);
  return { metrics: { rows: answer.report.rows, flagged: answer.report.flagged }, measured: { looked_at: answer.looked } };
}

/** The files were put there by their digests, and are verified. */
async function digestsOf({ origins }: StepContext<SecretsArguments, null>, world: CheckWorld): Promise<Pick<CheckedFiles, 'digests'>> {
  const origin = origins['data'];
  const digests = origin === undefined ? null : await digestsOfVersion(world.readNode, origin.digest);
  return digests === null ? {} : { digests };
}

async function openAsked({ inputs, with: args, passed }: StepContext<SecretsArguments, null>): ReturnType<typeof openSecrets> {
  const { config: configPath } = inputs;
  const config: SecretsConfig | null =
    args.config === undefined || configPath === undefined || isToml(args.config)
      ? null
      : await parseYaml(await readFile(configPath, 'utf8'), args.config, secretsSchema);
  // names in the project -> where their bytes lie
  const places = new Map([
    [args.config, configPath],
    [config?.rules, inputs['rules']],
    [config?.waivers, inputs['waivers']],
  ]);
  const pathOf = (file: string): string => places.get(file) ?? file;
  const readText = (file: string): Promise<string | undefined> =>
    readFile(pathOf(file), 'utf8').catch((error: unknown) => (errnoOf(error) === 'ENOENT' ? undefined : Promise.reject(error)));
  const day = dayOfStage(passed, args.as_of);
  return openSecrets({ config: args.config ?? null, columns: args.columns ?? null, day, env: process.env, pathOf, readText });
}

/** SECRETS_FOUND: rules, rows and places, never a value. */
export function secretsFound(report: FindingsReport): PlumbError {
  const errors = report.kinds.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, 5).map(({ kind, column, rows }) => `${kind} in ${rows} ${column === null ? 'files' : `rows of "${column}"`}`);
  return new PlumbError('SECRETS_FOUND', {
    what: `${report.data} holds secrets: ${shown.join('; ')}${errors.length > 5 ? `; and ${errors.length - 5} more kinds` : ''}`,
    mend: 'revoke them where they are valid, take them out of the data, or have a waiver reviewed (docs/secrets.md)',
    details: { kinds: errors },
  });
}
