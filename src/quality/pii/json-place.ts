// Where a value stands in a text of JSON: a row is rewritten there, and all else of its bytes stays.
import type { CellPath } from './cells.ts';

/**
 * @param json parses
 * @returns first and last place (end exclusive, UTF-16 units) of the value at a path; of a key that stands twice the last one, as JSON.parse has it; null: none
 */
export function placeInJson(json: string, path: CellPath): [number, number] | null {
  let at = skipBlank(json, 0);
  for (const step of path) {
    const found = json.charAt(at) === '{' ? memberAt(json, at, step) : json.charAt(at) === '[' ? itemAt(json, at, step) : null;
    if (found === null) return null;
    at = found;
  }
  return [at, endOfValue(json, at)];
}

function memberAt(json: string, open: number, wanted: string | number): number | null {
  let found: number | null = null;
  let at = skipBlank(json, open + 1);
  while (json.charAt(at) === '"') {
    const end = endOfString(json, at);
    const isWanted = JSON.parse(json.slice(at, end)) === wanted;
    at = skipBlank(json, skipBlank(json, end) + 1);
    if (isWanted) found = at;
    at = skipBlank(json, endOfValue(json, at));
    if (json.charAt(at) !== ',') break;
    at = skipBlank(json, at + 1);
  }
  return found;
}

function itemAt(json: string, open: number, wanted: string | number): number | null {
  let at = skipBlank(json, open + 1);
  for (let nth = 0; at < json.length && json.charAt(at) !== ']'; nth += 1) {
    if (nth === wanted) return at;
    at = skipBlank(json, endOfValue(json, at));
    if (json.charAt(at) === ',') at = skipBlank(json, at + 1);
  }
  return null;
}

function skipBlank(json: string, from: number): number {
  let at = from;
  while (json.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

function endOfString(json: string, open: number): number {
  let at = open + 1;
  while (at < json.length && json.charAt(at) !== '"') at += json.charAt(at) === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length;) {
    const sign = json.charAt(at);
    if (sign === '"') {
      at = endOfString(json, at);
      if (depth === 0) return at;
    } else if (sign === '{' || sign === '[') {
      depth += 1;
      at += 1;
    } else if (sign === '}' || sign === ']') {
      if (depth === 0) return at;
      depth -= 1;
      at += 1;
      if (depth === 0) return at;
    } else if (depth === 0 && (sign === ',' || sign <= ' ')) return at;
    else at += 1;
  }
  return json.length;
}
