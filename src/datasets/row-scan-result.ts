// What a pass over a file of rows finds, put together chunk by chunk in the order of the file.
import type { Digest } from '../base/digest.ts';
import { createRowTreeBuilder, type RowTreeBuilder } from '../store/tree/row-builder.ts';
import type { KeepNode, TreeSummary } from '../store/tree/tree.ts';
import { LabelNumbers, type LabelCounts } from './class-balance.ts';
import { FactsFile, type ChunkFacts } from './facts-file.ts';
import { hasTwice } from './key-fingerprint.ts';
import type { Facts } from './row-facts.ts';
import { SchemaInference, type Summary } from './schema-inference.ts';
import { WordList } from './word-list.ts';

export interface RowScan {
  readonly digest: Digest;
  readonly bytes: number;
  readonly rows: number;
  readonly schema: Record<string, string>;
  readonly tree: TreeSummary;
  /** two keys have one fingerprint: they are one key, or, once in millions of files, they are not */
  readonly doubtful: boolean;
  /** rows of each label; null: no label column, or more labels than anybody counts */
  readonly labels: LabelCounts | null;
  /** Keeps what was learned of the chunks for the next pass. */
  writeFacts(path: string): Promise<void>;
  /** that were parsed; the other chunks were known */
  readonly parsedBytes: number;
}

export interface Chunk {
  readonly digest: Buffer;
  readonly bytes: number;
  /** null: it is asked for */
  readonly known: ChunkFacts | null;
}

export class ScanResult {
  /** of the header of a CSV */
  columns: readonly string[] | null = null;
  readonly #inference = new SchemaInference();
  readonly #parsedSummaries = new Map<string, Summary>();
  readonly #words = { fingerprints: new WordList(), labelled: new WordList() };
  readonly #labels: LabelNumbers | null;
  readonly #tree: RowTreeBuilder;
  readonly #facts = new FactsFile(this.#words);
  /** words that a row has of each kind */
  readonly #perRow: { readonly fingerprints: 0 | 2; readonly labelled: 0 | 1 };
  #knownLabels: Uint32Array = new Uint32Array(0);
  #rows = 0;

  constructor({ key, label, keepNode }: { readonly key: string | null; readonly label: string | null; readonly keepNode: KeepNode }) {
    this.#tree = createRowTreeBuilder(keepNode);
    this.#labels = label === null ? null : new LabelNumbers();
    this.#perRow = { fingerprints: key === null ? 0 : 2, labelled: label === null ? 0 : 1 };
  }

  /** Facts that are known name labels by their place in this list. */
  knows(labels: readonly string[]): void {
    this.#knownLabels = this.#labels?.numbersOf(labels) ?? this.#knownLabels;
  }

  /** @returns false: the rows of all chunks together are not as they should be */
  take(chunks: readonly Chunk[], found: Facts): boolean {
    const labels = this.#labels?.numbersOf(found.labels) ?? this.#knownLabels;
    let index = 0;
    let row = 0;
    for (const { known, ...chunk } of chunks) {
      if (known !== null) {
        if (!this.#takeChunk(chunk, known, this.#knownLabels)) return false;
        continue;
      }
      const rows = found.rows[index] as number;
      const partOf = (words: Uint32Array, perRow: number): Uint32Array => words.subarray(row * perRow, (row + rows) * perRow);
      const facts: ChunkFacts = {
        rows,
        summary: found.schemas[index] as string,
        keys: found.keys[index] ?? null,
        fingerprints: partOf(found.fingerprints, this.#perRow.fingerprints),
        labelled: partOf(found.labelled, this.#perRow.labelled),
      };
      if (!this.#takeChunk(chunk, facts, labels)) return false;
      index += 1;
      row += rows;
    }
    return true;
  }

  /** @param labels numbers of the labels that the facts name */
  #takeChunk({ digest, bytes }: Omit<Chunk, 'known'>, facts: ChunkFacts, labels: Uint32Array): boolean {
    const { rows, keys } = facts;
    this.#rows += rows;
    if (facts.summary !== '') {
      try {
        this.#inference.join(this.#summaryOf(facts.summary), rows);
      } catch {
        return false; // too many columns
      }
    }
    this.#words.fingerprints.push(facts.fingerprints);
    if (this.#labels !== null) this.#words.labelled.push(this.#labels.count(facts.labelled, labels));
    this.#tree.add({ digest: `sha256:${digest.toString('hex')}`, bytes, rows, keys });
    this.#facts.add(digest, facts);
    return true;
  }

  #summaryOf(text: string): Summary {
    const known = this.#parsedSummaries.get(text);
    if (known !== undefined) return known;
    const summary = JSON.parse(text) as Summary;
    if (this.#parsedSummaries.size < 1000) this.#parsedSummaries.set(text, summary);
    return summary;
  }

  end({ context, ...file }: { digest: Digest; bytes: number; context: string; parsedBytes: number }): RowScan {
    const labels = this.#labels?.counts ?? null;
    if (labels === null && this.#labels !== null) this.#facts.forget();
    return {
      ...file,
      rows: this.#rows,
      schema: this.columns === null ? this.#inference.schema() : textColumns(this.columns),
      tree: this.#tree.finish(),
      doubtful: hasTwice(this.#words.fingerprints),
      labels,
      writeFacts: (path) => this.#facts.write(path, context, this.#labels?.texts ?? []),
    };
  }
}

function textColumns(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.toSorted().map((name) => [name, 'string']));
}
