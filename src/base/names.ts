import { distance } from 'fastest-levenshtein';
import { PlumbError } from './errors.ts';

const name = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u;

/** Names of data sets, stages, models: letters and digits of any script, '_', '-', '.'; no slash, no leading '-' or '.', at most 100; not '__proto__'. */
export function isName(text: string): boolean {
  return name.test(text) && !text.includes('..') && !text.endsWith('.') && text !== '__proto__';
}

/** @throws PlumbError NAME_INVALID */
export function checkName(kind: string, text: string): string {
  if (isName(text)) return text;
  throw new PlumbError('NAME_INVALID', {
    what: `"${text.slice(0, 120)}" cannot be the name of a ${kind}`,
    mend: 'use letters, digits, "_", "-" and "." (not first), at most 100 characters',
  });
}

/** The candidate that a mistyped word most likely meant: one of nearly the same letters, else one that it writes out ("minimum", of "min"); undefined: none. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  const candidates = [...names];

  let best: string | undefined;
  let least = (word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1;
  for (const candidate of candidates) {
    const cost = distance(word.toLowerCase(), candidate.toLowerCase());
    if (cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best ?? candidates.filter((one) => one.length >= 3 && word.toLowerCase().startsWith(one.toLowerCase())).toSorted(byLength)[0];
}

function byLength(a: string, b: string): number {
  return b.length - a.length;
}

/** 'a, b, c', and of many the first 30 and how many more: a list that ends without a word says that what it leaves out is not there. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length <= 30 ? all.join(', ') : `${all.slice(0, 30).join(', ')} and ${all.length - 30} more`;
}

/** ' Did you mean "x"?' or ''. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : ` Did you mean "${found}"?`;
}
