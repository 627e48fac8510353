// On which side of a split a row stands. Its own key decides (and its label, where the split is stratified), never the other rows:
// a row that was in the test set stays there whatever is added, removed or reordered, and no training row turns into a test row.
import { hash } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';

export type Side = 'train' | 'test' | 'validation';

/** Shares of all rows, 0 to 1, together below 1; what is left is for training. */
export interface Shares {
  readonly test: number;
  readonly validation: number;
}

/**
 * A number in [0, 1), uniform over keys: the first 48 bits of the SHA-256 of seed, label and key.
 * @param label null where the split is not stratified; with a label, each label is drawn by itself
 */
export function drawOf(key: string, label: string | null, seed: number): number {
  return Number.parseInt(hash('sha256', canonicalJson([seed, label, key]), 'hex').slice(0, 12), 16) / 2 ** 48;
}

/** Test is cut from the low end and validation from the high end, so a greater share of either takes rows from training alone. */
export function sideOf(draw: number, shares: Shares): Side {
  if (draw < shares.test) return 'test';
  return draw >= 1 - shares.validation ? 'validation' : 'train';
}
