// Secrets in the files of a folder, of a data set of files, or in one file. What a file held is remembered by its path and its digest: a second look at a
// folder scans the files that changed.
import { lstatSync, opendirSync, readFileSync, type Dirent } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hash } from 'node:crypto';
import { byCodeUnit } from '../../base/canonical.ts';
import { digestOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { filesOf, readManifest } from '../../datasets/manifest.ts';
import type { ReadNode } from '../../store/tree/tree.ts';
import type { CheckWorld } from '../checked-rows.ts';
import type { Finding, FlaggedRow } from '../findings.ts';
import { checkDigest } from '../memory.ts';
import type { SecretsAsked } from './asked.ts';
import { waive } from '../waivers.ts';
import { hashNamed, severityOf, tellFindings } from './findings.ts';
import { reportOf, secretsVersion, settingsOf, type SecretsAnswer } from './judge-rows.ts';
import type { FoundSecret } from './scan.ts';

export interface CheckedFiles {
  /** absolute: a folder, or one file */
  readonly path: string;
  /** data set, or the path as it was named */
  readonly name: string;
  /** of a version whose files are known: what was looked at before is not read again */
  readonly digests?: ReadonlyMap<string, Digest>;
}

/**
 * Digests of a version's files by their paths. @param manifest of a data set of files, or of a folder that a stage wrote
 * @returns null: its tree is not on this machine
 */
export async function digestsOfVersion(readNode: ReadNode, manifest: Digest): Promise<Map<string, Digest> | null> {
  const store = { readBytes: async (digest: Digest): Promise<Buffer> => Buffer.from(await readNode(digest)), remember: (): void => undefined };
  try {
    const version = await readManifest(store, manifest);
    const digests = new Map<string, Digest>();
    if (version.kind === 'files') for await (const { path, digest } of filesOf(store, version)) digests.set(path, digest);
    return digests;
  } catch (error) {
    if (isPlumbError(error, 'BYTES_MISSING')) return null;
    throw error;
  }
}

type FilesWorld = Pick<CheckWorld, 'memory' | 'progress' | 'signal'>;

/** One row of the report is one file; its number is that in the order of paths. */
export async function judgeSecretsInFiles({ path, name, digests }: CheckedFiles, asked: SecretsAsked, world: FilesWorld): Promise<SecretsAnswer> {
  const check = checkDigest(['secrets in files', secretsVersion, ...settingsOf(asked), name]);
  const known = await recall(world, check);
  const now = new Map<string, FileVerdict>();
  const flagged: FlaggedRow[] = [];
  const bar = world.progress.start(name, undefined, 'files');
  let [files, bytes, looked, binary, archives] = [0, 0, 0, 0, 0];
  try {
    for (const file of filesBelow(path)) {
      world.signal.throwIfAborted();
      files += 1;
      bar.advance(1);
      const digest = digests?.get(file.path);
      const isKnown = digest !== undefined && known.has(keyOfFile(file.path, digest));
      const read = isKnown ? { digest, bytes: Number(lstatOf(file.absolute).size), content: null } : await readWhole(file.absolute);
      bytes += read.bytes;
      const nameInMemory = keyOfFile(file.path, read.digest);
      const before = known.get(nameInMemory);
      if (before === undefined) looked += 1;
      const verdict = before ?? (await judgeFile(file, read, asked));
      now.set(nameInMemory, verdict);
      if (verdict === 'archive') archives += 1;
      else if (verdict === 'binary') binary += 1;
      else if (verdict.length > 0) flagged.push({ row: files, key: file.path, digest: read.digest, findings: verdict });
    }
  } finally {
    bar.end();
  }
  await remember(world, check, now);
  const told = [...waive(flagged, asked.waivers, name, hashNamed)];
  return { report: reportOf(told, name, files, asked, { bytes, binary_files: binary, archives }), flagged: told, looked };
}

type FileVerdict = Finding[] | 'binary' | 'archive';

interface FileAt {
  readonly absolute: string;
  /** relative to the folder, '/' between names */
  readonly path: string;
}

/** In the order of their paths. Links lead elsewhere, and what git keeps of itself is no content. */
function* filesBelow(path: string): Generator<FileAt> {
  if (lstatOf(path).isDirectory()) yield* walk(path, '');
  else yield { absolute: path, path: basename(path) };
}

function* walk(folder: string, prefix: string): Generator<FileAt> {
  for (const entry of entriesOf(folder)) {
    const path = `${prefix}${entry.name}`;
    const absolute = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== '.git') yield* walk(absolute, `${path}/`);
    } else if (entry.isFile()) yield { absolute, path };
  }
}

function entriesOf(folder: string): Dirent[] {
  const entries: Dirent[] = [];
  try {
    const open_ = opendirSync(folder);
    for (let entry = open_.readSync(); entry !== null; entry = open_.readSync()) entries.push(entry);
    open_.closeSync();
  } catch (error) {
    throw systemError(error, 'read', folder);
  }
  return entries.toSorted((a, b) => byCodeUnit(a.name, b.name));
}

function lstatOf(path: string): ReturnType<typeof lstatSync> & object {
  try {
    return lstatSync(path);
  } catch (error) {
    throw systemError(error, 'read', path);
  }
}

interface ReadFile {
  readonly digest: Digest;
  readonly bytes: number;
  /** null: too large to hold; it is read in pieces */
  readonly content: Buffer | null;
}

const largestWhole = 16 << 20;

async function readWhole(absolute: string): Promise<ReadFile> {
  try {
    const { size } = lstatSync(absolute);
    if (size > largestWhole) return await digestInPieces(absolute);
    const content = readFileSync(absolute);
    return { digest: digestOf(content), bytes: content.length, content };
  } catch (error) {
    throw errnoOf(error) === undefined ? error : systemError(error, 'read', absolute);
  }
}

async function digestInPieces(absolute: string): Promise<ReadFile> {
  const { digestOfFile } = await import('../../base/digest.ts');
  return { ...(await digestOfFile(absolute)), content: null };
}

async function judgeFile(file: FileAt, { content }: ReadFile, asked: SecretsAsked): Promise<FileVerdict> {
  const { scanner, config } = asked;
  if (scanner.passesOver(file.path)) return [];
  const named = scanner
    .findInPath(file.path)
    .map(({ rule, description }): Finding => ({ kind: rule, severity: severityOf(config, rule), column: null, message: description }));
  if (content !== null) {
    const text = textOf(content);
    if (text === null) return named.length > 0 ? named : unreadOf(content);
    return [...named, ...findingsOf(text, file, asked, { points: 0, lines: 0 })];
  }
  return judgeInPieces(file, asked, named);
}

/** @returns null: it is no text */
function textOf(bytes: Buffer): string | null {
  if (!isBinary(bytes)) return unreadOf(bytes) === 'archive' ? null : bytes.toString('utf8');
  const order = orderOfUtf16(bytes);
  if (order === null) return null;
  const whole = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  return (order === 'le' ? whole : whole.swap16()).toString('utf16le').replace(/^\ufeff/, ' ');
}

/** By its mark; without one, by the NULs that every Latin letter has on one side. null: it is none */
function orderOfUtf16(bytes: Buffer): 'le' | 'be' | null {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  if (mark === 0xfffe) return 'le';
  if (mark === 0xfeff) return 'be';
  const beginning = bytes.subarray(0, 8_000);
  const nuls: [number, number] = [0, 0];
  for (const [at, byte] of beginning.entries()) if (byte === 0) nuls[(at % 2) as 0 | 1] += 1;
  const half = beginning.length / 2;
  if (nuls[1] > 0.7 * half && nuls[0] === 0) return 'le';
  return nuls[0] > 0.7 * half && nuls[1] === 0 ? 'be' : null;
}

const archiveMarks = ['1f8b', '504b0304', '377abcaf271c', '28b52ffd', 'fd377a585a00', '526172211a07'].map((mark) => Buffer.from(mark, 'hex'));

/** What a file is that is no text: gzip, zip, 7z, zstd, xz, bzip2, rar and tar hold others. */
function unreadOf(bytes: Buffer): 'archive' | 'binary' {
  const isTar = bytes.toString('latin1', 257, 262) === 'ustar';
  const isBzip = /^BZh[1-9]1AY&SY/.test(bytes.toString('latin1', 0, 10));
  return isTar || isBzip || archiveMarks.some((mark) => bytes.subarray(0, mark.length).equals(mark)) ? 'archive' : 'binary';
}

/** git's own test: a NUL among the first bytes. */
function isBinary(bytes: Buffer): boolean {
  return bytes.subarray(0, 8_000).includes(0);
}

function findingsOf(text: string, file: FileAt, asked: SecretsAsked, before: { points: number; lines: number }): Finding[] {
  const found = asked.scanner.findDecoded(text, file.path);
  if (found.length === 0) return [];
  const where = ({ line }: FoundSecret): string => `line ${before.lines + line}: `;
  return tellFindings(text, found, asked, { column: null, where }).map((one) =>
    one.span === undefined ? one : { ...one, span: [one.span[0] + before.points, one.span[1] + before.points] },
  );
}

const pieceBytes = 4 << 20;

/** A piece ends with a line; a secret across two pieces of four megabytes is not found, as gitleaks finds none across its own. */
async function judgeInPieces(file: FileAt, asked: SecretsAsked, named: Finding[]): Promise<FileVerdict> {
  const handle = await open(file.absolute);
  const findings = [...named];
  const before = { points: 0, lines: 0 };
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (let first = true; ; first = false) {
      const block = Buffer.alloc(pieceBytes);
      const { bytesRead } = await handle.read(block, 0, pieceBytes, null);
      const beginning = block.subarray(0, bytesRead);
      if (first && (isBinary(beginning) || unreadOf(beginning) === 'archive')) return findings.length > 0 ? findings : unreadOf(beginning);
      const joined = Buffer.concat([rest, block.subarray(0, bytesRead)]);
      const cut = bytesRead === 0 || joined.length > 2 * pieceBytes ? joined.length : joined.lastIndexOf(10) + 1;
      const text = joined.toString('utf8', 0, cut);
      findings.push(...findingsOf(text, file, asked, before));
      for (const _ of text) before.points += 1;
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) before.lines += 1;
      rest = joined.subarray(cut);
      if (bytesRead === 0) return findings;
    }
  } finally {
    await handle.close();
  }
}

function keyOfFile(path: string, digest: Digest): string {
  return hash('sha256', `${path}\0${digest}`, 'base64url').slice(0, 22);
}

async function recall(world: FilesWorld, check: Digest): Promise<Map<string, FileVerdict>> {
  for await (const { state } of world.memory.recall(check)) {
    try {
      return new Map(JSON.parse(state.toString('utf8')) as [string, FileVerdict][]);
    } catch {
      continue;
    }
  }
  return new Map();
}

/** One version is enough: it names all files of the last look. */
async function remember(world: FilesWorld, check: Digest, verdicts: ReadonlyMap<string, FileVerdict>): Promise<void> {
  const version = { content: check, format: 'jsonl', key: null, label: null, tree: null } as const;
  await world.memory.keep(check, version, Buffer.from(JSON.stringify([...verdicts])));
}
