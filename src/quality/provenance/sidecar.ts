// The sidecar of a data set: the data set <name>.provenance, a JSONL file beside the data, written canonically: what is known alike is the same bytes.
import { byCodeUnit, canonicalJson } from '../../base/canonical.ts';
import { isDigest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { provenanceRowSchema, type ProvenanceRow, type ProvenanceSource } from './schema.ts';

/** 'intents' -> 'intents.provenance' */
export function sidecarName(dataset: string): string {
  return `${dataset}.provenance`;
}

/** @param datasets names of all that there are */
export function isSidecar(name: string, datasets: readonly string[]): boolean {
  return datasets.some((dataset) => sidecarName(dataset) === name);
}

/** 'data/intents.parquet' -> 'data/intents.provenance.jsonl' */
export function sidecarPath(path: string): string {
  return `${path.replace(/\.(jsonl|ndjson|csv|parquet)$/i, '')}.provenance.jsonl`;
}

/** The line of a row, with its end. */
export function provenanceLine({ row, sources, reviewed, pii, made }: ProvenanceRow): string {
  const more = { ...(reviewed === undefined ? {} : { reviewed }), ...(pii === undefined ? {} : { pii }), ...(made === undefined ? {} : { made }) };
  return `${JSON.stringify({ row, sources, ...more })}\n`;
}

/** Sorted, each once. */
export function joinSources(...lists: readonly (readonly ProvenanceSource[])[]): ProvenanceSource[] {
  return distinct(lists.flat());
}

/** What two sidecars say of one row, together; of what people and checks decided `later` says the last word. */
export function joinProvenance(earlier: ProvenanceRow, later: ProvenanceRow): ProvenanceRow {
  const made = distinct([...(earlier.made ?? []), ...(later.made ?? [])]);
  return { ...earlier, ...later, sources: joinSources(earlier.sources, later.sources), ...(made.length === 0 ? {} : { made }) };
}

function distinct<T extends Parameters<typeof canonicalJson>[0]>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [canonicalJson(value), value])).entries()]
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([, value]) => value);
}

/**
 * Rows of a sidecar in batches, each with its number.
 * @throws PlumbError PROVENANCE_INVALID, and as readRowBatches
 */
export async function* readSidecar(
  { path, format, name }: Pick<RowSource, 'path' | 'format' | 'name'>,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<ProvenanceRow[]> {
  for await (const batch of readRowBatches(path, format, { ...options, name }))
    yield batch.map(({ row, value }) => parseProvenance(value, name, row));
}

/** @throws PlumbError PROVENANCE_INVALID */
export function parseProvenance(value: Record<string, unknown>, name: string, number: number): ProvenanceRow {
  if (isPlain(value)) return value;
  const result = provenanceRowSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new PlumbError('PROVENANCE_INVALID', {
    what: `row ${number} of ${name} is not provenance/1: ${issue?.path.map(String).join('.') || 'it'}: ${issue?.message ?? 'has another shape'}`,
    where: { file: name, row: number },
    mend: 'restore the sidecar from git, or write it anew with `plumb provenance record`',
  });
}

/** The common case of provenanceRowSchema, at the speed of a line; all else is asked of the schema. */
function isPlain(value: Record<string, unknown>): value is ProvenanceRow {
  const { row, sources } = value;
  if (!isDigest(row) || !Array.isArray(sources)) return false;
  return sources.every(isPlainSource) && Object.keys(value).every((name) => name === 'row' || name === 'sources');
}

const sourceFields: ReadonlySet<string> = new Set(['source', 'document', 'created', 'annotator', 'licence']);

function isPlainSource(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return 'source' in value && Object.entries(value).every(([name, field]) => sourceFields.has(name) && typeof field === 'string' && field !== '');
}

/** That a row stands in a sidecar twice. */
export function standsTwice(name: string, row: string): PlumbError {
  return new PlumbError('PROVENANCE_INVALID', {
    what: `${name} has the row ${row} twice`,
    where: { file: name },
    mend: 'keep one line of it: `plumb add` with `--key row` finds such rows, and `plumb merge` puts two sides together',
  });
}
