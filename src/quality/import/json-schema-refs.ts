// $ref of JSON Schema, written out. What leads back to itself, or out of the file, has no end that a rule could say.
import { isMapping, refuse, type Mapping } from './imported.ts';

const deepest = 60;
const mostParts = 20_000;

/**
 * A part of a schema with every reference in it replaced by what it names.
 * @param root the whole schema
 * @throws Refused
 */
export function writtenOut(part: unknown, root: Mapping): unknown {
  // a kilobyte of references to references can stand for a billion parts
  let parts = 0;
  const written = (of: unknown, depth: number): unknown => {
    if (depth > deepest || (parts += 1) > mostParts) return refuse('its $ref leads back to itself, or to more than anybody writes');
    if (Array.isArray(of)) return of.map((item) => written(item, depth + 1));
    if (!isMapping(of)) return of;
    const { $ref: reference, ...beside } = of;
    const own = Object.fromEntries(Object.entries(beside).map(([name, value]) => [name, written(value, depth + 1)]));
    return reference === undefined ? own : both(own, written(atPointer(reference, root), depth + 1));
  };
  return written(part, 0);
}

/** What stands beside a $ref holds as well; a keyword that stands on both sides needs them apart. */
function both(own: Mapping, named: unknown): unknown {
  if (Object.keys(own).length === 0 || !isMapping(named)) return named;
  const clash = Object.keys(own).some((name) => Object.hasOwn(named, name) && name !== 'title' && name !== 'description');
  return clash ? { allOf: [named, own] } : { ...named, ...own };
}

function atPointer(reference: unknown, root: Mapping): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return refuse(`its $ref ${JSON.stringify(reference)} leads out of the file`);
  const steps = reference.slice(1).split('/').slice(1);
  let at: unknown = root;
  for (const step of steps) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    const inner = Array.isArray(at) ? at[Number(name)] : isMapping(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    if (inner === undefined) return refuse(`its $ref ${JSON.stringify(reference)} names nothing`);
    at = inner;
  }
  return at;
}
