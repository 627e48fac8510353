// Which decisions an auditor looks at: of a period, of a model, or some of them by lot.
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { files } from '../project/layout.ts';
import type { LogRecord } from '../registry/decision-log.ts';

export interface Selection {
  /** RFC 3339 in UTC, both inclusive; null: from the first, to the last */
  readonly from: string | null;
  readonly to: string | null;
  /** null: all */
  readonly model: string | null;
}

export const everything: Selection = { from: null, to: null, model: null };

export function selectRecords(records: readonly LogRecord[], { from, to, model }: Selection): LogRecord[] {
  return records.filter(({ decision, subject }) => {
    const at = Date.parse(decision.at);
    if ((from !== null && at < Date.parse(from)) || (to !== null && at > Date.parse(to))) return false;
    return (
      model === null ||
      decision.moves.some((move) => move.model === model) ||
      subject.some(({ name }) => name.startsWith(`${files.models}/${model}/`))
    );
  });
}

/**
 * Some of them by lot. The lot of a record is the SHA-256 of the seed, a colon and the digest of the record: the smallest are drawn. So whoever has the
 * seed draws the same with `sha256sum`, and whoever wrote the log could not know the seed.
 * @returns by number
 */
export function sampleRecords(records: readonly LogRecord[], size: number, seed: string): LogRecord[] {
  return records
    .map((record) => ({ record, lot: lotOf(seed, record.digest) }))
    .toSorted((a, b) => byCodeUnit(a.lot, b.lot))
    .slice(0, size)
    .map(({ record }) => record)
    .toSorted((a, b) => a.decision.seq - b.decision.seq);
}

function lotOf(seed: string, record: Digest): string {
  return hexOf(digestOf(`${seed}:${hexOf(record)}`));
}
