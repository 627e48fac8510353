// What the records of a log say about one stage: which pointers are served, which moved together, and what was served before.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import type { LogRecord } from '../registry/decision-log.ts';
import type { Stage } from '../registry/schema.ts';
import { readPointerAt, type NamedModel, type PointerReading, type PointerScope } from './pointers.ts';

/** A pointer as a record puts it into the stage. */
interface Placed {
  /** SHA-256 of the pointer's bytes */
  readonly pointer: Digest;
  readonly artifact: Digest;
  readonly commit: Oid;
  /** number of the record */
  readonly seq: number;
}

/** Model -> pointer, after these records. What was revoked is still placed: whoever serves says so of it. */
function placedBy(records: readonly LogRecord[], stage: Stage): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  for (const { decision } of records) {
    for (const { model, pointer, served, to, stage: of } of decision.moves) {
      if (!served || of !== stage) continue;
      if (pointer === null || to === null) placed.delete(model);
      else placed.set(model, { pointer, artifact: to, commit: decision.commit, seq: decision.seq });
    }
  }
  return placed;
}

/**
 * The pointers that a verified log says are served, read where it says, and only where their bytes are the ones that it is about.
 * @throws PlumbError GIT_FAILED
 */
export async function readServed(
  git: Git,
  {
    records,
    main,
    revoked,
    scope,
  }: { readonly records: readonly LogRecord[]; readonly main: Oid; readonly revoked: ReadonlySet<Digest>; readonly scope: PointerScope },
): Promise<PointerReading> {
  const named = new Map<string, NamedModel>();
  const broken = new Map<string, PlumbError>();
  const units = new Map<number, string[]>();
  for (const [name, place] of placedBy(records, scope.stage)) {
    if (scope.model !== undefined && scope.model !== name) continue;
    units.set(place.seq, [...(units.get(place.seq) ?? []), name]);
    try {
      named.set(name, await readPointerAt(git, { name, ...place }, scope));
    } catch (error) {
      if (!isPlumbError(error, 'POINTER_INVALID')) throw error;
      broken.set(name, error);
    }
  }
  return { commit: main, named, broken, units: [...units.values()].filter((names) => names.length > 1), revoked };
}

/** What these models were before the last records, as they stood together, newest first. */
export async function* earlierServed(
  git: Git,
  { records, names, scope }: { readonly records: readonly LogRecord[]; readonly names: readonly string[]; readonly scope: PointerScope },
): AsyncGenerator<ReadonlyMap<string, NamedModel>> {
  const about = (record: LogRecord): boolean =>
    record.decision.moves.some((move) => move.served && move.stage === scope.stage && names.includes(move.model));
  for (let end = records.length - 1; end > 0; end -= 1) {
    const record = records[end];
    if (record === undefined || !about(record)) continue;
    const models = new Map<string, NamedModel>();
    for (const [name, place] of placedBy(records.slice(0, end), scope.stage)) {
      if (!names.includes(name)) continue;
      const model = await readPointerAt(git, { name, ...place }, scope).catch(() => null);
      if (model !== null) models.set(name, model);
    }
    yield models;
  }
}
