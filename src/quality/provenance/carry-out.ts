// Recording provenance in a project: the sidecar is written beside the data and locked as a data set of its own, whole or not at all, by one at a time.
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { temporaryBeside } from '../../base/atomic.ts';
import type { Digest } from '../../base/digest.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import { withMutex } from '../../base/mutex.ts';
import { tellBatches, type Progress, type ProgressBar } from '../../base/progress.ts';
import { addDataset } from '../../datasets/add.ts';
import { loadLock } from '../../datasets/lock.ts';
import { findRowChanges } from '../../datasets/row-changes.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import type { RowsEntry } from '../../datasets/row-versions.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { refuseWayOut } from '../../datasets/paths.ts';
import type { Project } from '../../project/open.ts';
import { openCheckedData, type OpenedData } from '../checked-data.ts';
import { openRemembered, rememberedAs } from '../checked-rows.ts';
import { checkDigest } from '../memory.ts';
import { recordProvenance, type RecordAsking, type RecordTally } from './record.ts';
import { sidecarName, sidecarPath } from './sidecar.ts';

/** What a command asks for, beside the rows. */
export interface RecordWish extends Pick<RecordAsking, 'sourceOf' | 'also' | 'decisions' | 'pii' | 'lineage' | 'prune'> {
  /** of the lock */
  readonly dataset: string;
  /** other data sets whose sidecars are taken over */
  readonly from: readonly string[];
}

export interface RecordResult extends RecordTally {
  /** name of the sidecar's data set */
  readonly sidecar: string;
  /** of the project */
  readonly path: string;
  /** of the file; null: nothing is known of any row, and no sidecar was written */
  readonly content: Digest | null;
  /** the lock says something else now */
  readonly locked: boolean;
}

interface World {
  readonly cwd: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT, PROVENANCE_INVALID, REPOSITORY_BUSY, and as addDataset; the sidecar and the lock are then as they were
 */
export async function carryOutRecord(project: Project, wish: RecordWish, world: World): Promise<RecordResult> {
  // from reading the old sidecar to locking the new one nobody else writes one
  return withMutex(join(project.localDir, 'provenance.db'), async () => {
    const data = await openDataset(project, wish.dataset, world);
    const sidecar = await openSidecar(project, wish.dataset, world);
    const others: RowSource[] = [];
    for (const name of wish.from) others.push((await requireSidecar(project, name, world)).rows.source);
    const path = sidecar?.entry?.path ?? sidecarPath(data.entry.path);
    await refuseWayOut(project.root, path);
    const rows = await rowsToLookAt(data, sidecar, wish);
    const { progress, signal } = world;
    const recorded = await recordProvenance({ ...wish, others, rows, sidecar: sidecar?.rows.source ?? null, progress, signal });
    const file = join(project.root, path);
    const written = await writeWhole(file, recorded.lines, progress.start(`write ${path}`, recorded.most, 'rows'));
    const { tally } = recorded;
    const name = sidecarName(wish.dataset);
    if (!written) return { ...tally, sidecar: name, path, content: null, locked: false };
    const { entry, changed } = await addDataset(project, { argument: file, name, key: 'row', ...world });
    const content = entry.format === 'files' ? null : entry.content;
    if (content !== null && tally.without === 0) await data.world.memory.keep(memoryOf(wish.dataset), rememberedAs(data.rows), Buffer.from(content));
    return { ...tally, sidecar: name, path, content, locked: changed };
  });
}

export type DatasetData = OpenedData & { readonly entry: RowsEntry };

/** A data set of rows of the lock. @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT */
export async function openDataset(project: Project, word: string, world: World, rev?: string): Promise<DatasetData> {
  const opened = await openCheckedData(project, word, { ...world, ...(rev === undefined ? {} : { rev }) });
  const { entry } = opened;
  if (entry !== null) return { ...opened, entry };
  throw new PlumbError('DATASET_UNKNOWN', {
    what: `${word.slice(0, 120)} is a file and no data set: provenance is kept for data sets of the lock`,
    mend: `run \`plumb add ${word.slice(0, 120)}\` first`,
  });
}

/** The sidecar of a data set as it stands; null: there is none. */
export async function openSidecar(project: Project, dataset: string, world: World): Promise<OpenedData | null> {
  const { datasets } = await loadLock(project);
  const name = sidecarName(dataset);
  const entry = Object.hasOwn(datasets, name) ? datasets[name] : undefined;
  if (entry === undefined) return null;
  if (entry.format === 'files')
    throw new PlumbError('DATASET_FORMAT', { what: `data set "${name}" is a folder, and no sidecar`, mend: 'give it another name' });
  return openCheckedData(project, name, world);
}

/** @throws PlumbError DATASET_UNKNOWN */
export async function requireSidecar(project: Project, dataset: string, world: World): Promise<OpenedData> {
  const found = await openSidecar(project, dataset, world);
  if (found !== null) return found;
  throw new PlumbError('DATASET_UNKNOWN', {
    what: `nothing is recorded of where the rows of "${dataset.slice(0, 120)}" came from`,
    mend: `\`plumb provenance record ${dataset.slice(0, 120)} --source NAME\` writes the sidecar`,
  });
}

function memoryOf(dataset: string): Digest {
  return checkDigest(['provenance record', 1, dataset]);
}

/** All rows; or those that came since the sidecar had something of every row, where nothing is asked of the others. */
async function rowsToLookAt(data: DatasetData, sidecar: OpenedData | null, wish: RecordWish): Promise<() => AsyncIterable<readonly Row[]>> {
  const { rows, world } = data;
  const { source } = rows;
  const all = (): AsyncIterable<readonly Row[]> =>
    tellBatches(readRowBatches(source.path, source.format, { name: source.name, signal: world.signal }), () =>
      world.progress.start(`read ${source.name}`, source.tree?.rows, 'rows'),
    );
  if (sidecar === null || wish.also || wish.pii !== null || wish.prune || wish.from.length > 0) return all;
  for await (const { version, state } of world.memory.recall(memoryOf(wish.dataset))) {
    if (state.toString() !== sidecar.rows.content || version.format !== source.format) continue;
    const before = await openRemembered(world, version, source.name);
    if (before === null) continue;
    const changes = await findRowChanges(before, source, { readNode: world.readNode, signal: world.signal });
    return () => changes.added();
  }
  return all;
}

/** @returns false: there was no line, and nothing was written */
async function writeWhole(path: string, lines: AsyncGenerator<string>, bar: ProgressBar): Promise<boolean> {
  const temporary = temporaryBeside(path);
  let any = false;
  const counted = async function* (): AsyncGenerator<string> {
    for await (const line of lines) {
      any = true;
      bar.advance(1);
      yield line;
    }
  };
  try {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(counted()), createWriteStream(temporary, { flags: 'wx' }));
    if (any) await rename(temporary, path);
    else await rm(temporary, { force: true });
    return any;
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, 'write', path);
  } finally {
    bar.end();
  }
}
