// Files below reviews/: written once, named by their content, never changed. Two people, or two branches, write different files, so that git merges
// them without a word. A file is one sitting of one person: thousands of decisions are a few files, where a file each would cost git an object, an
// index entry and a file of the work tree for each (measured in docs/review.md).
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ZodType } from 'zod';
import { writeFileAtomic } from '../base/atomic.ts';
import { byCodeUnit, canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Project } from '../project/open.ts';
import {
  decisionSchema,
  queueHeaderSchema,
  queueRowSchema,
  reviewHeaderSchema,
  type Decision,
  type QueueHeader,
  type QueueRow,
  type ReviewHeader,
} from './schema.ts';
import type { Decided } from './settled.ts';

export const reviewsFolder = 'reviews';
type Place = Pick<Project, 'root'>;

export interface ReviewFile {
  /** relative to the project */
  readonly path: string;
  readonly header: ReviewHeader;
  readonly decisions: readonly Decision[];
}

export interface QueueFile {
  readonly path: string;
  readonly header: QueueHeader;
  readonly rows: readonly QueueRow[];
}

/** Data sets that anything was decided or asked about, sorted. */
export async function reviewedData({ root }: Place): Promise<string[]> {
  const entries = await foldersIn(join(root, reviewsFolder));
  return entries.filter(isName).toSorted(byCodeUnit);
}

/** Files of decisions in the work tree, sorted by name. @throws PlumbError REVIEW_INVALID, FILE_UNREADABLE */
export function readReviews(place: Place, data: string): Promise<ReviewFile[]> {
  return readFolder(place, `${reviewsFolder}/${data}`, (path, lines) => ({
    path,
    header: headerOf(path, lines, reviewHeaderSchema, data),
    decisions: restOf(path, lines, decisionSchema),
  }));
}

/** Files of rows that were asked for. @throws as readReviews */
export function readAsked(place: Place, data: string): Promise<QueueFile[]> {
  return readFolder(place, `${reviewsFolder}/${data}/asked`, (path, lines) => ({
    path,
    header: headerOf(path, lines, queueHeaderSchema, data),
    rows: restOf(path, lines, queueRowSchema),
  }));
}

/** Decisions of a file, each with who made it. */
export function decidedIn({ header, decisions }: Pick<ReviewFile, 'header' | 'decisions'>): Decided[] {
  return decisions.map((decision) => ({ ...decision, annotator: header.annotator, role: header.role }));
}

/** @returns path in the project, or null: there is nothing to say */
export function writeReview(place: Place, header: ReviewHeader, decisions: readonly Decision[]): Promise<string | null> {
  return writeLines(place, `${reviewsFolder}/${header.data}`, header, decisions);
}

/** The same rows for the same reason are the same file, whoever asks. */
export function writeAsked(place: Place, header: QueueHeader, rows: readonly QueueRow[]): Promise<string | null> {
  const sorted = rows.toSorted((a, b) => byCodeUnit(a.row, b.row));
  return writeLines(place, `${reviewsFolder}/${header.data}/asked`, header, sorted);
}

const attributes = { path: `${reviewsFolder}/.gitattributes`, text: '# named by their bytes: git must not change line ends\n*.jsonl -text\n' };

async function writeLines(place: Place, folder: string, header: object, lines: readonly object[]): Promise<string | null> {
  if (lines.length === 0) return null;
  const text = [header, ...lines].map((line) => `${canonicalJson(line as Json)}\n`).join('');
  const path = `${folder}/${hexOf(digestOf(text))}.jsonl`;
  if ((await readOrNull(join(place.root, attributes.path))) === null) await writeFileAtomic(join(place.root, attributes.path), attributes.text);
  await writeFileAtomic(join(place.root, path), text);
  return path;
}

const fileName = /^[0-9a-f]{64}\.jsonl$/;

async function readFolder<T>({ root }: Place, folder: string, parse: (path: string, lines: readonly string[]) => T): Promise<T[]> {
  const names = (await filesIn(join(root, folder))).filter((name) => fileName.test(name)).toSorted();
  const files: T[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    const bytes = await readOrNull(join(root, path));
    if (bytes === null) continue;
    if (`${hexOf(digestOf(bytes))}.jsonl` !== name) throw invalid(path, 1, 'its name is not the SHA-256 of what it says: it was changed');
    files.push(parse(path, bytes.toString('utf8').split('\n').slice(0, -1)));
  }
  return files;
}

function headerOf<T extends { data: string }>(path: string, lines: readonly string[], schema: ZodType<T>, data: string): T {
  const header = parseLine(path, 1, lines[0] ?? '', schema);
  if (header.data !== data) throw invalid(path, 1, `it is about ${header.data}, and stands in the folder of ${data}`);
  return header;
}

function restOf<T>(path: string, lines: readonly string[], schema: ZodType<T>): T[] {
  return lines.slice(1).map((line, at) => parseLine(path, at + 2, line, schema));
}

/** @throws PlumbError REVIEW_INVALID */
export function parseLine<T>(path: string, line: number, text: string, schema: ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, line, 'it is not JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(path, line, issue === undefined ? 'it has another shape' : `${[...issue.path, ''].map(String).join('.')} ${issue.message}`.trim());
}

function invalid(path: string, line: number, why: string): PlumbError {
  return new PlumbError('REVIEW_INVALID', {
    what: `${path} is no file of reviews: ${why}`,
    where: { file: path, line },
    mend: 'restore it from git: files below reviews/ are never edited, a later decision takes the place of an earlier one',
  });
}

async function readOrNull(path: string): Promise<Buffer | null> {
  return readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw systemError(error, 'read', path);
  });
}

async function filesIn(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function entriesOf(folder: string): Promise<import('node:fs').Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw systemError(error, 'read', folder);
  });
}
