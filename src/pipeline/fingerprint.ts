// The fingerprint of a stage: SHA-256 over what determines its outputs, and nothing else. Two machines that compute the same one may share outputs.
import { canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import type { BoundStage } from './graph.ts';

export interface FingerprintParts {
  readonly stage: BoundStage;
  /** input name -> digest */
  readonly inputs: Readonly<Record<string, Digest>>;
  /** what of the environment counts: lock files of a command, its image, its variables; nothing for a built-in step, whose version says it all */
  readonly environment: Readonly<Record<string, string>>;
}

/** The value that is hashed; `plumb run --dry --json` shows it. The stage's name is not in it: renaming a stage runs nothing. */
export function fingerprintValue(parts: FingerprintParts): Json {
  const { spec, step } = parts.stage;
  return {
    plumbline: 'fingerprint/1',
    command:
      step === null
        ? { cmd: spec.action.kind === 'cmd' ? spec.action.cmd : '' }
        : { uses: step.uses, version: step.version, with: parts.stage.arguments },
    inputs: parts.inputs,
    params: parts.stage.params,
    // a built-in step writes the same bytes wherever they land; a command knows its paths
    outputs: step === null ? Object.values(parts.stage.outputs) : Object.keys(parts.stage.outputs),
    // which files are read for numbers decides what the run record says
    ...(spec.metrics.length > 0 ? { metrics: spec.metrics } : {}),
    seed: spec.seed,
    environment: parts.environment,
  };
}

export function fingerprintOf(parts: FingerprintParts): Digest {
  return digestOf(canonicalJson(fingerprintValue(parts)));
}
