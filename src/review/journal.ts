// The journal of a sitting, below .plumb: each decision is on the disk before it is shown as made, so that a kill loses none. When the sitting ends, or
// with the next command after a kill, it becomes one file below reviews/.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, syncFolder } from '../base/atomic.ts';
import { errnoOf, systemError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { parseLine, writeReview, type ReviewFile } from './review-files.ts';
import { decisionSchema, reviewHeaderSchema, type Decision, type ReviewHeader } from './schema.ts';

type Place = Pick<Project, 'root' | 'localDir' | 'mutex'>;

const undone = '{"undo":true}';

function folderOf({ localDir }: Pick<Place, 'localDir'>): string {
  return join(localDir, 'review');
}

/** An open journal: one writer, this process. */
export class Journal {
  readonly #place: Place;
  readonly #header: ReviewHeader;
  readonly #name: string;
  #handle: FileHandle | null = null;
  #decisions: Decision[] = [];
  #last = 0;

  constructor(place: Place, header: ReviewHeader) {
    this.#place = place;
    this.#header = header;
    this.#name = `${process.pid}-${randomBytes(6).toString('hex')}.jsonl`;
  }

  get decisions(): readonly Decision[] {
    return this.#decisions;
  }

  /**
   * Durable when it returns. The instants of one journal are strictly later one after the other: the last word on a row is known by it.
   * @throws PlumbError DISK_FULL, FILE_UNREADABLE, and the decision is not made
   */
  async add(decision: Omit<Decision, 'at'>, now: Date): Promise<Decision> {
    this.#last = Math.max(this.#last + 1, now.getTime());
    const whole = { ...decision, at: new Date(this.#last).toISOString() };
    await this.#append(JSON.stringify(whole));
    this.#decisions.push(whole);
    return whole;
  }

  /** Takes the last decision back. @returns it; null: there is none */
  async undo(): Promise<Decision | null> {
    const last = this.#decisions.at(-1);
    if (last === undefined) return null;
    await this.#append(undone);
    this.#decisions = this.#decisions.slice(0, -1);
    return last;
  }

  /** Ends the sitting. @returns path of the file in the project; null: nothing was decided */
  async close(): Promise<string | null> {
    if (this.#handle === null) return null;
    const path = await writeReview(this.#place, this.#header, this.#decisions);
    await this.#handle.close();
    this.#handle = null;
    this.#decisions = [];
    await rm(this.#path, { force: true });
    return path;
  }

  get #path(): string {
    return join(folderOf(this.#place), this.#name);
  }

  async #append(line: string): Promise<void> {
    try {
      this.#handle ??= await this.#begin();
      await this.#handle.appendFile(`${line}\n`);
      await this.#handle.datasync();
    } catch (error) {
      throw systemError(error, 'write', this.#path);
    }
  }

  async #begin(): Promise<FileHandle> {
    await mkdir(folderOf(this.#place), { recursive: true });
    const handle = await open(this.#path, 'ax', 0o600);
    await handle.appendFile(`${JSON.stringify(this.#header)}\n`);
    await syncFolder(folderOf(this.#place));
    return handle;
  }
}

interface KeptJournal extends Pick<ReviewFile, 'header' | 'decisions'> {
  readonly name: string;
}

/** Decisions that are in no file yet: of sittings that go on, and of killed ones. @throws PlumbError REVIEW_INVALID, FILE_UNREADABLE */
export async function readJournals(place: Pick<Place, 'localDir'>, data: string): Promise<KeptJournal[]> {
  return (await allJournals(place)).filter(({ header }) => header.data === data);
}

/** Makes files of what killed sittings left. @returns their paths in the project */
export async function closeDeadJournals(place: Place): Promise<string[]> {
  const dead = (await allJournals(place)).filter(({ name }) => isDead(name));
  if (dead.length === 0) return [];
  return place.mutex(async () => {
    const paths: string[] = [];
    for (const { name, header, decisions } of dead) {
      const path = await writeReview(place, header, decisions);
      if (path !== null) paths.push(path);
      await rm(join(folderOf(place), name), { force: true });
    }
    return paths;
  });
}

/** A journal of this process's own number that it finds is of an earlier one: it has closed its own, or holds it open and asks for none. */
function isDead(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  return pid === process.pid || !isRunning(pid);
}

async function allJournals(place: Pick<Place, 'localDir'>): Promise<KeptJournal[]> {
  const names = await readdir(folderOf(place)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw systemError(error, 'read', folderOf(place));
  });
  const journals: KeptJournal[] = [];
  for (const name of names.filter((one) => /^\d+-[0-9a-f]{12}\.jsonl$/.test(one)).toSorted()) {
    const text = await readFile(join(folderOf(place), name), 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return '';
      throw systemError(error, 'read', name);
    });
    const journal = parseJournal(name, text);
    if (journal !== null) journals.push(journal);
  }
  return journals;
}

/** What follows the last line end was never acknowledged: its writer was killed in the middle of it. */
function parseJournal(name: string, text: string): KeptJournal | null {
  const [first, ...lines] = text.split('\n').slice(0, -1);
  if (first === undefined) return null;
  const path = `.plumb/review/${name}`;
  const decisions: Decision[] = [];
  for (const [at, line] of lines.entries()) {
    if (line === undone) decisions.pop();
    else decisions.push(parseLine(path, at + 2, line, decisionSchema));
  }
  return { name, header: parseLine(path, 1, first, reviewHeaderSchema), decisions };
}
