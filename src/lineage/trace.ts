// A row from the document that it came from to the models that it trained: sidecars behind it, versions that have it, runs that read it, models, promotions.
import { isDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { loadLock } from '../datasets/lock.ts';
import type { Progress } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import { openDataset } from '../quality/provenance/carry-out.ts';
import { findRows, type FoundRow } from '../quality/provenance/find-row.ts';
import type { ProvenanceRow } from '../quality/provenance/schema.ts';
import { parseProvenance, sidecarName } from '../quality/provenance/sidecar.ts';
import type { Served } from '../registry/audit-state.ts';
import { findBranch, readLog } from '../registry/decision-log.ts';
import { collectKnownRuns, collectLineage } from './runs.ts';
import { Uses, type ModelUse, type RunUse } from './uses.ts';
import { rowsNamed, searchVersions, type MatchedVersion } from './version-rows.ts';
import { collectVersions, type DataVersion } from './versions.ts';

export interface TraceStep {
  readonly row: Digest;
  readonly from: readonly Digest[];
  readonly by: string;
}

export interface Trace {
  readonly row: Digest;
  /** where it was pointed at; null: by its digest */
  readonly found: { readonly data: string; readonly row: number; readonly key: string } | null;
  /** ways from it to the rows that it was made of, and from it to what was made of it */
  readonly steps: readonly TraceStep[];
  /** what the sidecars say of it and of the rows that it was made of, those first that were made of none */
  readonly provenance: readonly (ProvenanceRow & { readonly data: string })[];
  /** versions that have it, or a row before or after it; oldest first */
  readonly versions: readonly (Omit<MatchedVersion, 'rows' | 'entry'> & { readonly rows: number | null })[];
  readonly runs: readonly RunUse[];
  readonly models: readonly (ModelUse & { readonly served: readonly Omit<Served, 'model' | 'artifact'>[] })[];
  /** what could not be looked at: then more may be so than is told */
  readonly unknown: readonly string[];
}

interface World {
  readonly cwd: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * @param word data:key, data:number (of a data set without a key), data:#number, or the digest of a row
 * @throws PlumbError USAGE, ROW_UNKNOWN, DATASET_UNKNOWN, and what reading rows throws
 */
export async function traceRow(project: Project, word: string, world: World): Promise<Trace> {
  const found = isDigest(word) ? null : await pointAt(project, word, world);
  const row = isDigest(word) ? word : (found?.digest ?? word);
  if (!isDigest(row)) throw new Error('a row without a digest');
  const known = await collectKnownRuns(project);
  const at = { project, progress: world.progress, signal: world.signal };
  const { index, unread } = await collectLineage(known, at);
  const { versions, whole } = await collectVersions(project);
  for (const { row: one, made = [] } of (await searchSidecars(versions, ({ made: ways }) => ways !== undefined, at)).values())
    for (const { from, by } of made) index.add({ row: one, from, by });
  const before = index.ancestorsOf(row);
  const behind = new Set(before);
  const sidecars = await searchSidecars(versions, (said) => behind.has(said.row), at);
  const wanted = new Set([...before, ...index.descendantsOf([row])]);
  const matched = await matchAll(versions, wanted, at);
  const uses = new Uses(wanted, matched, known, at);
  const runs = await uses.runs();
  const there = matched.filter(({ rows }) => rows !== null && rows.size > 0);
  const provenance = before.toReversed().flatMap((one) => sidecars.get(one) ?? []);
  if (isDigest(word) && there.length + runs.length + provenance.length === 0) throw unknownRow(word);
  const log = await servedByLog(project);
  return {
    row,
    found: found === null ? null : { data: found.data, row: found.row, key: found.key },
    steps: [...wanted].flatMap((one) => index.rewritingsOf(one).map(({ from, by }) => ({ row: one, from, by }))),
    provenance,
    versions: there.map(({ rows, entry: _, ...version }) => ({
      ...version,
      rows: rows === null ? null : [...rows.values()].reduce((sum, n) => sum + n, 0),
    })),
    runs,
    models: uses
      .models()
      .map((model) => ({ ...model, served: log.served.filter((one) => one.model === model.model && one.artifact === model.artifact) })),
    unknown: [
      ...(whole ? [] : ['this clone is shallow: versions and promotions before its first commit are not told']),
      ...unreadVersions(matched),
      ...(unread.length === 0 ? [] : [`what ${unread.length} runs rewrote is not on this machine: run \`plumb fetch\``]),
      ...(known.missing.size === 0 ? [] : [`the records of ${known.missing.size} runs are nowhere`]),
      ...log.unknown,
    ],
  };
}

/** In words, one a data set. */
export function unreadVersions(versions: readonly MatchedVersion[]): string[] {
  return [...Map.groupBy(versions, ({ data }) => data)].flatMap(([data, all]) => {
    const count = all.filter(({ rows }) => rows === null).length;
    return count === 0
      ? []
      : [`the rows of ${count} of ${all.length} versions of ${data} cannot be had: neither this machine nor the remote has them`];
  });
}

async function pointAt(project: Project, word: string, world: World): Promise<FoundRow & { readonly data: string }> {
  const { datasets } = await loadLock(project);
  // names hold no colon; a key may
  const [, data = '', which = ''] = /^([^:]+):([^]+)$/.exec(word) ?? [];
  if (data === '')
    throw new PlumbError('USAGE', { what: `"${word.slice(0, 80)}" names no row`, mend: 'write data:key, data:number, or the digest of a row' });
  const { rows } = await openDataset(project, data, world);
  const { source } = rows;
  // where rows have keys a number is one: a key that is gone must not lead to whatever row stands there
  const number = (source.key === undefined ? /^#?([1-9]\d{0,14})$/ : /^#([1-9]\d{0,14})$/).exec(which)?.[1];
  const byKey = which.startsWith('#') || source.key === undefined ? [] : await findRows(source, { key: which }, world);
  const found = byKey.length > 0 || number === undefined ? byKey : await findRows(source, { row: Number(number) }, world);
  const [first] = found;
  if (first !== undefined) return { ...first, data: source.name };
  const key =
    Object.hasOwn(datasets, source.name) && source.key !== undefined ? ` with the ${source.key} "${which.slice(0, 80)}"` : ` ${which.slice(0, 80)}`;
  throw new PlumbError('ROW_UNKNOWN', {
    what: `${source.name} has no row${key}`,
    mend: '`plumb diff` shows keys; data:#3 is the third row, whatever the keys',
  });
}

function unknownRow(row: Digest): PlumbError {
  return new PlumbError('ROW_UNKNOWN', {
    what: `no version, run or sidecar that can be read here has the row ${row}`,
    mend: 'run `plumb fetch`; `plumb provenance show DATA --key KEY` tells the digest of a row',
  });
}

export async function matchAll(
  versions: readonly DataVersion[],
  wanted: ReadonlySet<Digest>,
  world: { project: Project; progress: Progress; signal: AbortSignal },
): Promise<MatchedVersion[]> {
  const matched: MatchedVersion[] = [];
  for (const [, all] of Map.groupBy(dataVersions(versions), ({ data }) => data))
    matched.push(...(await searchVersions(all, rowsNamed(wanted), world)));
  return matched;
}

/** Without sidecars, which are about rows and are none themselves. */
export function dataVersions(versions: readonly DataVersion[]): DataVersion[] {
  const names = new Set(versions.map(({ data }) => data));
  return versions.filter(({ data }) => !isSidecar(data, names));
}

export function isSidecar(data: string, names: ReadonlySet<string>): boolean {
  const of = data.replace(/\.provenance$/, '');
  return of !== data && names.has(of) && sidecarName(of) === data;
}

/** Rows of any version of any sidecar that somebody wants; of several versions that say something of a row, the newest. */
export async function searchSidecars(
  versions: readonly DataVersion[],
  wants: (said: ProvenanceRow) => boolean,
  world: { readonly project: Project; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Map<Digest, ProvenanceRow & { data: string }>> {
  const said = new Map<Digest, ProvenanceRow & { data: string }>();
  const names = new Set(versions.map(({ data }) => data));
  const sidecars = Map.groupBy(
    versions.filter(({ data }) => isSidecar(data, names)),
    ({ data }) => data,
  );
  for (const [sidecar, all] of sidecars) {
    const data = sidecar.replace(/\.provenance$/, '');
    const match = (value: Record<string, unknown>): ProvenanceRow | undefined => {
      const row = parseProvenance(value, sidecar, 0);
      return wants(row) ? row : undefined;
    };
    await searchVersions(all, { match, found: (row) => void said.set(row.row, { ...row, data }) }, world);
  }
  return said;
}

/** What the log of decisions serves, where there is one that holds. */
async function servedByLog({ git, prefix, config }: Project): Promise<{ served: Served[]; unknown: string[] }> {
  const ref = await findBranch(git, 'plumb/audit').catch(() => null);
  const main = (await git.resolve(`refs/heads/${config.main}`)) ?? (await git.resolve(`refs/remotes/origin/${config.main}`));
  if (ref === null || main === null) return { served: [], unknown: [] };
  const log = await readLog({ git, prefix, ref, main });
  const [fault] = log.findings;
  return { served: log.allServed(), unknown: fault === undefined ? [] : [`the log of decisions does not hold: ${fault.what}`] };
}
