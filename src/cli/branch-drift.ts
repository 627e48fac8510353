// Whether a branch moves its data: each data set whose rows changed beside the same of the base. No stage asks for it, for a stage knows no base.
import { isPlumbError } from '../base/errors.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { isSidecar } from '../quality/provenance/sidecar.ts';
import { driftPart, type CheckPart } from '../report/check-parts.ts';
import type { DataPart } from '../report/parts.ts';
import type { Cli } from './command.ts';

interface Asked {
  readonly base: Oid;
  readonly data: readonly DataPart[];
  readonly lock: Lock;
  readonly warnings: string[];
}

/** Of what did not drift nothing is told: nobody asked. */
export async function driftSince(project: Project, { base, data, lock, warnings }: Asked, cli: Cli): Promise<CheckPart[]> {
  const parts: CheckPart[] = [];
  for (const part of data) {
    if (!mayHaveDrifted(part, lock)) continue;
    try {
      const told = await compare(project, part.name, base, cli);
      if (told !== null) parts.push(told);
    } catch (error) {
      if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
      warnings.push(`whether ${part.name} drifted from the base is not known: ${error.message}`);
    }
  }
  return parts;
}

/** Where so small a share of the rows is another, no share of a value moves by as much as is told. */
const leastShare = 0.01;

function mayHaveDrifted({ name, before, after, rowsBefore, rowsAfter, added, removed, edited }: DataPart, lock: Lock): boolean {
  const isOfRows = lock.datasets[name] !== undefined && lock.datasets[name].format !== 'files' && !isSidecar(name, Object.keys(lock.datasets));
  if (before === null || after === null || !isOfRows || rowsBefore === 0 || rowsAfter === 0) return false;
  return added + removed + edited >= leastShare * Math.max(rowsBefore, rowsAfter);
}

async function compare(project: Project, name: string, base: Oid, { cwd, progress, signal }: Cli): Promise<CheckPart | null> {
  const [{ openCheckedData }, { judgeDrift }, { driftSettingsSchema }] = await Promise.all([
    import('../quality/checked-data.ts'),
    import('../quality/drift/judge.ts'),
    import('../quality/drift/schema.ts'),
  ]);
  const now = await openCheckedData(project, name, { cwd, progress, signal });
  const before = await openCheckedData(project, name, { cwd, progress, signal, rev: base });
  const asked = { columns: null, settings: driftSettingsSchema.parse({}), severity: 'warning' as const };
  const { report } = await judgeDrift(now.rows, [{ ...before, what: 'the base' }], asked, now.world);
  return report.drifted === 0 ? null : { kind: 'drift', part: driftPart(report) };
}
