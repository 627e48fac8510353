// The front matter of a data-set card: what Hugging Face reads. Keys that are computed are written anew; all others are people's, and stay as they are.
// Source: the data-set card's metadata as Hugging Face documents it (datasetcard.md of hub-docs)
import { Document, isMap, parseDocument, type YAMLMap } from 'yaml';
import { PlumbError } from '../base/errors.ts';
import type { LockEntry } from '../datasets/schema.ts';

export type RowsEntry = Exclude<LockEntry, { format: 'files' }>;

/** Keys that are ours alone; and those that are ours until somebody writes them. */
const computed = ['size_categories', 'configs', 'dataset_info'];
const suggested = ['pretty_name', 'license', 'task_categories'];

export interface HeadFacts {
  readonly name: string;
  readonly entry: RowsEntry;
  /** where the card lies: its folders down from the project, '' or 'cards/' */
  readonly folder: string;
  /** the one licence that all rows have, or null */
  readonly licence: string | null;
}

/** @param old front matter of the card that is there, without its lines of dashes; '' for none @throws PlumbError CONFIG_INVALID */
export function cardHead(facts: HeadFacts, old: string, path: string): string {
  const { document, contents } = openHead(old, path);
  const ours = metadataOf(facts);
  for (const key of suggested) if (!contents.has(key) && ours[key] !== undefined) contents.set(key, document.createNode(ours[key]));
  // a key keeps its place: a card that is made anew from itself stays as it is
  for (const key of computed) {
    if (ours[key] === undefined) contents.delete(key);
    else contents.set(key, document.createNode(ours[key]));
  }
  return document.toString({ lineWidth: 0 });
}

function openHead(old: string, path: string): { document: Document; contents: YAMLMap } {
  const document: Document = old.trim() === '' ? new Document({}) : parseDocument(old, { uniqueKeys: true });
  const [error] = document.errors;
  if (error === undefined && isMap(document.contents)) return { document, contents: document.contents };
  throw new PlumbError('CONFIG_INVALID', {
    what: `the front matter of ${path} is no mapping of YAML${error === undefined ? '' : `: ${error.message.split('\n')[0]}`}`,
    where: { file: path, ...(error?.linePos === undefined ? {} : { line: error.linePos[0].line + 1 }) },
    mend: 'correct what stands between its lines of dashes, or delete the file: it is made anew',
  });
}

function metadataOf({ name, entry, folder, licence }: HeadFacts): Record<string, unknown> {
  const split = splitOf(name);
  const up = '../'.repeat(folder.split('/').filter((part) => part !== '').length);
  const features = featuresOf(entry);
  const size = { num_bytes: entry.bytes, num_examples: entry.rows };
  return {
    pretty_name: name,
    license: licence?.toLowerCase(),
    task_categories: entry.label !== undefined && hasText(entry) ? ['text-classification'] : undefined,
    size_categories: [sizeCategory(entry.rows)],
    configs: [{ config_name: 'default', data_files: [{ split, path: up + entry.path }] }],
    dataset_info: {
      ...(features === null ? {} : { features }),
      splits: [{ name: split, ...size }],
      download_size: entry.bytes,
      dataset_size: entry.bytes,
    },
  };
}

/** What Hugging Face takes for a split's name: the data set says by its own which one it is. */
function splitOf(name: string): 'train' | 'test' | 'validation' {
  if (/(^|[-_.])(test|eval)$/.test(name)) return 'test';
  return /(^|[-_.])(val|validation|dev)$/.test(name) ? 'validation' : 'train';
}

const types: Readonly<Record<string, string>> = { string: 'string', integer: 'int64', number: 'float64', boolean: 'bool' };

/** null: a column is of a type that has no name there without its inside being known */
function featuresOf({ schema }: RowsEntry): { name: string; dtype: string }[] | null {
  const columns = Object.entries(schema).map(([name, type]) => ({ name, dtype: types[type.replace('?', '')] }));
  return columns.every((column): column is { name: string; dtype: string } => column.dtype !== undefined) ? columns : null;
}

function hasText({ schema, key, label }: RowsEntry): boolean {
  return Object.entries(schema).some(([name, type]) => name !== key && name !== label && type.startsWith('string'));
}

/** '10K<n<100K' */
export function sizeCategory(rows: number): string {
  const steps: [number, string][] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
    [1e7, '1M<n<10M'],
    [1e8, '10M<n<100M'],
    [1e9, '100M<n<1B'],
    [1e10, '1B<n<10B'],
    [1e11, '10B<n<100B'],
    [1e12, '100B<n<1T'],
  ];
  return steps.find(([most]) => rows < most)?.[1] ?? 'n>1T';
}

/** A card in its two parts. @param text of the file; null: there is none */
export function splitCard(text: string | null): { head: string; body: string } {
  const found = /^---\r?\n([\s\S]*?)\r?\n?---\r?\n([\s\S]*)$/.exec(text ?? '');
  return { head: found?.[1] ?? '', body: found?.[2] ?? text ?? '' };
}
