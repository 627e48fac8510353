// datasets.lock: which data this revision has. Written canonically (same data sets, same bytes), one fact a line, and each line of a data set
// ends with its name as a comment: a diff hunk says what it is about, and no two lines of two data sets are equal, so that git's union merge puts
// two added data sets one after the other. A data set that both sides changed then has its keys twice, which is refused by name.
import { join } from 'node:path';
import { load } from 'js-yaml';
import { byCodeUnit } from '../base/canonical.ts';
import { isDigest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean, isName, listed } from '../base/names.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { PlannedFile } from './git-lines.ts';
import type { Lock, LockEntry } from './schema.ts';

type LockReader = Pick<Project, 'readText'>;

/** The lock of the work tree; without a file, no data sets. @throws PlumbError LOCK_CONFLICT, CONFIG_INVALID, YAML_SYNTAX */
export async function loadLock(project: LockReader): Promise<Lock> {
  return parseLock((await project.readText(files.lock)) ?? '');
}

/** The lock of a commit. @throws as loadLock */
export async function loadLockAt(project: Pick<Project, 'readTextAt'>, commit: string): Promise<Lock> {
  return parseLock((await project.readTextAt(commit, files.lock)) ?? '');
}

/** @throws PlumbError DATASET_UNKNOWN */
export function requireDataset(lock: Lock, name: string): LockEntry {
  const entry = Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined;
  if (entry !== undefined) return entry;
  const names = Object.keys(lock.datasets);
  throw new PlumbError('DATASET_UNKNOWN', {
    what: `${files.lock} has no data set "${name.slice(0, 120)}".${didYouMean(name, names)}`,
    where: { file: files.lock },
    mend: names.length === 0 ? 'add one with `plumb add FILE`' : `it has: ${listed(names)}`,
  });
}

/** The lock of the work tree as it shall be. */
export function planLock(project: Pick<Project, 'root'>, lock: Lock): PlannedFile {
  return { path: join(project.root, files.lock), bytes: formatLock(lock) };
}

/**
 * @param text of datasets.lock
 * @throws PlumbError LOCK_CONFLICT, CONFIG_INVALID, YAML_SYNTAX
 */
export async function parseLock(text: string): Promise<Lock> {
  refuseMarkers(text);
  let value: unknown;
  try {
    value = text.trim() === '' ? { version: 1, datasets: {} } : load(text, { filename: files.lock });
  } catch (error) {
    refuseTwice(text, error);
    value = undefined;
  }
  if (isRecord(value) && value['datasets'] === null) value['datasets'] = {};
  if (isLock(value)) return value;
  // only a file that is wrong pays for zod: it says what, and where
  const [{ parseYaml }, { lockSchema }] = await Promise.all([import('../base/config.ts'), import('./schema.ts')]);
  try {
    return await parseYaml(text, files.lock, lockSchema);
  } catch (error) {
    throw noContent(error, value) ?? error;
  }
}

/** A digest is nothing to write by hand: where a data set lacks the one of its file, the mend is to add it again. */
function noContent(error: unknown, lock: unknown): PlumbError | null {
  if (!isPlumbError(error, 'CONFIG_INVALID') || error.where === undefined || !isRecord(lock) || !isRecord(lock['datasets'])) return null;
  const name = /^datasets\.(.+)\.content$/.exec(error.where.path ?? '')?.[1];
  if (name === undefined) return null;
  const entry = Object.hasOwn(lock['datasets'], name) ? lock['datasets'][name] : undefined;
  if (!isRecord(entry) || entry['content'] !== undefined) return null;
  const options = ['key', 'label'].map((option) => (typeof entry[option] === 'string' ? ` --${option} ${entry[option]}` : ''));
  return new PlumbError('CONFIG_INVALID', {
    what: `data set "${name}" has no "content", the digest of its file`,
    where: error.where,
    mend: `take its lines out of ${files.lock}, then \`plumb add ${String(entry['path'])} --name ${name}${options.join('')}\``,
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}

function refuseMarkers(text: string): void {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.startsWith('<<<<<<< '));
  if (first === -1) return;
  const last = lines.findLastIndex((line) => line.startsWith('>>>>>>> '));
  const names = new Set(lines.slice(first, last + 1).map(nameOfLine));
  throw conflict(
    [...names].filter((name) => name !== undefined),
    first + 1,
  );
}

function refuseTwice(text: string, error: unknown): void {
  const mark = (error as { mark?: { line: number } }).mark;
  if (mark === undefined || !/duplicated mapping key/.test(String((error as { reason?: string }).reason))) return;
  const name = nameOfLine(text.split('\n')[mark.line] ?? '');
  throw conflict(name === undefined ? [] : [name], mark.line + 1);
}

function nameOfLine(line: string): string | undefined {
  return / {2}# (\S+)\r?$/.exec(line)?.[1];
}

function conflict(names: readonly string[], line: number): PlumbError {
  const which = names.map((name) => `"${name}"`).join(', ');
  const subject = names.length === 0 ? 'A data set' : `${names.length === 1 ? 'data set' : 'data sets'} ${which}`;
  return new PlumbError('LOCK_CONFLICT', {
    what: `${subject} ${names.length > 1 ? 'were' : 'was'} changed on both sides of a merge`,
    where: { file: files.lock, line },
    mend: 'run `plumb merge`: it puts the rows, or files, of both sides together',
    details: { datasets: names },
  });
}

const columnType = /^(string|integer|number|boolean|null|list|object|mixed)\??$/;
const ofRows = new Set(['digest', 'content', 'path', 'format', 'key', 'label', 'rows', 'bytes', 'schema', 'source']);
const ofFiles = new Set(['digest', 'path', 'format', 'files', 'bytes', 'source']);

/** What lockSchema says, in a hundredth of its start-up time; a test holds the two together. */
function isLock(value: unknown): value is Lock {
  if (!isRecord(value) || value['version'] !== 1 || !isRecord(value['datasets'])) return false;
  if (Object.keys(value).length !== 2) return false;
  return Object.entries(value['datasets']).every(([name, entry]) => isName(name) && isEntry(entry));
}

function isEntry(value: unknown): value is LockEntry {
  if (!isRecord(value) || !isDigest(value['digest']) || !isText(value['path']) || !isCount(value['bytes'])) return false;
  const source = value['source'];
  if (!isRecord(source) || source['kind'] !== 'files' || Object.keys(source).length !== 1) return false;
  const format = value['format'];
  if (format === 'files') return isCount(value['files']) && Object.keys(value).every((key) => ofFiles.has(key));
  if (format !== 'jsonl' && format !== 'csv' && format !== 'parquet') return false;
  const columns = value['schema'];
  return (
    isDigest(value['content']) &&
    isCount(value['rows']) &&
    (value['key'] === undefined || isText(value['key'])) &&
    (value['label'] === undefined || isText(value['label'])) &&
    isRecord(columns) &&
    Object.values(columns).every((type) => typeof type === 'string' && columnType.test(type)) &&
    Object.keys(value).every((key) => ofRows.has(key))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const head =
  '# The data of this revision, by digest. `plumb add` writes this file; see docs/architecture.md for how it merges.\nversion: 1\n\ndatasets:\n';

/** The canonical text: data sets and columns in order of UTF-16 code units, the fields of a data set in the order in which people read them. */
export function formatLock(lock: Lock): string {
  const sets = Object.entries(lock.datasets).toSorted(([a], [b]) => byCodeUnit(a, b));
  return head + sets.map(([name, entry]) => formatEntry(name, entry)).join('');
}

function formatEntry(name: string, entry: LockEntry): string {
  const lines: string[] = [];
  const line = (indent: number, text: string): void => void lines.push(`${' '.repeat(indent)}${text}  # ${name}\n`);
  line(2, `${scalar(name)}:`);
  const { digest, path, format, bytes } = entry;
  const facts =
    entry.format === 'files'
      ? { digest, path, format, files: entry.files, bytes }
      : { digest, content: entry.content, path, format, key: entry.key, label: entry.label, rows: entry.rows, bytes };
  for (const [key, value] of Object.entries(facts)) if (value !== undefined) line(4, `${key}: ${scalar(value)}`);
  if (entry.format !== 'files') {
    const columns = Object.entries(entry.schema).toSorted(([a], [b]) => byCodeUnit(a, b));
    line(4, columns.length === 0 ? 'schema: {}' : 'schema:');
    for (const [column, type] of columns) line(6, `${scalar(column)}: ${scalar(type)}`);
  }
  line(4, 'source:');
  line(6, `kind: ${scalar(entry.source.kind)}`);
  return lines.join('');
}

const plainText = /^[A-Za-z_./][A-Za-z0-9_./@+-]*\??$/;
/** Words that some YAML reader takes for something else than text. */
const taken = /^(?:true|false|yes|no|on|off|y|n|null|\.|\.\.|\.?(?:inf|nan)|[.]?[0-9].*)$/i;

function scalar(value: string | number): string {
  if (typeof value === 'number') return String(value);
  if (isDigest(value) || (plainText.test(value) && !taken.test(value))) return value;
  // JSON is YAML, save for the few characters that JSON lets stand and YAML does not
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
