// Canonical JSON: equal values are equal bytes, so that a digest of a value means something.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * JSON with keys sorted by UTF-16 code units, no white space, no undefined. Numbers and strings as ECMAScript prints them.
 * @throws Error for NaN, infinities and lone surrogates, which have no JSON form that every reader agrees on
 * Source: RFC 8785 (JCS)
 */
export function canonicalJson(value: Json): string {
  return JSON.stringify(sorted(value));
}

/** The same value as a text file: canonical order, two spaces, a newline at the end; for files that people read in git. */
export function canonicalJsonFile(value: Json): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`;
}

function sorted(value: Json | undefined): Json | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`canonical JSON has no ${value}`);
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error('canonical JSON has no lone surrogates');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json | undefined) => sorted(item ?? null) as Json);
  const object = value as { readonly [key: string]: Json | undefined };
  const copy: Record<string, Json | undefined> = Object.create(null);
  for (const key of Object.keys(object).toSorted(byCodeUnit)) {
    if (!key.isWellFormed()) throw new Error('canonical JSON has no lone surrogates');
    copy[key] = sorted(object[key]);
  }
  return copy;
}

/** Order of keys and names everywhere: UTF-16 code units, so no locale of a machine changes bytes. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
