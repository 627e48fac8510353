// What the subcommands of review begin with: the data set, what is decided, what is asked, and who asks.
import { join, resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { listed } from '../base/names.ts';
import { loadLock, requireDataset } from '../datasets/lock.ts';
import { readRows } from '../datasets/rows.ts';
import type { RowSource } from '../datasets/row-source.ts';
import type { RowsEntry } from '../datasets/row-versions.ts';
import { distinctRuns } from '../pipeline/find-run.ts';
import { readableRecord, RunLog } from '../pipeline/records.ts';
import { openProject, type Project } from '../project/open.ts';
import { openCheckedData, rowDatasets } from '../quality/checked-data.ts';
import { flaggedRowSchema, type FlaggedRow } from '../quality/findings.ts';
import { readDecided } from '../review/by-row.ts';
import type { RowShape } from '../review/change.ts';
import { closeDeadJournals } from '../review/journal.ts';
import { askedIn, askingOf, type Asking } from '../review/queue.ts';
import { readAsked, reviewedData } from '../review/review-files.ts';
import type { Annotator } from '../review/schema.ts';
import { settle, type Decided, type SettledRow } from '../review/settled.ts';
import type { Digest } from '../base/digest.ts';
import type { Cli } from './command.ts';
import { failedChecks, mayFlag } from './review-failed.ts';

export interface ReviewWorld {
  readonly project: Project;
  readonly data: string;
  readonly entry: RowsEntry;
  readonly decided: readonly Decided[];
  readonly settled: ReadonlyMap<Digest, SettledRow>;
}

/**
 * Opens a data set for review; sittings that were killed become files first.
 * @param word a data set, or undefined: the only one, or the only one of which rows were ever asked for or decided
 * @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT, USAGE, REVIEW_INVALID
 */
export async function openReview(cli: Cli, word: string | undefined): Promise<ReviewWorld> {
  const project = await openProject(cli);
  const data = word ?? (await onlyDataset(project));
  const entry = requireDataset(await loadLock(project), data);
  if (entry.format === 'files')
    throw new PlumbError('DATASET_FORMAT', { what: `data set "${data}" is a folder of files, and has no rows`, mend: 'name a data set of rows' });
  for (const path of await closeDeadJournals(project)) cli.note(`a sitting that was ended in the middle is kept: ${path}`);
  const decided = await readDecided(project, data);
  return { project, data, entry, decided, settled: settle(decided) };
}

async function onlyDataset(project: Project): Promise<string> {
  const names = await rowDatasets(project);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const reviewed = (await reviewedData(project)).filter((name) => names.includes(name));
  const [begun] = reviewed;
  if (begun !== undefined && reviewed.length === 1) return begun;
  throw new PlumbError('USAGE', {
    what:
      names.length === 0
        ? 'there is no data set of rows'
        : `there are ${reviewed.length === 0 ? `${names.length} data sets` : `reviews of ${reviewed.length} data sets`}: which one?`,
    mend: names.length === 0 ? 'add one with `plumb add FILE`' : `name it: ${listed(reviewed.length === 0 ? names : reviewed)}`,
  });
}

/** The rows as they stand in the work tree, or as locked where nothing stands there. */
export async function openRows({ project, data }: ReviewWorld, cli: Cli): Promise<RowSource> {
  return (await openCheckedData(project, data, { cwd: cli.cwd, progress: cli.progress, signal: cli.signal })).rows.source;
}

export function shapeOf({ entry }: ReviewWorld): RowShape {
  return { format: entry.format, columns: Object.keys(entry.schema), label: entry.label ?? null };
}

/** Labels that the locked version has; empty: they are not known, and any may be given. */
export async function labelsOf({ project, entry, data }: ReviewWorld): Promise<string[]> {
  if (entry.label === undefined) return [];
  const { readLockedManifest } = await import('../datasets/manifest.ts');
  const manifest = await readLockedManifest(project.store, data, entry);
  return (manifest.labels ?? []).map(([label]) => label).filter((label) => label !== '');
}

/** Who sits here, as git knows them. @throws PlumbError REVIEW_ANNOTATOR */
export async function whoReviews({ git }: Project): Promise<Annotator> {
  const person = await git.identity();
  if (person !== null && person.name !== '') return { name: person.name.slice(0, 300), email: person.email.slice(0, 300) };
  throw new PlumbError('REVIEW_ANNOTATOR', {
    what: 'git knows no name for you, and a decision is somebody’s',
    mend: 'git config user.name "Your Name" && git config user.email you@example.org',
  });
}

/** What waits: asked for in git, flagged by the last runs of this machine and by checks that do not hold, or in a file of a check. @param from relative to cwd */
export async function readAskings(world: ReviewWorld, cli: Cli, from: string | undefined): Promise<Asking[]> {
  const asked = (await readAsked(world.project, world.data)).map(askedIn);
  if (from !== undefined) return [...asked, askingOf(from, await readFlagged(resolve(cli.cwd, from), from, cli))];
  return [...asked, ...(await askingsOfRuns(world, cli))];
}

async function askingsOfRuns({ project, data }: ReviewWorld, cli: Cli): Promise<Asking[]> {
  const stages = new Set<string>();
  const askings: Asking[] = [];
  for (const { stage, path } of await failedChecks(project, data, cli)) {
    stages.add(stage);
    askings.push(askingOf(stage, await readFlagged(path, join('out', stage, 'flagged.jsonl'), cli)));
  }
  for (const { stage, run } of distinctRuns(await new RunLog(project.localDir).read())) {
    if (stages.has(stage)) continue;
    stages.add(stage);
    const kept = (await project.store.has(run)) ? await readableRecord(project.store, run) : undefined;
    const flagged = kept?.record.outputs['flagged'];
    if (kept === undefined || flagged === undefined || !mayFlag(kept.record.inputs, data) || !(await project.store.has(flagged.digest))) continue;
    askings.push(askingOf(stage, await readFlagged(await project.store.pathOf(flagged.digest), join('out', stage, 'flagged.jsonl'), cli)));
  }
  return askings;
}

/** @throws PlumbError CONFIG_INVALID for what is not flagged/1 */
export async function readFlagged(path: string, name: string, cli: Cli): Promise<FlaggedRow[]> {
  const rows: FlaggedRow[] = [];
  for await (const { row, value } of readRows(path, 'jsonl', { name, signal: cli.signal })) {
    const parsed = flaggedRowSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new PlumbError('CONFIG_INVALID', {
        what: `row ${row} of ${name} is no flagged row: ${issue === undefined ? 'it has another shape' : `${issue.path.join('.')} ${issue.message}`}`,
        where: { file: name, row },
        mend: 'take the flagged.jsonl that a check wrote: `plumb pii <data> --out flagged.jsonl`',
      });
    }
    rows.push(parsed.data);
  }
  return rows;
}
