// From flagged rows to the report of a check.
import { byCodeUnit } from '../base/canonical.ts';
import { findingsSampled, severities, type CheckName, type FindingsReport, type FlaggedRow } from './findings.ts';

type Kind = FindingsReport['kinds'][number];

/** Takes rows in the order of the data: memory holds kinds, not rows. */
export class FindingsTally {
  readonly #kinds = new Map<string, Kind>();
  #flagged = 0;

  add({ row, key, findings }: FlaggedRow): void {
    if (findings.some(({ severity }) => severity !== 'info')) this.#flagged += 1;
    const seen = new Set<Kind>();
    for (const { kind, severity, column, message, other } of findings) {
      const name = JSON.stringify([kind, severity, column]);
      const tally = this.#kinds.get(name) ?? { kind, severity, column, rows: 0, findings: 0, sample: [] };
      this.#kinds.set(name, tally);
      tally.findings += 1;
      if (!seen.has(tally)) tally.rows += 1;
      seen.add(tally);
      if (tally.sample.length < findingsSampled) tally.sample.push({ row, key, message, other });
    }
  }

  /** @param head the rest of the report */
  report(head: { check: CheckName; data: string; rows: number } & Pick<FindingsReport, 'notes' | 'settings' | 'numbers'>): FindingsReport {
    const kinds = [...this.#kinds.values()].toSorted(bySeverity).map((kind) => ({ ...kind, sample: kind.sample.map(withoutAbsent) }));
    const holds = !kinds.some(({ severity }) => severity === 'error');
    return { plumbline: 'findings/1', ...head, holds, flagged: this.#flagged, kinds };
  }
}

function withoutAbsent({ other, ...entry }: Kind['sample'][number]): Kind['sample'][number] {
  return other === undefined ? entry : { ...entry, other };
}

function bySeverity(a: Kind, b: Kind): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    b.rows - a.rows ||
    byCodeUnit(a.kind, b.kind) ||
    byCodeUnit(a.column ?? '', b.column ?? '')
  );
}
