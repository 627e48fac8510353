// Makes a recipe of lines: a new version of a text of rows as runs of lines of the old one, and the lines that are new. Rows that were edited, added,
// taken out, moved or sorted otherwise cost what is new of them, and a few bytes for each run.
import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { isPlumbError, systemError } from '../../base/errors.ts';
import { applyRuns } from './line-reader.ts';
import { scanLines } from './line-scan.ts';
import { LineTable } from './line-table.ts';
import { decodeLines, encodeLines, GrowingRuns, lineLimits, type LineRecipe, type LineRuns, type LineSource } from './recipe.ts';

/** A version with more new bytes than this part of it is better sent as chunks. */
const mostNew = 1 / 3;

export interface TextFile extends LineSource {
  readonly path: string;
}

export interface BuiltLines {
  readonly recipe: Buffer;
  /** that the recipe needs, the literals too */
  readonly sources: readonly LineSource[];
  readonly runs: number;
  /** the new lines, one behind the other, at the path that was given; null: there are none, and no file */
  readonly literals: LineSource | null;
}

/**
 * Describes a new version of a text by lines of the old one. What it returns was tried: the recipe makes the new version, byte by byte. Takes about
 * 3 s for a million rows of 500 bytes, and 16 bytes of memory a line.
 * @param what old: the version before, and the recipe of lines that the remote has of it (null: the remote has its bytes); literals: path of a file
 * that is not there yet
 * @returns null where it does not pay or cannot be: more than a third is new, more than 12 M lines, 4 M runs or 32 sources, lines above 16 MiB
 * @throws PlumbError PACK_INVALID for the old recipe; FILE_MISSING, FILE_UNREADABLE, DISK_FULL; AbortError
 */
export async function buildLines(what: {
  readonly old: TextFile & { readonly recipe: Uint8Array | null };
  readonly fresh: TextFile;
  readonly literals: string;
  readonly signal: AbortSignal;
}): Promise<BuiltLines | null> {
  const { old, fresh, signal } = what;
  const literals = new Literals(what.literals, fresh.bytes * mostNew);
  try {
    const found = await findRuns(what, literals);
    const added = literals.close();
    const isGood = found !== null && (await makes(found, { old, fresh, literals: { ...added, path: what.literals }, signal }));
    const built = isGood ? assemble(found, old, added) : null;
    if (built === null) literals.remove();
    return built;
  } catch (error) {
    literals.remove();
    throw error;
  }
}

/** Runs over the lines of the old version (source 0) and of the literals (source 1). */
interface FoundRuns {
  readonly runs: LineRuns;
  /** lines of the old version */
  readonly oldLines: number;
}

async function findRuns(
  what: { readonly old: TextFile; readonly fresh: TextFile; readonly signal: AbortSignal },
  literals: Literals,
): Promise<FoundRuns | null> {
  const table = new LineTable();
  try {
    return await matchLines(what, table, literals);
  } finally {
    table.release();
  }
}

async function matchLines(
  what: { readonly old: TextFile; readonly fresh: TextFile; readonly signal: AbortSignal },
  table: LineTable,
  literals: Literals,
): Promise<FoundRuns | null> {
  const isRead = await scanLines(what.old.path, what.signal, ({ view }, start, end) => {
    table.hash(view, start, end);
    table.append();
    return table.count < lineLimits.lines;
  });
  if (!isRead) return null;
  const finder = new RunFinder(table, literals);
  const isFound = await scanLines(what.fresh.path, what.signal, ({ view, bytes }, start, end) => {
    table.hash(view, start, end);
    return finder.see(bytes, start, end);
  });
  return isFound ? { runs: finder.runs, oldLines: finder.oldLines } : null;
}

/** How far back a run that begins may take over the one before it. */
const mostTakenOver = 64;

/**
 * Matches the lines of the new version, greedily: a run goes on as long as it can. A line that stands in many places is first taken for the first of
 * them; when the line behind it shows which place was meant, the run is moved there.
 */
class RunFinder {
  /** of the old version (source 0) and of the literals (source 1) */
  readonly runs = new GrowingRuns();
  readonly oldLines: number;
  /** lines of the old version, and from `oldLines` on the literals */
  readonly #table: LineTable;
  readonly #literals: Literals;

  constructor(table: LineTable, literals: Literals) {
    this.#table = table;
    this.#literals = literals;
    this.oldLines = table.count;
  }

  /** Takes the next line, which the table has just hashed. @returns false: it does not pay */
  see(bytes: Buffer, start: number, end: number): boolean {
    const { runs } = this;
    const last = runs.length - 1;
    const next = last < 0 ? -1 : this.#start(last) + (runs.count[last] as number);
    if (next > 0 && next !== this.oldLines && next < this.#table.count && this.#table.isAt(next)) {
      runs.count[last]! += 1;
      return true;
    }
    const found = this.#table.find();
    if (found === -1) {
      const line = this.#table.count;
      if (line >= lineLimits.lines || !this.#literals.add(bytes.subarray(start, end))) return false;
      this.#table.append();
      runs.append(1, line - this.oldLines, 1);
    } else if (!this.#takeOver(last, found)) {
      runs.append(found < this.oldLines ? 0 : 1, found < this.oldLines ? found : found - this.oldLines, 1);
    }
    return runs.length <= lineLimits.runs;
  }

  /** Do the lines before a found one equal those of the run before it, all of them? Then that run becomes part of the new one. */
  #takeOver(last: number, found: number): boolean {
    if (last < 0) return false;
    const { runs } = this;
    const count = runs.count[last] as number;
    const first = found - count;
    const isOfOld = found < this.oldLines;
    if (count > mostTakenOver || first < (isOfOld ? 0 : this.oldLines)) return false;
    const start = this.#start(last);
    for (let at = 0; at < count; at += 1) if (!this.#table.areEqual(start + at, first + at)) return false;
    runs.source[last] = isOfOld ? 0 : 1;
    runs.line[last] = isOfOld ? first : first - this.oldLines;
    runs.count[last] = count + 1;
    return true;
  }

  /** The line of the table where a run begins. */
  #start(run: number): number {
    const line = this.runs.line[run] as number;
    return this.runs.source[run] === 0 ? line : line + this.oldLines;
  }
}

/** The recipe in terms of what the remote has as plain bytes. @returns null when it has grown beyond the limits */
function assemble({ runs, oldLines }: FoundRuns, old: LineSource & { readonly recipe: Uint8Array | null }, literals: LineSource): BuiltLines | null {
  const before = old.recipe === null ? null : decodeLines(old.recipe);
  const all = before === null ? { sources: [old], runs } : resolved(before, runs, oldLines);
  if (all === null) return null;
  const recipe = withoutUnused([...all.sources, literals], all.runs);
  const encoded = encodeLines(recipe);
  if (encoded === null) return null;
  const sources = recipe.sources.map(({ digest, bytes }) => ({ digest, bytes }));
  return { recipe: encoded, sources, runs: recipe.runs.length, literals: literals.bytes === 0 ? null : literals };
}

/** Runs of the old version (source 0) said as runs of its own sources; the literals are the source behind those. */
function resolved(old: LineRecipe, runs: LineRuns, oldLines: number): LineRecipe | null {
  // first line of the old version that each of its runs makes
  const starts = new Float64Array(old.runs.length + 1);
  for (let run = 0; run < old.runs.length; run += 1) starts[run + 1] = (starts[run] as number) + (old.runs.count[run] as number);
  if (starts[old.runs.length] !== oldLines) return null;
  const out = new GrowingRuns();
  for (let run = 0; run < runs.length; run += 1) {
    const first = runs.line[run] as number;
    const end = first + (runs.count[run] as number);
    if (runs.source[run] === 1) out.append(old.sources.length, first, end - first);
    else appendLines(out, old.runs, starts, { first, end });
    if (out.length > lineLimits.runs) return null;
  }
  return { sources: old.sources, runs: out };
}

/** Appends lines [first, end) of the old version, found in the runs that make it. */
function appendLines(out: GrowingRuns, runs: LineRuns, starts: Float64Array, { first, end }: { readonly first: number; readonly end: number }): void {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] as number) <= first) low = middle;
    else high = middle - 1;
  }
  for (let line = first, run = low; line < end; run += 1) {
    const start = starts[run] as number;
    const to = Math.min(end, starts[run + 1] as number);
    out.append(runs.source[run] as number, (runs.line[run] as number) + (line - start), to - line);
    line = to;
  }
}

/** Leaves out sources that no run is of: so a chain forgets versions of which nothing is left. */
function withoutUnused(sources: readonly LineSource[], runs: LineRuns): LineRecipe {
  const used = new Uint8Array(sources.length);
  for (let run = 0; run < runs.length; run += 1) used[runs.source[run] as number] = 1;
  const numbers = Uint8Array.from(sources, (_, number) => used.subarray(0, number).reduce((sum, is) => sum + is, 0));
  const source = Uint8Array.from({ length: runs.length }, (_, run) => numbers[runs.source[run] as number] as number);
  return { sources: sources.filter((_, number) => used[number] === 1), runs: { length: runs.length, source, line: runs.line, count: runs.count } };
}

/** Do the runs make the new version? Lines were matched by their hashes, and what a remote has must be right. */
async function makes(
  { runs }: FoundRuns,
  files: { readonly old: TextFile; readonly fresh: TextFile; readonly literals: TextFile; readonly signal: AbortSignal },
): Promise<boolean> {
  const { old, fresh, literals, signal } = files;
  const used = literals.bytes === 0 ? [old] : [old, literals];
  const what = { recipe: { sources: used, runs }, sources: used.map(({ path }) => path), digest: fresh.digest, bytes: fresh.bytes, signal };
  try {
    await applyRuns(what, () => undefined);
    return true;
  } catch (error) {
    if (isPlumbError(error, 'DIGEST_MISMATCH') || isPlumbError(error, 'PACK_INVALID')) return false;
    throw error;
  }
}

/** The file of lines that are new. */
class Literals {
  readonly #path: string;
  readonly #most: number;
  readonly #state = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  #held = 0;
  #bytes = 0;
  #file: number | null = null;
  /** a file of somebody else that stands at the path is not ours to remove */
  #isMade = false;

  constructor(path: string, most: number) {
    this.#path = path;
    this.#most = most;
  }

  /** @returns false: they have become too many */
  add(line: Buffer): boolean {
    this.#bytes += line.length;
    if (this.#bytes > this.#most) return false;
    if (this.#held + line.length > this.#buffer.length) this.#flush();
    if (line.length > this.#buffer.length) {
      this.#write(line);
    } else {
      line.copy(this.#buffer, this.#held);
      this.#held += line.length;
    }
    return true;
  }

  close(): LineSource {
    this.#flush();
    this.#closeFile();
    return { digest: `sha256:${this.#state.digest('hex')}`, bytes: this.#bytes };
  }

  remove(): void {
    this.#closeFile();
    if (this.#isMade) rmSync(this.#path, { force: true });
  }

  #flush(): void {
    if (this.#held > 0) this.#write(this.#buffer.subarray(0, this.#held));
    this.#held = 0;
  }

  #write(bytes: Buffer): void {
    this.#state.update(bytes);
    try {
      this.#file ??= openSync(this.#path, 'wx');
      this.#isMade = true;
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at);
    } catch (error) {
      throw systemError(error, 'write', this.#path);
    }
  }

  #closeFile(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
