// Where the inputs of a pipeline are read: the work tree, or a commit. Fingerprints come out the same for the same content.
import type { Digest } from '../base/digest.ts';
import type { Lock } from '../datasets/schema.ts';
import { parseYaml, withLines } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import type { StepRegistry } from '../base/step.ts';
import { files } from '../project/layout.ts';
import { expandStages } from './expand.ts';
import { bindStages, type BoundStage } from './graph.ts';
import { parseParams, type Params } from './params.ts';
import { pipelineSchema, type PipelineConfig } from './schema.ts';

export interface PathFacts {
  readonly digest: Digest;
  readonly bytes: number;
  readonly kind: 'file' | 'folder';
}

export interface SourceTree {
  /** for messages: 'the work tree', 'commit 0123abc' */
  readonly name: string;
  readonly lock: Lock;
  readText(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  /** Digest of a file, or of a folder as manifest/1 of kind files. @throws PlumbError FILE_MISSING */
  facts(path: string): Promise<PathFacts>;
  /** Digest of a data set's manifest. @throws PlumbError DATASET_MODIFIED when the working copy is not what the lock says */
  dataset(name: string): Promise<Digest>;
}

export interface Pipeline {
  readonly config: PipelineConfig;
  readonly params: Params;
  /** in an order in which each stage comes after all it needs */
  readonly stages: ReadonlyMap<string, BoundStage>;
}

/**
 * Reads and binds the pipeline of a tree.
 * @throws PlumbError CONFIG_MISSING, CONFIG_INVALID and all that binding finds
 */
export async function loadPipeline(tree: SourceTree, steps: StepRegistry): Promise<Pipeline> {
  const text = await tree.readText(files.pipeline);
  if (text === undefined) {
    throw new PlumbError('CONFIG_MISSING', {
      what: `${files.pipeline} is not in ${tree.name}`,
      where: { file: files.pipeline },
      mend: 'write one (docs/reference/formats.md), or start from `plumb init --template classifier`',
    });
  }
  const config = await parseYaml(text, files.pipeline, pipelineSchema);
  const params = parseParams(await tree.readText(files.params));
  const stages = await withLines(files.pipeline, text, () =>
    bindStages(expandStages(config, params), {
      params,
      lock: tree.lock,
      steps,
      readText: (path) => tree.readText(path),
      exists: (path) => tree.exists(path),
    }),
  );
  return { config, params, stages };
}
