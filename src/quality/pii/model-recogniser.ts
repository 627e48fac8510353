// What finds names, places and organisations: a model, here or behind HTTP.
import type { JsonValue } from '../../base/schema.ts';
import type { RecogniserConfig } from './config.ts';
import type { Found } from './found.ts';

export interface TextRecogniser {
  /** what its answers depend on, beside the texts: with another one nothing that is remembered counts */
  readonly identity: JsonValue;
  /** Finds of each text, in UTF-16 units. @throws PlumbError RECOGNISER_FAILED */
  find(texts: readonly string[]): Promise<Found[][]>;
  close(): Promise<void>;
}

export interface RecogniserWorld {
  /** absolute path of a file that pii.yaml names. @throws PlumbError FILE_MISSING, PATH_OUTSIDE */
  pathOf(file: string): string;
  readonly signal: AbortSignal;
}

/** @throws PlumbError RECOGNISER_FAILED, FILE_MISSING */
export async function openRecogniser(config: RecogniserConfig, world: RecogniserWorld): Promise<TextRecogniser> {
  if (config.kind === 'onnx') return (await import('./onnx-recogniser.ts')).openOnnxRecogniser(config, world);
  return (await import('./presidio-recogniser.ts')).openPresidioRecogniser(config, world);
}
