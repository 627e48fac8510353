// plumb/dups: rows that say what an earlier one says. Report, flagged rows and what is left are written first; then errors end the step.
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { Step, StepContext, StepResult } from '../../base/step.ts';
import { readWrittenRows } from '../../datasets/written-rows.ts';
import { inputOfStep, worldOfStep, type CheckedRows } from '../checked-rows.ts';
import { describeFindings } from '../findings-text.ts';
import type { FindingsReport } from '../findings.ts';
import { writeFlagged } from '../flagged-file.ts';
import { lineageLine, lineageOutput } from '../provenance/lineage.ts';
import { waiversOfStep } from '../waivers.ts';
import { judgeDuplicates, type Duplicates } from './judge.ts';
import { duplicateArguments, duplicateSettings, type DuplicateArguments } from './settings.ts';

/** The built-in step. Outputs: report, findings/1; flagged, flagged/1; with `action: drop` data, the rows that are kept, and lineage, lineage/1. */
export const dups: Step<DuplicateArguments, null> = {
  uses: 'plumb/dups',
  version: 1,
  summary: 'find rows that say the same, exactly or nearly, and labels that differ; keep the first of each if asked',
  with: duplicateArguments,
  params: null,
  ports: ({ data, action, waivers }) =>
    Promise.resolve({
      inputs: { data: { kind: 'data', ref: data }, ...waiversOfStep.input(waivers) },
      outputs: {
        report: 'duplicates.json',
        flagged: 'flagged.jsonl',
        ...(action === 'drop' ? { data: 'data.jsonl', ...lineageOutput } : {}),
      },
    }),
  lastDays: waiversOfStep.lastDays,
  run: runDups,
};

async function runDups(context: StepContext<DuplicateArguments, null>): Promise<StepResult> {
  const world = worldOfStep(context);
  const rows = await inputOfStep(context, 'data', world);
  const { data: _, action: __, waivers: ___, ...settings } = context.with;
  const found = await judgeDuplicates(rows, duplicateSettings.parse(settings), world, await waiversOfStep.open(context));
  const { report, flagged, data, lineage } = context.outputs;
  if (report === undefined || flagged === undefined) throw new Error('plumb/dups was started without its outputs');
  await writeFile(report, canonicalJsonFile(found.report));
  await writeFlagged(flagged, found.flagged());
  if (data !== undefined && lineage !== undefined) await writeKept(rows, found, { data, lineage }, context.signal);
  for (const line of describeFindings(found.report, 3)) context.log(line);
  if (!found.report.holds) throw duplicatesFound(found.report);
  return { metrics: { rows: found.report.rows, ...found.report.numbers }, measured: {} };
}

async function writeKept(
  { source }: CheckedRows,
  found: Duplicates,
  paths: { readonly data: string; readonly lineage: string },
  signal: AbortSignal,
): Promise<void> {
  const kept = async function* (): AsyncGenerator<Buffer> {
    for await (const { row, bytes } of readWrittenRows(source.path, source.format, { signal, name: source.name }))
      if (found.keptFor(row.row) === null) yield bytes;
  };
  await pipeline(Readable.from(kept()), createWriteStream(paths.data));
  await writeFile(paths.lineage, [...standsFor(found)].join(''));
}

/** A kept row stands for those that say the same; one that is only nearly the same goes, and leaves nothing. */
function* standsFor(found: Duplicates): Generator<string> {
  const rows = new Map<number, { readonly kept: Digest; readonly from: Digest[] }>();
  for (const { row, digest } of found.flagged()) {
    const kept = found.keptFor(row);
    if (kept === null || kept.near) continue;
    const known = rows.get(kept.row);
    if (known === undefined) rows.set(kept.row, { kept: kept.digest, from: [kept.digest, digest] });
    else known.from.push(digest);
  }
  for (const [, { kept, from }] of [...rows].toSorted(([a], [b]) => a - b)) yield lineageLine(kept, from, 'plumb/dups drop');
}

/** DUPLICATES_FOUND names kinds, rows and what they repeat. */
export function duplicatesFound(report: FindingsReport): PlumbError {
  const errors = { ...report, kinds: report.kinds.filter(({ severity }) => severity === 'error') };
  return new PlumbError('DUPLICATES_FOUND', {
    what: `${report.data}: ${describeFindings(errors, 3).join('; ')}`,
    mend: 'correct or take out the rows, lower the severity in `severities` when they are right as they are, or have a waiver reviewed (docs/duplicates.md)',
    details: { kinds: errors.kinds.map(({ kind, rows }) => ({ kind, rows })) },
  });
}
