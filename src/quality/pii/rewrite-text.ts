// What stands in the place of a find.
import { valueHash, type PiiKey } from './key.ts';
import { createSurrogates, type Surrogates } from './surrogate.ts';
import type { Treatment } from './treatment.ts';

/** What is put in the place of a value. */
export type Replace = (entity: string, value: string, treatment: Treatment) => string;

export interface Replacing {
  readonly replace: Replace;
  /** entity -> values whose stand-in is that of another, too; see Surrogates */
  readonly shared: Surrogates['shared'];
}

/** @param key needed for hash and surrogate */
export function createReplace(key: PiiKey | null): Replacing {
  const surrogate = key === null ? null : createSurrogates(key);
  const replace: Replace = (entity, value, { action, keepLast }) => {
    switch (action) {
      case 'redact':
        return `<${entity}>`;
      case 'mask':
        return masked(value, keepLast);
      case 'hash':
        if (key === null) throw new Error('a hash without a key');
        return `<${entity}:${valueHash(key, entity, value)}>`;
      case 'surrogate':
        if (surrogate === null) throw new Error('a stand-in without a key');
        return surrogate.of(entity, value);
      case 'flag':
      case 'keep':
        return value;
    }
  };
  return { replace, shared: surrogate?.shared ?? new Map() };
}

/** Letters and digits become stars; what separates them stays. */
function masked(value: string, keepLast: number): string {
  const characters = [...value];
  let seen = 0;
  for (let at = characters.length - 1; at >= 0; at -= 1) {
    if (!/[\p{L}\p{M}\p{N}]/u.test(characters[at] ?? '')) continue;
    seen += 1;
    if (seen > keepLast) characters[at] = '*';
  }
  return characters.join('');
}

/** A text with finds replaced. @param spans in the order of the text, apart from each other; UTF-16 units */
export function replaceSpans(text: string, spans: readonly { readonly start: number; readonly end: number; readonly by: string }[]): string {
  let made = '';
  let done = 0;
  for (const { start, end, by } of spans) {
    made += text.slice(done, start) + by;
    done = end;
  }
  return made + text.slice(done);
}
