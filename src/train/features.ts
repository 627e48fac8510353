// From text to numbers, version 1. One piece of code for training and for serving: what is counted here in training is counted here again when the
// model predicts. Whatever changes a value needs a new version, and the old one has to stay for the models that carry it.
import { byCodeUnit } from '../base/canonical.ts';
import { log } from './arithmetic.ts';

/** How texts become features; written into the model. */
export interface FeatureSpec {
  readonly version: 1;
  /** sizes of word n-grams, or null for none */
  readonly words: Sizes | null;
  /** sizes of character n-grams within word edges, or null for none */
  readonly characters: Sizes | null;
  /** an n-gram is a feature when this many training texts hold it */
  readonly minDocuments: number;
  /** a text is read up to here (UTF-16 code units): bounds the time that one request can take */
  readonly maxLength: number;
}

export interface Sizes {
  readonly min: number;
  readonly max: number;
}

/** The features of a model: words first, then characters, each sorted by code unit; the id of a feature is its place. */
export interface Vocabulary {
  readonly words: readonly string[];
  readonly characters: readonly string[];
  /** number of training texts */
  readonly documents: number;
  /** for each feature: how many training texts hold it */
  readonly documentFrequency: Uint32Array;
}

/** Sparse rows: the features of row r are ids[i], values[i] for offsets[r] <= i < offsets[r + 1]. */
export interface SparseRows {
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
  readonly values: Float32Array;
}

/** Features of one text; valid until the next call of the extractor. */
export interface SparseVector {
  readonly length: number;
  readonly ids: Int32Array;
  readonly values: Float32Array;
}

export interface Extractor {
  readonly size: number;
  extract(text: string): SparseVector;
}

type Visit = (gram: string) => void;

// Letters, marks and numbers of any script; which characters they are is Unicode's, so it may grow with Node's ICU for characters assigned later.
const word = /[\p{L}\p{M}\p{N}_]+/gu;
const whiteSpace = /\s+/u;
const surrogate = /[\ud800-\udfff]/;

/** NFKC and lower case (no locale); lone surrogates become U+FFFD, for they have no bytes in UTF-8. */
export function normalize(text: string, spec: FeatureSpec): string {
  return text.slice(0, spec.maxLength).toWellFormed().normalize('NFKC').toLowerCase();
}

function visitWordGrams(text: string, sizes: Sizes, visit: Visit): void {
  const words = text.match(word) ?? [];
  for (let from = 0; from < words.length; from += 1) {
    let gram = '';
    for (let size = 1; size <= sizes.max && from + size <= words.length; size += 1) {
      gram = size === 1 ? (words[from] as string) : `${gram} ${words[from + size - 1] as string}`;
      if (size >= sizes.min) visit(gram);
    }
  }
}

/**
 * n-grams of characters (code points) inside ' word ', where a word is what stands between white space. A padded word shorter than n is one gram, once.
 * Source: scikit-learn 1.9, CountVectorizer with analyzer='char_wb'
 */
function visitCharacterGrams(text: string, sizes: Sizes, visit: Visit): void {
  for (const part of text.split(whiteSpace)) {
    if (part === '') continue;
    const padded = ` ${part} `;
    const points = surrogate.test(padded) ? [...padded] : padded;
    for (let size = sizes.min; size <= sizes.max; size += 1) {
      if (points.length <= size) {
        visit(padded);
        break;
      }
      for (let from = 0; from + size <= points.length; from += 1) {
        const gram = points.slice(from, from + size);
        visit(typeof gram === 'string' ? gram : gram.join(''));
      }
    }
  }
}

interface Counter {
  readonly index: Map<string, number>;
  readonly documents: number[];
  readonly lastSeen: number[];
}

/** Takes texts one by one and says at the end which n-grams are features. */
export function vocabularyBuilder(spec: FeatureSpec): { add(text: string): void; build(): Vocabulary } {
  const words: Counter = { index: new Map(), documents: [], lastSeen: [] };
  const characters: Counter = { index: new Map(), documents: [], lastSeen: [] };
  let documents = 0;
  return {
    add(text) {
      const normal = normalize(text, spec);
      documents += 1;
      if (spec.words !== null) visitWordGrams(normal, spec.words, (gram) => countDocument(words, gram, documents));
      if (spec.characters !== null) visitCharacterGrams(normal, spec.characters, (gram) => countDocument(characters, gram, documents));
    },
    build() {
      const kept = [words, characters].map((counter) => keptGrams(counter, spec.minDocuments));
      const [keptWords, keptCharacters] = kept as [KeptGrams, KeptGrams];
      return {
        words: keptWords.grams,
        characters: keptCharacters.grams,
        documents,
        documentFrequency: Uint32Array.from([...keptWords.documents, ...keptCharacters.documents]),
      };
    },
  };
}

function countDocument(counter: Counter, gram: string, document: number): void {
  const at = counter.index.get(gram);
  if (at === undefined) {
    counter.index.set(gram, counter.documents.length);
    counter.documents.push(1);
    counter.lastSeen.push(document);
  } else if (counter.lastSeen[at] !== document) {
    counter.documents[at] = (counter.documents[at] as number) + 1;
    counter.lastSeen[at] = document;
  }
}

interface KeptGrams {
  readonly grams: string[];
  readonly documents: number[];
}

function keptGrams(counter: Counter, minDocuments: number): KeptGrams {
  const grams = [...counter.index.keys()].filter((gram) => frequency(counter, gram) >= minDocuments).toSorted(byCodeUnit);
  return { grams, documents: grams.map((gram) => frequency(counter, gram)) };
}

function frequency(counter: Counter, gram: string): number {
  return counter.documents[counter.index.get(gram) as number] as number;
}

/** idf = 1 + ln((1 + documents) / (1 + documents with it)): never below 1. Source: scikit-learn's smooth_idf */
export function inverseDocumentFrequency(vocabulary: Vocabulary): Float64Array {
  return Float64Array.from(vocabulary.documentFrequency, (count) => 1 + log((1 + vocabulary.documents) / (1 + count)));
}

/**
 * Makes features of a text: (1 + ln count) * idf of every n-gram that is in the vocabulary; words and characters each scaled to length 1 (L2).
 * Features come in the order in which the text first holds them, so equal texts give equal bytes.
 */
export function featureExtractor(spec: FeatureSpec, vocabulary: Vocabulary): Extractor {
  const idf = inverseDocumentFrequency(vocabulary);
  const size = idf.length;
  const wordIndex = new Map(vocabulary.words.map((gram, at) => [gram, at]));
  const characterIndex = new Map(vocabulary.characters.map((gram, at) => [gram, at + vocabulary.words.length]));
  const counts = new Uint32Array(size);
  let ids = new Int32Array(1024);
  let values = new Float32Array(1024);
  let length = 0;

  const count = (id: number | undefined): void => {
    if (id === undefined) return;
    if (counts[id] === 0) {
      if (length === ids.length) {
        ids = grown(ids, new Int32Array(length * 2));
        values = grown(values, new Float32Array(length * 2));
      }
      ids[length] = id;
      length += 1;
    }
    counts[id] = (counts[id] as number) + 1;
  };
  const weigh = (from: number): void => {
    let squares = 0;
    for (let at = from; at < length; at += 1) {
      const id = ids[at] as number;
      const value = termWeight(counts[id] as number) * (idf[id] as number);
      squares += value * value;
    }
    const scale = 1 / Math.sqrt(squares);
    for (let at = from; at < length; at += 1) {
      const id = ids[at] as number;
      values[at] = termWeight(counts[id] as number) * (idf[id] as number) * scale;
      counts[id] = 0;
    }
  };
  return {
    size,
    extract(text) {
      length = 0;
      const normal = normalize(text, spec);
      if (spec.words !== null) visitWordGrams(normal, spec.words, (gram) => count(wordIndex.get(gram)));
      weigh(0);
      const from = length;
      if (spec.characters !== null) visitCharacterGrams(normal, spec.characters, (gram) => count(characterIndex.get(gram)));
      weigh(from);
      return { length, ids, values };
    },
  };
}

function grown<T extends Int32Array | Float32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

const termWeights = Float64Array.from({ length: 64 }, (_, count) => (count === 0 ? 0 : 1 + log(count)));

function termWeight(count: number): number {
  return count < 64 ? (termWeights[count] as number) : 1 + log(count);
}

/** Gathers vectors into rows; vectors are copied. */
export function sparseRowsBuilder(): { add(vector: SparseVector): void; build(): SparseRows } {
  let ids = new Int32Array(1 << 16);
  let values = new Float32Array(1 << 16);
  const offsets = [0];
  let used = 0;
  return {
    add(vector) {
      while (used + vector.length > ids.length) {
        ids = grown(ids, new Int32Array(ids.length * 2));
        values = grown(values, new Float32Array(values.length * 2));
      }
      ids.set(vector.ids.subarray(0, vector.length), used);
      values.set(vector.values.subarray(0, vector.length), used);
      used += vector.length;
      offsets.push(used);
    },
    build: () => ({ offsets: Int32Array.from(offsets), ids: ids.slice(0, used), values: values.slice(0, used) }),
  };
}
