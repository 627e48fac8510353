// What a model file says of itself, as the key-value metadata of ONNX: enough to make features, name labels and check the model, and nothing of the run.
import { z } from 'zod';
import { canonicalJson, type Json } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import type { Vocabulary } from './features.ts';
import { featureCounts, type ModelFacts } from './model.ts';
import { lengthDelimitedFields } from './protobuf.ts';

const format = 'text-classifier/1';

const sizes = z.strictObject({ min: z.int().min(1).max(20), max: z.int().min(1).max(20) }).nullable();
const spec = z.strictObject({ version: z.literal(1), words: sizes, characters: sizes, minDocuments: z.int().min(1), maxLength: z.int().min(1) });
const golden = z.array(z.strictObject({ text: z.string(), label: z.string(), score: z.number().min(0).max(1) })).max(50);
const encoder = z.strictObject({ digest: z.string(), size: z.int().min(1).max(65_536) }).nullable();
const trainer = z.enum(['softmax', 'svm']);
const labels = z.array(z.string()).min(2);

/**
 * Key-value pairs, in the order in which they are written. Vocabularies are lists with one n-gram a line (no n-gram holds a line end), and
 * document frequencies are whole numbers with a space between, from which idf follows exactly.
 */
export function writeMetadata(facts: ModelFacts): (readonly [key: string, value: string])[] {
  const { vocabulary } = facts;
  return [
    ['plumbline', format],
    ['plumbline.trainer', JSON.stringify(facts.trainer)],
    ['plumbline.features', canonicalJson(facts.spec as unknown as Json)],
    ['plumbline.labels', JSON.stringify(facts.labels)],
    ['plumbline.encoder', canonicalJson(facts.encoder as unknown as Json)],
    ['plumbline.golden', canonicalJson(facts.golden as unknown as Json)],
    ['plumbline.documents', String(vocabulary.documents)],
    ['plumbline.words', vocabulary.words.join('\n')],
    ['plumbline.characters', vocabulary.characters.join('\n')],
    ['plumbline.document-frequency', vocabulary.documentFrequency.join(' ')],
  ];
}

/**
 * Finds what a model file says of itself.
 * @param bytes the ONNX file
 * @param file for messages
 * @throws PlumbError MODEL_INVALID
 */
export function readMetadata(bytes: Uint8Array, file: string): ModelFacts {
  const values = keyValues(bytes, file);
  const value = (key: string): string => {
    const found = values.get(key);
    if (found === undefined) throw invalid(file, `its metadata has no "${key}"`, 'train the model again with `plumb run`');
    return found;
  };
  if (!values.has('plumbline')) throw invalid(file, 'it is an ONNX file that plumb/train-text did not write', 'name a model of plumb/train-text');
  if (value('plumbline') !== format) {
    throw invalid(
      file,
      `it is of the format "${value('plumbline').slice(0, 40)}", this plumb reads ${format}`,
      'use the plumb that made it, or a later one',
    );
  }
  const parse = <T>(key: string, schema: z.ZodType<T>): T => {
    try {
      return schema.parse(JSON.parse(value(key)));
    } catch (error) {
      if (error instanceof PlumbError) throw error;
      throw invalid(file, `its metadata "${key}" does not have the documented shape`, 'train the model again with `plumb run`', error);
    }
  };
  const facts: ModelFacts = {
    trainer: parse('plumbline.trainer', trainer),
    spec: parse('plumbline.features', spec),
    labels: parse('plumbline.labels', labels),
    encoder: parse('plumbline.encoder', encoder),
    golden: parse('plumbline.golden', golden),
    vocabulary: readVocabulary(value),
  };
  checkCounts(facts, file);
  return facts;
}

function keyValues(bytes: Uint8Array, file: string): Map<string, string> {
  const values = new Map<string, string>();
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for (const property of lengthDelimitedFields(bytes)) {
      if (property.field !== metadataProperties) continue;
      const parts = new Map([...lengthDelimitedFields(property.bytes)].map((part) => [part.field, utf8.decode(part.bytes)]));
      values.set(parts.get(1) ?? '', parts.get(2) ?? '');
    }
  } catch (error) {
    throw invalid(file, 'it is no ONNX file, or a damaged one', 'restore the file: `plumb checkout` or `plumb pull`', error);
  }
  return values;
}

/** Number of `metadata_props` in ModelProto. */
export const metadataProperties = 14;

function readVocabulary(value: (key: string) => string): Vocabulary {
  const lines = (text: string): string[] => (text === '' ? [] : text.split('\n'));
  const counts = value('plumbline.document-frequency');
  return {
    words: lines(value('plumbline.words')),
    characters: lines(value('plumbline.characters')),
    documents: Number(value('plumbline.documents')),
    documentFrequency: Uint32Array.from(counts === '' ? [] : counts.split(' '), Number),
  };
}

function checkCounts(facts: ModelFacts, file: string): void {
  const { words, characters, documents } = facts.vocabulary;
  const { grams } = featureCounts(facts);
  const good =
    words.length + characters.length === grams &&
    Number.isSafeInteger(documents) &&
    facts.vocabulary.documentFrequency.every((count) => count >= 1 && count <= documents) &&
    new Set(facts.labels).size === facts.labels.length;
  if (!good) throw invalid(file, 'its vocabulary, labels and counts do not fit together', 'train the model again with `plumb run`');
}

/** The error of everything that is wrong with a model file. */
export function invalid(file: string, what: string, mend: string, cause?: unknown): PlumbError {
  return new PlumbError('MODEL_INVALID', { what: `${file} cannot be used as a model: ${what}`, where: { file }, mend, cause });
}
