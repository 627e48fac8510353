// From stages to a graph: what each one reads is bound to a data set, an output of another stage, or a file; whoever reads an output runs after.
import { byCodeUnit } from '../base/canonical.ts';
import { knownKeys } from '../base/config.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { JsonValue } from '../base/schema.ts';
import type { AnyStep, StepPorts, StepRegistry } from '../base/step.ts';
import type { Lock } from '../datasets/schema.ts';
import { files } from '../project/layout.ts';
import { checkProjectPath } from '../project/paths.ts';
import type { StageSpec } from './expand.ts';
import { pickParams, sectionFor, type Params } from './params.ts';

export type BoundInput =
  | { readonly kind: 'data'; readonly ref: string }
  | { readonly kind: 'output'; readonly ref: string; readonly stage: string; readonly output: string }
  | { readonly kind: 'file'; readonly ref: string };

/** A stage with all its ends tied. */
export interface BoundStage {
  readonly spec: StageSpec;
  readonly step: AnyStep | null;
  /** arguments of the step, defaults filled in */
  readonly arguments: JsonValue;
  /** all hyperparameters it reads, defaults filled in */
  readonly params: Record<string, JsonValue>;
  readonly inputs: Readonly<Record<string, BoundInput>>;
  /** output name -> path in the project */
  readonly outputs: Readonly<Record<string, string>>;
  /** stages that must have ended well before, sorted */
  readonly after: readonly string[];
}

export interface BindContext {
  readonly params: Params;
  readonly lock: Lock;
  readonly steps: StepRegistry;
  readText(path: string): Promise<string | undefined>;
  /** is there such a file or folder in the work tree? */
  exists(path: string): Promise<boolean>;
}

/**
 * Binds every stage.
 * @returns stages by name, in an order in which each comes after all it needs
 * @throws PlumbError PIPELINE_CYCLE, PIPELINE_DEP_MISSING, PIPELINE_OUT_TWICE, STEP_UNKNOWN, CONFIG_INVALID, PARAM_MISSING
 */
export async function bindStages(specs: readonly StageSpec[], context: BindContext): Promise<Map<string, BoundStage>> {
  return bindTelling(specs, context, (stage, error) => {
    throw placed(error, stage, specs);
  });
}

/** A fault of a stage, with the path of what is wrong in pipeline.yaml: of a word that nothing is called, where it stands; of all else, the stage. */
function placed(error: unknown, stage: string, specs: readonly StageSpec[]): unknown {
  if (!isPlumbError(error) || error.where?.file !== files.pipeline || error.where.path !== undefined) return error;
  const { code, message: what, mend, details = {}, cause } = error;
  const spec = specs.find(({ name }) => name === stage);
  const words: [string, unknown][] =
    spec === undefined
      ? []
      : [
          ...Object.entries(spec.action.kind === 'step' && isMapping(spec.action.with) ? spec.action.with : {}).map(
            ([key, value]): [string, unknown] => [`with.${key}`, value],
          ),
          ...spec.deps.map((dep, at): [string, unknown] => [`deps.${at}`, dep]),
          ...spec.needs.map((need, at): [string, unknown] => [`needs.${at}`, need]),
          ...(spec.action.kind === 'step' ? [['uses', spec.action.uses] as [string, unknown]] : []),
        ];
  const word = words.find(([, value]) => typeof value === 'string' && what.includes(`"${value}"`) && value !== stage);
  // what a template made has the name of its stage, and behind the @ that of its item
  const path = ['stages', stage.replace(/@.*$/, ''), ...(word === undefined ? [] : [word[0]])].join('.');
  return new PlumbError(code, { what, where: { file: files.pipeline, path }, mend, details, cause });
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Binds what can be bound.
 * @param tell hears every fault, with the stage that has it; what only follows from another fault is none
 * @returns stages in the order of bindStages; a faulty one lacks the inputs that it has no right to, or is not among them
 */
export async function bindTelling(specs: readonly StageSpec[], context: BindContext, tell: Tell): Promise<Map<string, BoundStage>> {
  const drafts = new Map<string, Draft>();
  const broken: StageSpec[] = [];
  for (const spec of specs) {
    const draft = await draftStage(spec, context).catch((error: unknown) => tell(spec.name, error));
    if (draft === undefined) broken.push(spec);
    else if (drafts.has(spec.name)) tell(spec.name, calledTwice(spec.name));
    else drafts.set(spec.name, draft);
  }
  const outputs = indexOutputs(drafts, tell);
  const byPath = new Map(Object.entries(context.lock.datasets).map(([name, entry]) => [entry.path, name]));
  const scope = { drafts, outputs, byPath, context };
  const bound = new Map<string, BoundStage>();
  for (const { wanted, ...draft } of drafts.values()) {
    const { name, needs } = draft.spec;
    const told = (error: unknown): void => tell(name, error);
    const inputs: Record<string, BoundInput> = {};
    for (const [port, one] of Object.entries(wanted)) {
      const isData = one.kind === 'data' && Object.hasOwn(context.lock.datasets, one.ref);
      if (one.kind === 'data' && !isData && broken.some((spec) => mayMake(spec, one.ref))) continue;
      const input = await bindInput(name, one, scope).catch(told);
      if (input !== undefined) inputs[port] = input;
    }
    const after = new Set(Object.values(inputs).flatMap((input) => (input.kind === 'output' ? [input.stage] : [])));
    for (const need of needs) for (const before of needed(need, name, { drafts, broken, told })) after.add(before);
    bound.set(name, { ...draft, inputs, after: [...after].toSorted(byCodeUnit) });
  }
  return inOrder(bound, tell);
}

/** Names behind the @ are made of items, without the characters that names may not hold. */
function calledTwice(stage: string): PlumbError {
  return new PlumbError('CONFIG_INVALID', {
    what: `two stages are called "${stage}": items of foreach or matrix that differ only in special characters`,
    where: { file: files.pipeline },
    mend: 'write foreach as a mapping, whose keys name the stages',
  });
}

/** Is a reference one to an output of a stage that is broken, as far as that can be told of one? */
function mayMake({ name, outs, metrics, plots }: StageSpec, ref: string): boolean {
  const paths = [...outs, ...metrics, ...plots, `${files.out}/${name}`];
  return ref.startsWith(`${name}.`) || paths.some((path) => ref === path || ref.startsWith(`${path}/`));
}

type Tell = (stage: string, error: unknown) => void;

type Draft = Omit<BoundStage, 'inputs' | 'after'> & { readonly wanted: StepPorts['inputs'] };

async function draftStage(spec: StageSpec, context: BindContext): Promise<Draft> {
  if (spec.action.kind === 'cmd') {
    const outs = [...spec.outs, ...spec.metrics, ...spec.plots].map((path) => checkOut(path, { stage: spec.name, key: 'outs' }, context));
    const checkpoint = spec.checkpoint === undefined ? undefined : checkOut(spec.checkpoint, { stage: spec.name, key: 'checkpoint' }, context);
    const wanted = Object.fromEntries(spec.deps.map((dep) => [dep, { kind: 'data' as const, ref: dep }]));
    return {
      spec: { ...spec, checkpoint },
      step: null,
      arguments: null,
      params: pickParams(context.params, spec.params, spec.name),
      wanted,
      outputs: Object.fromEntries(outs.map((path) => [path, path])),
    };
  }
  const { uses } = spec.action;
  const load = context.steps.get(uses);
  if (load === undefined) {
    throw new PlumbError('STEP_UNKNOWN', {
      what: `stage "${spec.name}": there is no built-in step "${uses}".${didYouMean(uses, context.steps.keys())}`,
      where: { file: files.pipeline },
      mend: `built-in steps: ${[...context.steps.keys()].join(', ')}`,
    });
  }
  const step = await load();
  const arguments_ = checked(step.with, spec.action.with, `stages.${spec.name}.with`, files.pipeline, spec.name);
  const params =
    step.params === null
      ? {}
      : checked(step.params, sectionFor(context.params, spec.params), spec.params.join('+') || 'params', files.params, spec.name);
  const ports = await step.ports(arguments_, async (path) => {
    const text = await context.readText(checkProjectPath(path, `stage "${spec.name}"`, files.pipeline));
    if (text === undefined) throw depMissing(spec.name, path, []);
    return text;
  });
  const outputs = Object.fromEntries(Object.entries(ports.outputs).map(([name, file]) => [name, `${files.out}/${spec.name}/${file}`]));
  const deps = Object.fromEntries(spec.deps.map((dep) => [dep, { kind: 'data' as const, ref: dep }]));
  return { spec, step, arguments: arguments_, params: params as Record<string, JsonValue>, wanted: { ...deps, ...ports.inputs }, outputs };
}

/** Outputs are removed before a command runs, checkpoints when it ended well: none may hold what is not made by running it. */
function checkOut(path: string, { stage, key }: { stage: string; key: 'outs' | 'checkpoint' }, context: BindContext): string {
  const out = checkProjectPath(path, `stage "${stage}", ${key}`, files.pipeline);
  const { config, lock, pipeline, params, policy, models, local } = files;
  const data = Object.values(context.lock.datasets).map((entry) => entry.path);
  const kept = ['.git', config, lock, pipeline, params, policy, models, local, ...data];
  // file systems that take .GIT for .git are common
  const under = (inner: string, outer: string): boolean => `${inner}/`.toLowerCase().startsWith(`${outer}/`.toLowerCase());
  const inTheWay = kept.find((one) => under(out, one) || under(one, out));
  if (inTheWay === undefined) return out;
  throw new PlumbError('PATH_OUTSIDE', {
    what: `stage "${stage}", ${key}: ${out} cannot be ${key === 'outs' ? 'an output' : 'its checkpoint'}: ${inTheWay} is there, which no command makes, and ${key === 'outs' ? 'outputs are removed before they are made' : 'a checkpoint is removed once its stage ended well'}`,
    where: { file: files.pipeline },
    mend: 'let the command write into a folder of its own, such as out/',
  });
}

interface SafeParser {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: unknown }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string; code?: string; keys?: readonly string[] }[] } };
}

function checked(schema: unknown, value: JsonValue, at: string, file: string, stage: string): JsonValue {
  const parser = schema as SafeParser;
  const result = parser.safeParse(value);
  if (result.success) return result.data as JsonValue;
  // a misspelled key is missing under its right name as well
  const issue = result.error.issues.find((one) => one.keys !== undefined) ?? result.error.issues[0];
  const key = issue?.keys?.[0];
  const within = [at, ...(issue?.path ?? []).map(String)].join('.');
  const known = key === undefined ? knownKeys(schema, []) : knownKeys(schema, issue?.path ?? []);
  throw new PlumbError('CONFIG_INVALID', {
    what:
      key !== undefined
        ? `stage "${stage}": unknown key "${key}" in ${within}.${didYouMean(key, known)}`
        : `stage "${stage}": ${within}: ${issue?.message ?? 'not valid'}`,
    where: { file, path: key === undefined ? within : `${within}.${key}` },
    mend: known.length > 0 ? `valid keys: ${known.join(', ')}` : 'see docs/reference/steps.md',
  });
}

/** By path. */
type Owners = Map<string, { readonly stage: string; /** null: its checkpoint */ readonly output: string | null }>;

function indexOutputs(drafts: ReadonlyMap<string, Draft>, tell: Tell): Owners {
  const owners: Owners = new Map();
  /** folders that an output is in -> the stage whose output it is */
  const above = new Map<string, string>();
  for (const draft of drafts.values()) {
    const { name, checkpoint } = draft.spec;
    const written: [string | null, string][] = Object.entries(draft.outputs);
    if (checkpoint !== undefined) written.push([null, checkpoint]);
    for (const [output, path] of written) {
      const places = upwards(path);
      const other = places.map((place) => owners.get(place)?.stage).find((stage) => stage !== undefined) ?? above.get(path);
      if (other !== undefined) tell(name, writtenTwice(path, other, name));
      owners.set(path, { stage: name, output });
      for (const place of places) above.set(place, name);
    }
  }
  return owners;
}

function writtenTwice(path: string, stage: string, other: string): PlumbError {
  return new PlumbError('PIPELINE_OUT_TWICE', {
    what: `${path} is an output of stage "${stage}" and of stage "${other}"`,
    where: { file: files.pipeline },
    mend: 'give one of them another path',
  });
}

interface Scope {
  readonly drafts: ReadonlyMap<string, Draft>;
  readonly outputs: Owners;
  readonly byPath: ReadonlyMap<string, string>;
  readonly context: BindContext;
}

/** Order of meaning: data set by name, stage.output, data set by path, output by path, file. */
async function bindInput(stage: string, wanted: StepPorts['inputs'][string], scope: Scope): Promise<BoundInput> {
  if (wanted.kind === 'file') {
    const path = checkProjectPath(wanted.path, `stage "${stage}"`, files.pipeline);
    if (!(await scope.context.exists(path))) throw depMissing(stage, path, []);
    return { kind: 'file', ref: path };
  }
  const { ref } = wanted;
  if (Object.hasOwn(scope.context.lock.datasets, ref)) return { kind: 'data', ref };
  const named = /^(.+)\.([\w-]+)$/.exec(ref);
  const producer = named === null ? undefined : scope.drafts.get(named[1] ?? '');
  if (named !== null && producer !== undefined && Object.hasOwn(producer.outputs, named[2] ?? '')) {
    return { kind: 'output', ref, stage: named[1] ?? '', output: named[2] ?? '' };
  }
  const path = checkProjectPath(ref, `stage "${stage}"`, files.pipeline);
  for (const place of upwards(path)) {
    // a file inside a folder that is locked, or made by a stage, stands for the whole folder: that is what has a digest
    const dataset = scope.byPath.get(place);
    if (dataset !== undefined) return { kind: 'data', ref: dataset };
    const owner = scope.outputs.get(place);
    if (owner?.output === null) throw readsCheckpoint(stage, ref, owner.stage);
    if (owner !== undefined) return { kind: 'output', ref: place, stage: owner.stage, output: owner.output };
  }
  if (await scope.context.exists(path)) return { kind: 'file', ref: path };
  const candidates = [
    ...Object.keys(scope.context.lock.datasets),
    ...scope.byPath.keys(),
    // a command's output is named by its path, a step's by stage.output
    ...[...scope.drafts].flatMap(([name, draft]) =>
      Object.entries(draft.outputs).map(([output, file]) => (output === file ? file : `${name}.${output}`)),
    ),
  ];
  throw depMissing(stage, ref, candidates);
}

function readsCheckpoint(stage: string, ref: string, owner: string): PlumbError {
  return new PlumbError('PIPELINE_DEP_MISSING', {
    what: `stage "${stage}" reads "${ref}", which is the checkpoint of stage "${owner}": it is gone when that one has ended well`,
    where: { file: files.pipeline },
    mend: `let stage "${owner}" write what others read to an output`,
  });
}

/** a/b/c, a/b, a */
function upwards(path: string): string[] {
  const names = path.split('/');
  return names.map((_, at) => names.slice(0, names.length - at).join('/'));
}

function depMissing(stage: string, ref: string, candidates: readonly string[]): PlumbError {
  return new PlumbError('PIPELINE_DEP_MISSING', {
    what: `stage "${stage}" reads "${ref}", which is neither a data set of ${files.lock}, nor an output of a stage, nor a file.${didYouMean(ref, candidates)}`,
    where: { file: files.pipeline },
    mend: 'correct the name, or lock the data with `plumb add`',
  });
}

/** `needs: [train]` means all of train@a, train@b as well. */
function needed(
  need: string,
  stage: string,
  { drafts, broken, told }: { drafts: ReadonlyMap<string, Draft>; broken: readonly StageSpec[]; told: (error: unknown) => void },
): string[] {
  if (drafts.has(need)) return [need];
  const group = [...drafts.keys()].filter((name) => name.startsWith(`${need}@`));
  if (group.length > 0 || broken.some(({ name }) => name === need || name.startsWith(`${need}@`))) return group;
  const error = new PlumbError('PIPELINE_DEP_MISSING', {
    what: `stage "${stage}" needs stage "${need}", which is not there.${didYouMean(need, [...drafts.keys(), ...broken.map((spec) => spec.name)])}`,
    where: { file: files.pipeline },
    mend: 'correct the name',
  });
  told(error);
  return [];
}

/** Depth first, in the order of the file: stable, and every stage after what it needs. */
function inOrder(stages: ReadonlyMap<string, BoundStage>, tell: Tell): Map<string, BoundStage> {
  const ordered = new Map<string, BoundStage>();
  const trail: string[] = [];
  const visit = (name: string): void => {
    if (ordered.has(name)) return;
    if (trail.includes(name)) {
      const circle = [...trail.slice(trail.indexOf(name)), name];
      const error = new PlumbError('PIPELINE_CYCLE', {
        what: `stages wait for each other: ${circle.join(' -> ')}`,
        where: { file: files.pipeline },
        mend: 'take one of these dependencies out',
      });
      return tell(name, error);
    }
    const stage = stages.get(name);
    if (stage === undefined) throw new Error(`stage ${name} is bound to nothing`);
    trail.push(name);
    for (const before of stage.after) visit(before);
    trail.pop();
    ordered.set(name, stage);
  };
  for (const name of stages.keys()) visit(name);
  return ordered;
}

/**
 * The stages that a command line names, with all that they need; all stages when it names none. `train` means train@a, train@b too.
 * @throws PlumbError STAGE_UNKNOWN
 */
export function selectStages(stages: ReadonlyMap<string, BoundStage>, names: readonly string[]): Map<string, BoundStage> {
  if (names.length === 0) return new Map(stages);
  const wanted = new Set<string>();
  const want = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const before of stages.get(name)?.after ?? []) want(before);
  };
  for (const name of names) {
    const found = stages.has(name) ? [name] : [...stages.keys()].filter((stage) => stage.startsWith(`${name}@`));
    if (found.length === 0) {
      throw new PlumbError('STAGE_UNKNOWN', {
        what: `there is no stage "${name}".${didYouMean(name, stages.keys())}`,
        where: { file: files.pipeline },
        mend: `stages: ${[...stages.keys()].join(', ')}`,
      });
    }
    for (const stage of found) want(stage);
  }
  return new Map([...stages].filter(([name]) => wanted.has(name)));
}
