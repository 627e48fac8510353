// Canonical JSON: equal values are equal bytes, so that a digest of a value means something.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * JSON with keys sorted by UTF-16 code units, no white space, no undefined. Numbers and strings as ECMAScript prints them.
 * @throws Error for NaN, infinities and lone surrogates, which have no JSON form that every reader agrees on
 * Source: RFC 8785 (JCS)
 */
export function canonicalJson(value: Json): string {
  return textOf(value, '');
}

/** The same value as a text file: canonical order, two spaces, a newline at the end; for files that people read in git. */
export function canonicalJsonFile(value: Json): string {
  return `${textOf(value, '\n')}\n`;
}

/**
 * Written key by key: an object of JavaScript has keys like "10" in the order of numbers, whatever the order in which they were put in.
 * @param line what begins a line: a line end with the spaces before what encloses the value; '' for one line
 */
function textOf(value: Json, line: string): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`canonical JSON has no ${value}`);
  if (typeof value === 'string') return textOfString(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = line === '' ? '' : `${line}  `;
  if (Array.isArray(value)) {
    const items = value.map((item: Json | undefined) => inner + textOf(item ?? null, inner));
    return items.length === 0 ? '[]' : `[${items.join(',')}${line}]`;
  }
  const object = value as { readonly [key: string]: Json | undefined };
  const colon = line === '' ? ':' : ': ';
  const fields: string[] = [];
  for (const key of Object.keys(object).toSorted(byCodeUnit)) {
    const field = object[key];
    if (field !== undefined) fields.push(inner + textOfString(key) + colon + textOf(field, inner));
  }
  return fields.length === 0 ? '{}' : `{${fields.join(',')}${line}}`;
}

function textOfString(text: string): string {
  if (!text.isWellFormed()) throw new Error('canonical JSON has no lone surrogates');
  return JSON.stringify(text);
}

/** Order of keys and names everywhere: UTF-16 code units, so no locale of a machine changes bytes. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
