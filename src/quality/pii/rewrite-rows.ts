// A version of rows with personal data rewritten, in the same format. JSONL and CSV: rows without any stay byte for byte, and of a row of JSONL all but the
// texts that changed. Parquet is written anew by DuckDB.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { temporaryBeside, writeFileAtomic } from '../../base/atomic.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import { csvLine } from '../../datasets/csv-text.ts';
import { cellText } from '../../datasets/row-content.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { lineageLine } from '../provenance/lineage.ts';
import { pathText, textAt, type CellPath } from './cells.ts';
import { foldedText } from './fold.ts';
import type { PiiKey } from './key.ts';
import { placeInJson } from './json-place.ts';
import { createReplace, replaceSpans, type Replace } from './rewrite-text.ts';
import type { Find, RowFinds } from './row-finds.ts';
import { isRewriting, type Treatments } from './treatment.ts';

export interface RewriteRequest {
  readonly source: RowSource;
  readonly finds: readonly RowFinds[];
  readonly treatments: Treatments;
  readonly key: PiiKey | null;
  /** absolute paths to write */
  readonly data: string;
  readonly lineage: string;
  readonly signal: AbortSignal;
}

export interface Rewritten {
  readonly rows: number;
  /** one sentence an entity: stand-ins that two values share */
  readonly notes: readonly string[];
}

/** All or nothing. @throws PlumbError as readRowBatches; DATASET_FORMAT for a Parquet column that holds no text */
export async function rewriteRows(request: RewriteRequest): Promise<Rewritten> {
  const { source, treatments, finds, key } = request;
  const { replace, shared } = createReplace(key);
  const wanted = new Map(
    finds
      .filter((one) => one.finds.some(({ entity, isName }) => isName === undefined && isRewriting(treatments.of(entity).action)))
      .map((one) => [one.row, one]),
  );
  const edits = (row: Row): Edit[] => editsOf(row, wanted.get(row.row), treatments, replace);
  const lineage: string[] = [];
  const note = (row: Row, made: readonly Edit[]): void => void lineage.push(lineageOf(row, made, wanted.get(row.row), treatments));
  const temporary = temporaryBeside(request.data);
  try {
    const there = { ...request, data: temporary };
    if (source.format === 'parquet') await (await import('./rewrite-parquet.ts')).rewriteParquet(there, wanted, edits, note);
    else await rewriteText(there, wanted, edits, note);
    // not through a link that a branch brought
    await writeFileAtomic(request.lineage, lineage.join(''));
    await rename(temporary, request.data);
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, 'write', request.data);
  }
  const notes = [...shared].map(
    ([entity, { size }]) => `${entity}: ${size === 1 ? 'a stand-in stands' : `${size} stand-ins stand`} for two values; \`hash\` keeps them apart`,
  );
  return { rows: lineage.filter((line) => line !== '').length, notes };
}

/** A text of a row, and what stands there instead. */
export interface Edit {
  readonly path: CellPath;
  readonly text: string;
}

function editsOf(row: Row, found: RowFinds | undefined, treatments: Treatments, replace: Replace): Edit[] {
  const cells = new Map<string, Find[]>();
  for (const find of found?.finds ?? []) {
    // names stay, and are flagged
    if (find.isName === true || !isRewriting(treatments.of(find.entity).action)) continue;
    const name = JSON.stringify(find.path);
    cells.set(name, [...(cells.get(name) ?? []), find]);
  }
  return [...cells.values()].map((finds) => {
    const path = (finds[0] as Find).path;
    const text = textAt(row.value, path);
    if (text === null) throw new Error(`row ${row.row} has nothing at ${pathText(path)}, where something was found`);
    const spans = finds
      .toSorted((a, b) => a.start - b.start)
      .map(({ entity, start, end }) => ({ start, end, by: replace(entity, foldedText(text.slice(start, end)), treatments.of(entity)) }));
    return { path, text: replaceSpans(text, spans) };
  });
}

function lineageOf(row: Row, edits: readonly Edit[], found: RowFinds | undefined, treatments: Treatments): string {
  const value = withEdits(row.value, edits);
  const actions = new Set(
    (found?.finds ?? [])
      .filter(({ isName }) => isName === undefined)
      .map(({ entity }) => treatments.of(entity).action)
      .filter(isRewriting),
  );
  return lineageLine(rowDigest(value), [rowDigest(row.value)], `plumb/pii ${[...actions].toSorted().join(', ')}`);
}

function withEdits(value: Row['value'], edits: readonly Edit[]): Row['value'] {
  const made = structuredClone(value);
  for (const edit of edits) setText(made, edit);
  return made;
}

function setText(value: Row['value'], { path, text }: Edit): void {
  let holder = value as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>;
  Object.defineProperty(holder, path.at(-1) as string | number, { value: text, enumerable: true, configurable: true, writable: true });
}

async function rewriteText(
  { source, data, signal }: RewriteRequest,
  wanted: ReadonlyMap<number, RowFinds>,
  editsOfRow: (row: Row) => Edit[],
  note: (row: Row, edits: readonly Edit[]) => void,
): Promise<void> {
  const from = await open(source.path, 'r');
  const to = await open(data, 'wx');
  try {
    let columns: readonly string[] = [];
    let head = 0;
    let copied = 0;
    let before = 0;
    const onHead = (end: number, names: readonly string[] | null): void => {
      head = end;
      columns = names ?? [];
    };
    for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name, ends: true, onHead })) {
      before = Math.max(before, head);
      for (const row of batch) {
        const end = row.end ?? 0;
        if (wanted.has(row.row)) {
          const edits = editsOfRow(row);
          await copy(from, to, copied, before);
          await to.writeFile(await rewritten(row, edits, { from, start: before, end, columns, isCsv: source.format === 'csv' }));
          note(row, edits);
          copied = end;
        }
        before = end;
      }
    }
    await copy(from, to, copied, (await from.stat()).size);
  } finally {
    await to.close();
    await from.close();
  }
}

interface Written {
  readonly from: FileHandle;
  readonly start: number;
  readonly end: number;
  readonly columns: readonly string[];
  readonly isCsv: boolean;
}

async function rewritten(row: Row, edits: readonly Edit[], { from, start, end, columns, isCsv }: Written): Promise<string> {
  const bytes = Buffer.alloc(Math.min(2, end - start));
  await from.read(bytes, 0, bytes.length, end - bytes.length);
  const lineEnd = /\r?\n$|\r$/.exec(bytes.toString('latin1'))?.[0] ?? '';
  if (!isCsv) return rewriteJson((row.text ?? '').replace(/\r$/, ''), edits) + lineEnd;
  const made = new Map(edits.map(({ path, text }) => [path[0], text]));
  return csvLine(columns.map((name) => made.get(name) ?? cellText(row.value[name]))).replace(/\n$/, lineEnd);
}

function rewriteJson(json: string, edits: readonly Edit[]): string {
  const spans = edits.map(({ path, text }) => {
    const place = placeInJson(json, path);
    if (place === null) throw new Error(`no value at ${pathText(path)}`);
    const isNumber = json.charAt(place[0]) !== '"' && /^[1-9]\d{0,14}$/.test(text);
    return { start: place[0], end: place[1], by: isNumber ? text : JSON.stringify(text) };
  });
  return replaceSpans(
    json,
    spans.toSorted((a, b) => a.start - b.start),
  );
}

const copyBytes = 1 << 20;

async function copy(from: FileHandle, to: FileHandle, start: number, end: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, Math.max(0, end - start)));
  for (let at = start; at < end;) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0)
      throw new PlumbError('FILE_CHANGED', { what: 'the data became shorter while they were rewritten', mend: 'run the command again' });
    await to.writeFile(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
