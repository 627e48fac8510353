// Which runs stand behind a model: those that made it, and those that had to end well before (the checks of its rows among them).
import type { Digest } from '../base/digest.ts';
import type { RunRecord } from '../pipeline/run-record.ts';

/** Runs that this one took an input from. */
export function inputRuns(record: RunRecord): Digest[] {
  return Object.values(record.inputs).flatMap((input) => (input.run === undefined ? [] : [input.run]));
}

/** Those, and the runs of all stages that had to end well before it. */
export function earlierRuns(record: RunRecord): Digest[] {
  return [...new Set([...inputRuns(record), ...Object.values(record.after)])];
}

/** Some runs and all that came before them, as far as they are known. @param before which runs those are: `inputRuns` or `earlierRuns` */
export function chainOf(
  roots: readonly Digest[],
  known: ReadonlyMap<Digest, RunRecord>,
  before: (record: RunRecord) => readonly Digest[],
): Map<Digest, RunRecord> {
  const chain = new Map<Digest, RunRecord>();
  const visit = (digest: Digest): void => {
    const record = known.get(digest);
    if (record === undefined || chain.has(digest)) return;
    chain.set(digest, record);
    for (const run of before(record)) visit(run);
  };
  for (const root of roots) visit(root);
  return chain;
}
