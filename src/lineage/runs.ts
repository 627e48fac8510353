// Every run that this repository knows of: those of this machine, those in the evidence of any pointer that git has or had, and all that came before them.
import { basename } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import { readableRecord, RunLog } from '../pipeline/records.ts';
import { runRecordSchema, type RunOutput, type RunRecord } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { LineageIndex } from '../quality/provenance/lineage-index.ts';
import { lineageOutput, readLineage } from '../quality/provenance/lineage.ts';
import { evidenceOf, evidenceFault } from '../registry/evidence.ts';
import { parsePointer, placeOf, pointerText } from '../registry/pointer.ts';
import { earlierRuns } from '../registry/run-chain.ts';
import type { Pointer } from '../registry/schema.ts';

/** A pointer as a commit of some branch brought it. */
export interface SeenPointer {
  readonly pointer: Pointer;
  readonly commit: Oid;
  readonly date: Date;
}

export interface KnownRuns {
  readonly runs: ReadonlyMap<Digest, RunRecord>;
  /** each content of each pointer once, by its oldest commit; oldest first */
  readonly pointers: readonly SeenPointer[];
  /** runs that others name and whose records are nowhere */
  readonly missing: ReadonlySet<Digest>;
}

/** Cost: one walk over the history of models/ a branch, and a read of each distinct file there. */
export async function collectKnownRuns(project: Project): Promise<KnownRuns> {
  const runs = new Map<Digest, RunRecord>();
  const pointers = await readModels(project, runs);
  const wanted = (await new RunLog(project.localDir).read()).map(({ run }) => run);
  const missing = new Set<Digest>();
  const sought = [...new Set([...wanted, ...[...runs.values()].flatMap(earlierRuns)])];
  for (let digest = sought.pop(); digest !== undefined; digest = sought.pop()) {
    if (runs.has(digest) || missing.has(digest)) continue;
    const found = await readableRecord(project.store, digest);
    if (found === undefined) missing.add(digest);
    else {
      runs.set(digest, found.record);
      sought.push(...earlierRuns(found.record));
    }
  }
  return { runs, pointers, missing };
}

async function readModels({ git, prefix }: Project, runs: Map<Digest, RunRecord>): Promise<SeenPointer[]> {
  const pointers = new Map<string, SeenPointer>();
  const commits = new Set<Oid>();
  for (const tip of new Set((await git.tips()).map(({ commit }) => commit))) {
    const changes = await git.logChanges(tip, { path: prefix + files.models }).catch((error: unknown) => {
      if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return [];
      throw error;
    });
    for (const { commit, paths } of changes) {
      if (commits.has(commit.oid)) continue;
      commits.add(commit.oid);
      const blobs = await git.readBlobs(commit.oid, paths);
      for (const [at, path] of paths.entries()) {
        const bytes = blobs[at] ?? null;
        if (bytes === null) continue;
        addRun(runs, path.slice(prefix.length), bytes);
        await addPointer(pointers, path.slice(prefix.length), { bytes, commit: commit.oid, date: commit.date });
      }
    }
  }
  return [...pointers.values()].toSorted((a, b) => a.date.getTime() - b.date.getTime());
}

/** Evidence that is not what its name says is none. */
function addRun(runs: Map<Digest, RunRecord>, path: string, bytes: Uint8Array): void {
  const evidence = evidenceOf(path);
  if (evidence?.kind !== 'json' || runs.has(evidence.digest)) return;
  if (evidenceFault(evidence.digest, 'json', bytes) !== null) return;
  const parsed = runRecordSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  if (parsed.success) runs.set(evidence.digest, parsed.data);
}

async function addPointer(
  pointers: Map<string, SeenPointer>,
  path: string,
  { bytes, commit, date }: { bytes: Uint8Array; commit: Oid; date: Date },
): Promise<void> {
  const place = placeOf(path);
  if (place === null) return;
  const text = pointerText(bytes);
  try {
    const seen = pointers.get(text);
    if (seen === undefined || date < seen.date) pointers.set(text, { pointer: await parsePointer(text, place), commit, date });
  } catch (error) {
    // a broken pointer names no model
    if (!isPlumbError(error)) throw error;
  }
}

/** What steps wrote of the rows that they rewrote, as far as this machine has it. @returns unread: outputs `lineage` that cannot be read here */
export async function collectLineage(
  { runs }: Pick<KnownRuns, 'runs'>,
  { project, signal }: { readonly project: Project; readonly signal: AbortSignal },
): Promise<{ readonly index: LineageIndex; readonly unread: readonly Digest[] }> {
  const index = new LineageIndex();
  const unread: Digest[] = [];
  const read = new Set<Digest>();
  for (const [run, { outputs, stage }] of runs) {
    const lineage = lineageOf(outputs);
    if (lineage === undefined || read.has(lineage.digest)) continue;
    read.add(lineage.digest);
    const path = await project.store.cache.path(lineage.digest);
    if (path === null) {
      unread.push(run);
      continue;
    }
    try {
      for await (const row of readLineage(path, `${stage}.lineage`, { signal })) index.add(row);
    } catch (error) {
      // an output of a command may be called lineage and be something else
      if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
      unread.push(run);
    }
  }
  return { index, unread };
}

/** A step calls it `lineage`; a command names its outputs by their paths. */
function lineageOf(outputs: RunRecord['outputs']): RunOutput | undefined {
  return outputs['lineage'] ?? Object.values(outputs).find(({ path }) => basename(path) === lineageOutput.lineage);
}
