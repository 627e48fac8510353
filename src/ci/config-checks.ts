// The configuration of a project, read as text and never run: every file that says how data, models and decisions come about, and all that is wrong
// with each.
import { loadYaml, parseYaml, yamlPositions, type Positions } from '../base/config.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { StepRegistry } from '../base/step.ts';
import { parseLock } from '../datasets/lock.ts';
import { checkProjectPath } from '../datasets/paths.ts';
import type { Lock } from '../datasets/schema.ts';
import { expandStages, type StageSpec } from '../pipeline/expand.ts';
import { bindTelling, type BoundStage } from '../pipeline/graph.ts';
import { parseParams, type Params } from '../pipeline/params.ts';
import { pipelineSchema, type PipelineConfig } from '../pipeline/schema.ts';
import { projectConfigSchema } from '../project/config.ts';
import { files } from '../project/layout.ts';
import { rulesSchema, type Rules } from '../quality/rules/schema.ts';
import { modelStages } from '../registry/found-model.ts';
import { parsePointer, placeOf } from '../registry/pointer.ts';
import { policySchema } from '../registry/schema.ts';
import type { Findings } from './finding.ts';

/** Files of a project, by project-relative path. */
export interface ConfigFiles {
  /** undefined: not there. @throws PlumbError */
  readText(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  /** paths of the files below a folder */
  list(folder: string): Promise<readonly string[]>;
}

/** A rules file, and the data set that it judges. */
export interface Judging {
  readonly dataset: string;
  readonly file: string;
  readonly rules: Rules;
  readonly positions: Positions;
}

export interface CheckedConfig {
  /** null: it cannot be read, so that no data is looked at */
  readonly lock: Lock | null;
  readonly lockPositions: Positions;
  readonly judgings: readonly Judging[];
}

export async function checkConfig(from: ConfigFiles, steps: StepRegistry, findings: Findings): Promise<CheckedConfig> {
  const read = (path: string): Promise<string | undefined> =>
    from.readText(path).catch((error: unknown) => {
      findings.addError(error, { file: path });
      return undefined;
    });
  const check = async <T>(path: string, parse: (text: string) => T | Promise<T>): Promise<T | null> => {
    const text = await read(path);
    if (text === undefined) return null;
    try {
      return await parse(text);
    } catch (error) {
      findings.addError(error, { file: path });
      return null;
    }
  };
  await check(files.config, (text) => parseYaml(text, files.config, projectConfigSchema));
  const lockText = (await read(files.lock)) ?? '';
  const lockPositions = await yamlPositions(lockText);
  const lock = (await check(files.lock, parseLock)) ?? (lockText === '' ? await parseLock('') : null);
  if (lock !== null) checkLockPaths(lock, lockPositions, findings);
  const params = await check(files.params, parseParams);
  const pipelineText = await read(files.pipeline);
  const config = await check(files.pipeline, (text) => parseYaml(text, files.pipeline, pipelineSchema));
  const known = lock ?? namesIn(lockText);
  const usable = params ?? ((await read(files.params)) === undefined ? {} : null);
  const stages =
    config === null || pipelineText === undefined || known === null || usable === null
      ? null
      : await checkStages({ config, text: pipelineText, params: usable, lock: known, from, steps }, findings);
  await checkPolicy(config, await read(files.policy), findings);
  await checkPointers(from, findings);
  return { lock, lockPositions, judgings: stages === null ? [] : await readRules(stages, read, findings) };
}

/** Which data sets a broken lock seems to name: what refers to them is not wrong for that. */
function namesIn(text: string): Lock | null {
  try {
    const value = loadYaml(text, files.lock) as { datasets?: Record<string, { path?: unknown } | null> } | null;
    const entries = Object.entries(value?.datasets ?? {}).map(([name, entry]) => [name, { path: typeof entry?.path === 'string' ? entry.path : '' }]);
    return { version: 1, datasets: Object.fromEntries(entries) as Lock['datasets'] };
  } catch {
    return null;
  }
}

function checkLockPaths(lock: Lock, at: Positions, findings: Findings): void {
  const owners = new Map<string, string>();
  for (const [name, { path }] of Object.entries(lock.datasets)) {
    const around = { file: files.lock, dataset: name, ...at(['datasets', name, 'path'], true) };
    try {
      checkProjectPath(path);
    } catch (error) {
      findings.addError(error, around);
    }
    const owner = owners.get(path);
    if (owner === undefined) owners.set(path, name);
    else {
      findings.add({
        ...around,
        code: 'DATASET_TAKEN',
        severity: 'error',
        what: `data sets "${owner}" and "${name}" stand at one path, ${path}`,
        mend: 'take one of the two out of the lock, and add it again from another path',
      });
    }
  }
}

interface PipelineParts {
  readonly config: PipelineConfig;
  readonly text: string;
  readonly params: Params;
  readonly lock: Lock;
  readonly from: ConfigFiles;
  readonly steps: StepRegistry;
}

/** Templates, steps and their arguments, what each stage reads, circles, models. */
async function checkStages(parts: PipelineParts, findings: Findings): Promise<ReadonlyMap<string, BoundStage>> {
  const { config, text, params, lock, from, steps } = parts;
  let positions: Positions | undefined;
  const tell = async (error: unknown, path: readonly string[]): Promise<void> => {
    const hasLine = isPlumbError(error) && error.where?.line !== undefined;
    // what has no line of its own, such as a parameter that is missing, is shown at the stage that wants it
    const place = hasLine ? {} : (positions ??= await yamlPositions(text))(path, true);
    findings.addError(error, { file: files.pipeline, ...place });
  };
  const specs: StageSpec[] = [];
  for (const [name, stage] of Object.entries(config.stages)) {
    try {
      specs.push(...expandStages({ ...config, stages: { [name]: stage } }, params));
    } catch (error) {
      await tell(error, ['stages', name]);
    }
  }
  const faults: { stage: string; error: unknown }[] = [];
  const bound = await bindTelling(
    specs,
    { params, lock, steps, readText: (path) => from.readText(path), exists: (path) => from.exists(path) },
    (stage, error) => void faults.push({ stage, error }),
  );
  for (const { stage, error } of faults) await tell(error, ['stages', stage.replace(/@.*$/, '')]);
  // with a stage missing, its models would be missing, too
  if (faults.length > 0 || specs.length < Object.keys(config.stages).length) return bound;
  for (const model of Object.keys(config.models)) {
    try {
      modelStages({ config, params, stages: bound }, model);
    } catch (error) {
      await tell(error, ['models', model]);
    }
  }
  return bound;
}

async function checkPolicy(config: PipelineConfig | null, text: string | undefined, findings: Findings): Promise<void> {
  if (text === undefined) return;
  const around = { file: files.policy };
  const policy = await parseYaml(text, files.policy, policySchema).catch((error: unknown) => findings.addError(error, around));
  if (policy === undefined) return;
  const at = await yamlPositions(text);
  for (const [model, rules] of Object.entries(policy.models)) {
    for (const stage of ['staging', 'production'] as const) {
      const gate = rules[stage]?.gate;
      if (gate === undefined || Object.hasOwn(policy.gates, gate)) continue;
      const what = `models.${model}.${stage} names the gate "${gate}", which is not there.${didYouMean(gate, Object.keys(policy.gates))}`;
      const error = new PlumbError('CONFIG_INVALID', { what, mend: `add it under gates:, or name one of ${Object.keys(policy.gates).join(', ')}` });
      findings.addError(error, { ...around, ...at(['models', model, stage, 'gate'], false) });
    }
    if (config === null || Object.hasOwn(config.models, model)) continue;
    const what = `the policy speaks of model "${model}", which ${files.pipeline} does not name.${didYouMean(model, Object.keys(config.models))}`;
    const error = new PlumbError('MODEL_UNKNOWN', { what, mend: `correct the name, or add the model to ${files.pipeline}` });
    findings.addError(error, { ...around, severity: 'warning', ...at(['models', model], true) });
  }
}

/** Whether they are well formed; what they claim is for `plumb verify`. */
async function checkPointers(from: ConfigFiles, findings: Findings): Promise<void> {
  for (const path of await from.list(files.models)) {
    const place = placeOf(path);
    if (place === null) continue;
    try {
      await parsePointer((await from.readText(path)) ?? '', place);
    } catch (error) {
      findings.addError(error, { file: path });
    }
  }
}

/** The rules files that stages judge locked data sets by; each file once for each data set. */
async function readRules(
  stages: ReadonlyMap<string, BoundStage>,
  read: (path: string) => Promise<string | undefined>,
  findings: Findings,
): Promise<Judging[]> {
  const pairs = new Map<string, { dataset: string; file: string }>();
  for (const { step, inputs } of stages.values()) {
    const { data, rules } = inputs;
    if (step?.uses !== 'plumb/validate' || data?.kind !== 'data' || rules?.kind !== 'file') continue;
    pairs.set(JSON.stringify([data.ref, rules.ref]), { dataset: data.ref, file: rules.ref });
  }
  const judgings: Judging[] = [];
  for (const { dataset, file } of pairs.values()) {
    const text = await read(file);
    if (text === undefined) continue;
    const rules = await parseYaml(text, file, rulesSchema).catch((error: unknown) => findings.addError(error, { file }));
    if (rules !== undefined) judgings.push({ dataset, file, rules, positions: await yamlPositions(text) });
  }
  return judgings;
}
