// What is wrong with the provenance of one row, as a set of bits: what a check keeps of a million rows, and what people read of one.
import type { Finding } from '../findings.ts';
import type { ProvenanceRow, Requirement } from './schema.ts';

export interface ProvenanceRules {
  readonly require: readonly Requirement[];
  /** SPDX expressions that may be used; null: any */
  readonly licences: readonly string[] | null;
}

/** kind -> what is said of a row. The place in the list is the bit. */
const kinds = [
  ['no-provenance', 'nothing is known of where it came from'],
  ['no-source', 'its provenance names no source'],
  ['no-document', 'a source of it names no document'],
  ['no-created', 'a source of it does not say when it was made'],
  ['no-annotator', 'a source of it names no annotator'],
  ['no-licence', 'a source of it has no licence'],
  ['licence', 'its licence is not among those that are allowed'],
  ['not-reviewed', 'nobody accepted it in a review'],
  ['rejected', 'it was rejected in a review'],
  ['no-pii-verdict', 'plumb/pii did not look at it'],
  ['personal-data', 'plumb/pii found personal data in it, and nobody accepted it in a review'],
] as const;
type Kind = (typeof kinds)[number][0];

const bitOf = new Map<Kind, number>(kinds.map(([kind], at) => [kind, 1 << at]));

function bit(kind: Kind): number {
  return bitOf.get(kind) ?? 0;
}

const sourceFields = ['document', 'created', 'annotator', 'licence'] as const;

/** @param row null: the sidecar has none. A row that people rejected never holds. Every source of a row must have what is required. */
export function faultsOf(row: ProvenanceRow | null, { require: required, licences }: ProvenanceRules): number {
  if (row === null) return required.length === 0 && licences === null ? 0 : bit('no-provenance');
  const { sources, reviewed, pii } = row;
  const wants = (what: Requirement): boolean => required.includes(what);
  const asksSources = licences !== null || required.some((what) => what !== 'reviewed' && what !== 'pii');
  let faults = reviewed === 'rejected' ? bit('rejected') : 0;
  if (asksSources && sources.length === 0) faults |= bit('no-source');
  for (const field of sourceFields) if (wants(field) && sources.some((source) => source[field] === undefined)) faults |= bit(`no-${field}`);
  if (licences !== null) {
    if (sources.some(({ licence }) => licence === undefined)) faults |= bit('no-licence');
    if (sources.some(({ licence }) => licence !== undefined && !licences.includes(licence))) faults |= bit('licence');
  }
  if (wants('reviewed') && reviewed !== 'accepted' && reviewed !== 'rejected') faults |= bit('not-reviewed');
  if (wants('pii') && pii === undefined) faults |= bit('no-pii-verdict');
  if (wants('pii') && pii?.verdict === 'found' && reviewed !== 'accepted') faults |= bit('personal-data');
  return faults;
}

/** @param licence of its sources, in words */
export function findingsOf(faults: number, licence: string): Finding[] {
  return kinds.flatMap(([kind, message], at) =>
    (faults & (1 << at)) === 0
      ? []
      : [
          {
            kind,
            severity: 'error' as const,
            column: null,
            message: kind === 'licence' ? `its licence (${licence}) is not among those that are allowed` : message,
          },
        ],
  );
}

// whoever wrote a licence may have written anything
// oxlint-disable-next-line no-control-regex -- they are what must not be shown
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The licences of a row's sources in words: 'MIT', 'CC-BY-4.0, MIT', 'none', 'unknown'. At most 100 characters of one line. */
export function licencesOf(row: ProvenanceRow | null): string {
  if (row === null || row.sources.length === 0) return 'unknown';
  const names = [...new Set(row.sources.map(({ licence }) => licence ?? 'none'))].toSorted();
  return names.join(', ').replaceAll(controls, '?').slice(0, 100).toWellFormed();
}
