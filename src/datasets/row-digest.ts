// The name of what a row says: provenance, reviews and findings are keyed by it, so that they follow a row from version to version and from stage to stage.
import { digestOf, type Digest } from '../base/digest.ts';
import { rowText } from './row-content.ts';

/**
 * SHA-256 of the row's columns with a value, sorted by name, each as `"name":value,` with the value as JSON: neither the order of columns, nor spacing,
 * nor a column that is null counts. The cells of a CSV are texts: the same rows as JSONL have names of their own where numbers stand in them.
 */
export function rowDigest(value: Readonly<Record<string, unknown>>): Digest {
  return digestOf(rowText(value, false));
}
