// Is it a manifest? Checked by hand, not by zod: `plumb run` reads manifests and must answer at once.
import { isDigest } from '../base/digest.ts';
import type { Manifest } from './schema.ts';

/** @returns the manifest, or what is wrong with the text, as the end of a sentence that begins with 'it is no manifest: ' */
export function parseManifest(text: string): { readonly manifest: Manifest } | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const fault = faultOf(value);
  return fault === null ? { manifest: value as Manifest } : { fault };
}

type Fields = Partial<Record<string, unknown>>;

function faultOf(value: unknown): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'it is not an object of JSON';
  const manifest = value as Fields;
  if (manifest['plumbline'] !== 'manifest/1') return 'it does not say manifest/1';
  if (!isCount(manifest['bytes'])) return 'its bytes are not what they should be';
  if (manifest['kind'] === 'files')
    return isCount(manifest['files']) && isDigest(manifest['tree']) ? null : 'its files or tree are not what they should be';
  if (manifest['kind'] !== 'rows') return 'its kind is neither rows nor files';
  return isRows(manifest) ? null : 'its format, rows, schema, content or tree are not what they should be';
}

function isRows({ format, rows, schema, content, tree, key, label, labels }: Fields): boolean {
  const known = format === 'jsonl' || format === 'csv' || format === 'parquet';
  const columns = [key, label].every((column) => column === undefined || typeof column === 'string');
  const isSchema = schema !== null && typeof schema === 'object' && Object.values(schema).every((type) => typeof type === 'string');
  const counted = labels === undefined || (Array.isArray(labels) && labels.every(isLabelCount));
  return known && columns && counted && isSchema && isCount(rows) && isDigest(content) && (tree === undefined || isDigest(tree));
}

function isLabelCount(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && isCount(pair[1]);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
