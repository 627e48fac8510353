// What a data-set card says, gathered: the lock, its history, the sidecar of provenance, and the runs that are of this very version.
import { PlumbError } from '../base/errors.ts';
import { tellBatches } from '../base/progress.ts';
import { loadLock, loadLockAt, requireDataset } from '../datasets/lock.ts';
import { readLockedManifest } from '../datasets/manifest.ts';
import { RowVersions } from '../datasets/row-versions.ts';
import { planStages } from '../pipeline/plan.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { readSidecar, sidecarName } from '../quality/provenance/sidecar.ts';
import { partOfRun } from '../report/check-parts.ts';
import type { CardFacts, ProvenanceFacts } from '../report/data-card.ts';
import type { Cli } from './command.ts';
import { withPipeline } from './open-pipeline.ts';

/** @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT for a data set of files, BYTES_MISSING */
export async function gatherCard(project: Project, name: string, cli: Cli): Promise<CardFacts> {
  const lock = await loadLock(project);
  const entry = requireDataset(lock, name);
  if (entry.format === 'files')
    throw new PlumbError('DATASET_FORMAT', { what: `data set "${name}" is a folder of files, and has no rows`, mend: 'name a data set of rows' });
  const manifest = await readLockedManifest(project.store, name, entry);
  const sidecar = Object.hasOwn(lock.datasets, sidecarName(name)) ? lock.datasets[sidecarName(name)] : undefined;
  const source = sidecar === undefined || sidecar.format === 'files' ? null : await new RowVersions(project, cli).locked(sidecarName(name), sidecar);
  return {
    name,
    entry,
    labels: manifest.kind === 'rows' ? (manifest.labels ?? null) : null,
    provenance:
      source === null
        ? null
        : await provenanceFacts(tellBatches(readSidecar(source, cli), () => cli.progress.start(`read ${source.name}`, source.tree?.rows, 'rows'))),
    ...(await runsOf(project, name, cli)),
    versions: await earlierVersions(project, name, entry.content),
  };
}

async function provenanceFacts(batches: ReturnType<typeof readSidecar>): Promise<ProvenanceFacts> {
  const [sources, licences, reviews] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const bump = (counts: Map<string, number>, names: readonly string[]): void => {
    for (const one of new Set(names)) counts.set(one, (counts.get(one) ?? 0) + 1);
  };
  let rows = 0;
  for await (const batch of batches)
    for (const row of batch) {
      rows += 1;
      bump(
        sources,
        row.sources.map(({ source }) => source),
      );
      bump(
        licences,
        row.sources.flatMap(({ licence }) => (licence === undefined ? [] : [licence])),
      );
      bump(reviews, [row.reviewed ?? 'nobody was asked']);
    }
  const sorted = (counts: Map<string, number>): [string, number][] => [...counts].toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  return { rows, sources: sorted(sources), licences: sorted(licences), reviews: sorted(reviews) };
}

/** Only runs of the pipeline as it stands count: those of another version say nothing of this one. */
async function runsOf(project: Project, name: string, cli: Cli): Promise<Pick<CardFacts, 'checks' | 'splits'>> {
  if ((await project.readText(files.pipeline)) === undefined) return { checks: [], splits: [] };
  return withPipeline(project, cli, async ({ pipeline, context }) => {
    const checks: CardFacts['checks'][number][] = [];
    const splits: CardFacts['splits'][number][] = [];
    for (const [stage, plan] of await planStages(pipeline.stages, context, { force: false })) {
      if (!('kept' in plan) || !reads(plan.kept.record, name)) continue;
      context.store.remember([plan.kept.digest]);
      const part = await partOfRun(plan.kept.record, context.store);
      if (part !== null) checks.push({ stage, part });
      const { command, metrics, outputs } = plan.kept.record;
      if ('uses' in command && command.uses === 'plumb/split')
        splits.push({ stage, sides: Object.keys(outputs).flatMap((side) => (metrics[side] === undefined ? [] : [[side, metrics[side]] as const])) });
    }
    return { checks, splits };
  });
}

function reads(record: RunRecord, name: string): boolean {
  return Object.values(record.inputs).some((input) => input.kind === 'data' && input.ref === name);
}

/** Versions that were locked before, each by the first commit that locked it. @throws PlumbError GIT_TOO_SHALLOW */
async function earlierVersions(project: Project, name: string, current: string): Promise<CardFacts['versions']> {
  const head = await project.git.resolve('HEAD');
  if (head === null) return [];
  const commits = await project.git.log('HEAD', { path: project.prefix + files.lock });
  const found = new Map<string, CardFacts['versions'][number]>();
  for (const { oid, date } of commits) {
    const lock = await loadLockAt(project, oid);
    const entry = Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined;
    if (entry === undefined || entry.format === 'files' || entry.content === current) continue;
    // newest first: the last one that is seen is the commit that brought it
    found.delete(entry.content);
    found.set(entry.content, { digest: entry.digest, rows: entry.rows, commit: oid.slice(0, 12), date: date.toISOString().slice(0, 10) });
  }
  return [...found.values()];
}
