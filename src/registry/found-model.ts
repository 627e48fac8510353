// A model with all that proves it: what a report speaks about and a promotion moves. Found either in the present pipeline or behind a pointer.
import { basename } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { pushRootOf, readManifest } from '../datasets/manifest.ts';
import type { Reachable } from '../datasets/reachable.ts';
import { collectRuns, runRoot } from '../pipeline/reachable.ts';
import { nameIn } from '../pipeline/run-names.ts';
import { readableRecord, type KeptRecord } from '../pipeline/records.ts';
import type { RunOutput, RunRecord } from '../pipeline/run-record.ts';
import type { Pipeline } from '../pipeline/source-tree.ts';
import { files } from '../project/layout.ts';
import type { Store } from '../store/store.ts';
import { loadEvidence } from './evidence.ts';
import { chainOf, earlierRuns, inputRuns } from './run-chain.ts';
import type { Pointer } from './schema.ts';
import type { FileTree } from './tree.ts';

export interface FoundModel {
  readonly name: string;
  readonly artifact: { readonly digest: Digest; readonly bytes: number; readonly format: string };
  /** the run that made it */
  readonly made: KeptRecord;
  /** the run that evaluated it */
  readonly evaluated: KeptRecord;
  /** both and all that came before them, by digest */
  readonly records: ReadonlyMap<Digest, RunRecord>;
  /** data set -> manifest, for all that made and evaluated it */
  readonly data: Readonly<Record<string, Digest>>;
  /** what moves with it as one, by name */
  readonly parts: Readonly<Record<string, ModelPart>>;
  /** behind a pointer: the evaluations of others that it was compared with */
  readonly baselines?: readonly KeptRecord[];
}

export interface ModelPart {
  readonly digest: Digest;
  readonly bytes: number;
}

/** The model that is meant where none is named. @throws PlumbError MODEL_UNKNOWN when there is none, or more than one */
export function onlyModel(pipeline: Pipeline): string {
  const models = Object.keys(pipeline.config.models);
  const [only] = models;
  if (only !== undefined && models.length === 1) return only;
  throw new PlumbError('MODEL_UNKNOWN', {
    what: only === undefined ? `${files.pipeline} names no model` : `${files.pipeline} names ${models.length} models`,
    where: { file: files.pipeline },
    mend:
      only === undefined
        ? 'add one under models:, with its artifact and its evaluation; of data alone, `plumb run` judges and `plumb report` tells'
        : `name one of them: ${models.join(', ')}`,
  });
}

/** Which stages a model of pipeline.yaml comes from. @throws PlumbError MODEL_UNKNOWN, PIPELINE_DEP_MISSING */
export function modelStages(pipeline: Pipeline, name: string): { artifactStage: string; output: string; evaluationStage: string } {
  const { models } = pipeline.config;
  const entry = Object.hasOwn(models, name) ? models[name] : undefined;
  if (entry === undefined) {
    throw new PlumbError('MODEL_UNKNOWN', {
      what: `${files.pipeline} names no model "${name}".${didYouMean(name, Object.keys(models))}`,
      where: { file: files.pipeline },
      mend: `add it under models:, with its artifact and its evaluation${Object.keys(models).length > 0 ? `; models there: ${Object.keys(models).join(', ')}` : ''}`,
    });
  }
  const owner = outputOf(pipeline, entry.artifact);
  if (owner === null) throw noSuch(name, `artifact "${entry.artifact}" is an output of no stage`);
  if (!pipeline.stages.has(entry.evaluation)) throw noSuch(name, `evaluation "${entry.evaluation}" is no stage`);
  for (const [part, text] of Object.entries(entry.parts ?? {}))
    if (outputOf(pipeline, text) === null && !isRead(pipeline, text))
      throw noSuch(name, `its part "${part}" is "${text}", which is no output and no data set that a stage reads`);
  return { artifactStage: owner.stage, output: owner.output, evaluationStage: entry.evaluation };
}

function isRead(pipeline: Pipeline, dataset: string): boolean {
  return [...pipeline.stages.values()].some(({ inputs }) => Object.values(inputs).some(({ kind, ref }) => kind === 'data' && ref === dataset));
}

/** @param text stage.output, or the path of one; null: there is none of that name */
function outputOf(pipeline: Pipeline, text: string): { stage: string; output: string } | null {
  for (const { spec, outputs } of pipeline.stages.values())
    for (const [output, path] of Object.entries(outputs)) if (text === `${spec.name}.${output}` || text === path) return { stage: spec.name, output };
  return null;
}

function noSuch(model: string, what: string): PlumbError {
  return new PlumbError('PIPELINE_DEP_MISSING', {
    what: `models.${model}: ${what}`,
    where: { file: files.pipeline },
    mend: 'write stage.output (train.model) for the artifact, a stage for the evaluation, and for a part stage.output or a data set that they read',
  });
}

/**
 * The model that the present pipeline makes.
 * @param records one record a stage, as `presentRecords` gives them
 */
export async function modelOfPipeline(pipeline: Pipeline, records: ReadonlyMap<string, KeptRecord>, name: string, store: Store): Promise<FoundModel> {
  const { artifactStage, output, evaluationStage } = modelStages(pipeline, name);
  const made = records.get(artifactStage);
  const evaluated = records.get(evaluationStage);
  const artifact = made?.record.outputs[output];
  if (made === undefined || evaluated === undefined || artifact === undefined)
    throw new Error(`no records of ${artifactStage} and ${evaluationStage}`);
  const byDigest = new Map([...records.values()].map((kept) => [kept.digest, kept.record]));
  const chain = await withEarlier([made, evaluated], byDigest, store);
  const data = dataOf(chainOf([made.digest, evaluated.digest], chain, inputRuns));
  return {
    name,
    artifact: { digest: artifact.digest, bytes: artifact.bytes, format: formatOf(artifact) },
    made,
    evaluated,
    records: chain,
    data,
    parts: await partsOf(pipeline, name, { records, chain, data, store }),
  };
}

interface PartSources {
  readonly records: ReadonlyMap<string, KeptRecord>;
  readonly chain: ReadonlyMap<Digest, RunRecord>;
  readonly data: Readonly<Record<string, Digest>>;
  readonly store: Store;
}

/** @throws PlumbError PIPELINE_DEP_MISSING for one that no run behind the model made or read: nobody would have evaluated it */
async function partsOf(pipeline: Pipeline, model: string, sources: PartSources): Promise<Record<string, ModelPart>> {
  const parts: Record<string, ModelPart> = {};
  for (const [part, text] of Object.entries(pipeline.config.models[model]?.parts ?? {})) {
    const found = await findPart(pipeline, text, sources);
    if (found === null) throw noSuch(model, `its part "${part}" is "${text}", which no run that makes or evaluates the model wrote or read`);
    parts[part] = found;
  }
  return parts;
}

async function findPart(pipeline: Pipeline, text: string, { records, chain, data, store }: PartSources): Promise<ModelPart | null> {
  const owner = outputOf(pipeline, text);
  const kept = owner === null ? undefined : records.get(owner.stage);
  const output = owner === null ? undefined : kept?.record.outputs[owner.output];
  if (kept !== undefined && output !== undefined && chain.has(kept.digest)) return { digest: output.digest, bytes: output.bytes };
  const manifest = Object.hasOwn(data, text) ? data[text] : undefined;
  return manifest === undefined ? null : { digest: manifest, bytes: (await readManifest(store, manifest)).bytes };
}

/** The model behind a pointer, from its evidence. @throws PlumbError EVIDENCE_INVALID */
export async function modelOfPointer(tree: FileTree, pointer: Pointer): Promise<FoundModel> {
  const evidence = await loadEvidence(tree, pointer);
  const made = evidence.runs.get(pointer.run);
  const evaluated = evidence.runs.get(pointer.evaluation);
  const [finding] = evidence.findings;
  if (finding !== undefined || made === undefined || evaluated === undefined) {
    throw new PlumbError('EVIDENCE_INVALID', {
      what: finding?.what ?? `the evidence of ${pointer.model} in ${pointer.stage} lacks a run record`,
      ...(finding === undefined ? {} : { where: { file: finding.file } }),
      mend: finding?.mend ?? 'run `plumb verify`',
    });
  }
  return {
    name: pointer.model,
    artifact: pointer.artifact,
    made: { digest: pointer.run, record: made },
    evaluated: { digest: pointer.evaluation, record: evaluated },
    records: evidence.runs,
    data: pointer.data,
    parts: pointer.parts ?? {},
    baselines: Object.values(evidence.baselines),
  };
}

/** What came before a cached run may be older than what the pipeline has now: such records are in the store, and are left out where they are not. */
async function withEarlier(roots: readonly KeptRecord[], known: ReadonlyMap<Digest, RunRecord>, store: Store): Promise<Map<Digest, RunRecord>> {
  const found = new Map(roots.map(({ digest, record }) => [digest, record]));
  for (let wave = [...found.values()]; wave.length > 0;) {
    const digests = [...new Set(wave.flatMap(earlierRuns))].filter((digest) => !found.has(digest));
    wave = [];
    for (const digest of digests) {
      const record = known.get(digest) ?? (await readableRecord(store, digest))?.record;
      if (record === undefined) continue;
      found.set(digest, record);
      wave.push(record);
    }
  }
  return found;
}

function dataOf(chain: ReadonlyMap<Digest, RunRecord>): Record<string, Digest> {
  const data: Record<string, Digest> = {};
  for (const record of chain.values()) for (const input of Object.values(record.inputs)) if (input.kind === 'data') data[input.ref] = input.digest;
  return data;
}

function formatOf(artifact: RunOutput): string {
  const extension = /\.([a-z0-9]+)$/i.exec(artifact.path)?.[1]?.toLowerCase();
  return artifact.kind === 'folder' ? 'folder' : (extension ?? 'bytes');
}

/** The output of an evaluation that holds one line a case: named `cases`, or a file cases.jsonl of a command. @throws PlumbError RUN_RECORD_INVALID */
export function casesOf(evaluated: KeptRecord): RunOutput {
  const entries = Object.entries(evaluated.record.outputs);
  const found = entries.find(([name]) => name === 'cases') ?? entries.find(([, output]) => basename(output.path) === 'cases.jsonl');
  if (found !== undefined) return found[1];
  throw new PlumbError('RUN_RECORD_INVALID', {
    what: `stage "${evaluated.record.stage}" is the evaluation of a model and wrote no cases.jsonl`,
    mend: 'let it write cases.jsonl (docs/reference/formats.md), or use plumb/evaluate',
  });
}

/**
 * All bytes behind a model: data, what its runs wrote, their records.
 * @param baselines evaluations of others that it was compared with; their answers go along where they are to be had
 */
export function collectModel(model: FoundModel, store: Store, baselines: readonly KeptRecord[] = model.baselines ?? []): Reachable {
  const runs = collectRuns(
    [...model.records].map(([digest, record]) => ({ digest, record })),
    store,
    // whoever has the pointer needs no other domain's name
    (fingerprint) => nameIn({ kind: 'laptop' }, fingerprint),
  );
  const data = [...new Set(Object.values(model.data))].map((digest) => pushRootOf(store, digest));
  const compared = baselines.map((kept) => ({ ...runRoot(kept, store), optional: true }));
  return { roots: [...data, ...runs.roots, ...compared], names: runs.names };
}
