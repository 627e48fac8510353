// Most remotes are keys and bytes. They implement this narrow port, and one adapter makes a Remote of it.
import type { Digest } from '../../base/digest.ts';
import { hexOf } from '../../base/digest.ts';
import type { ByteRange, Remote, RemoteEntry, RemoteKind, RequestOptions } from '../remote.ts';
import { packMissing, remoteCannot, remoteFailed, remoteReadOnly } from './failures.ts';
import { keyOfPath, mostTextBytes, pathOfKey } from './keys.ts';
import { Passing, patience, persist, waitOut, type Patience } from './retry.ts';

/** Part of a thing: from a byte on, to a byte or to its end. */
export interface Part {
  readonly start: number;
  /** behind the last byte; null: to the end */
  readonly end: number | null;
}

/** What a backend answers to `get`. */
export interface Found {
  /** that will come; null where the backend does not know. Fewer are a cut connection, and asked for again */
  readonly bytes: number | null;
  /** @throws Passing where the rest may be asked for again */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Reading: what every keyed backend does. Methods wait out what passes, and throw the failures of a Remote. */
export interface KeyedReader {
  readonly url: string;
  /** null: it is not there. A part behind the end is empty; the end of a part may lie behind the end. */
  get(path: string, part: Part, options: RequestOptions): Promise<Found | null>;
  has(path: string, options: RequestOptions): Promise<boolean>;
}

export interface KeyedWriter {
  /** All or nothing. @returns false where it is there already and `ifAbsent` */
  put(path: string, bytes: Uint8Array, ifAbsent: boolean, options: RequestOptions): Promise<boolean>;
  /** All or nothing. @param file digest: SHA-256 of its bytes, for a server to check */
  putFile(path: string, file: PackFile & { readonly digest: Digest }, options: RequestOptions): Promise<void>;
  /** Everything below `prefix` (a path that ends in /), by its whole path. */
  list(prefix: string, options: RequestOptions): AsyncIterable<{ readonly path: string; readonly bytes: number; readonly modified: Date | null }>;
  /** No error where nothing is. */
  remove(path: string, options: RequestOptions): Promise<void>;
  /** What stands at `to` is replaced. A reader finds it at one of the two at any time. @returns false where `from` is not there */
  move(from: string, to: string, options: RequestOptions): Promise<boolean>;
}

type PackFile = Parameters<Remote['writePack']>[1];

/** @param writer null: the remote can only be read */
export function keyedRemote(reader: KeyedReader, writer: KeyedWriter | null, how: Patience = patience): Remote {
  const { url } = reader;
  const writing = (): KeyedWriter => {
    if (writer === null) throw remoteReadOnly(url);
    return writer;
  };
  const listing = (what: string): KeyedWriter => {
    if (writer === null) throw remoteCannot(url, what);
    return writer;
  };
  return {
    url,
    canWrite: writer !== null,
    canList: writer !== null,
    read: (kind, key, options) => told(options, () => readText({ reader, how }, kind, key, options)),
    has: (kind, key, options) => told(options, () => reader.has(pathOfKey(kind, key), options)),
    write: (kind, key, bytes, what, options) => told(options, () => writing().put(pathOfKey(kind, key), bytes, what.ifAbsent, options)),
    writePack: (digest, file, options) =>
      told(options, async () => {
        const path = pathOfKey('packs', hexOf(digest));
        const target = writing();
        if (await reader.has(path, options)) return 0;
        await target.putFile(path, { ...file, digest }, options);
        return file.bytes;
      }),
    readPack: (digest, range, options) => readPack({ reader, how }, digest, range, options),
    list: (kind, options) => listKeys(() => listing('say what is there'), kind, options),
    remove: (kind, key, options) => told(options, () => listing('take anything away').remove(pathOfKey(kind, key), options)),
    movePack: (digest, to, options) => told(options, () => movePack({ reader, writer: listing('move a pack') }, digest, to, options)),
  };
}

/** Whatever a backend makes of an abort, the caller sees the reason of its own signal. */
async function told<T>(options: RequestOptions, work: () => Promise<T>): Promise<T> {
  options.signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  }
}

interface Source {
  readonly reader: KeyedReader;
  readonly how: Patience;
}

/** Whole or anew: a receipt that is replaced meanwhile must not come out as half of each. */
async function readText(source: Source, kind: 'receipts' | 'names', key: string, options: RequestOptions): Promise<Buffer | null> {
  const { reader, how } = source;
  const path = pathOfKey(kind, key);
  const most = mostTextBytes(kind, key);
  const attempt = async (): Promise<Buffer | null> => {
    const found = await reader.get(path, { start: 0, end: null }, options);
    if (found === null) return null;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of found.body) {
      bytes += piece.length;
      if (bytes > most) throw remoteFailed(reader.url, `has more than ${most} bytes at ${path}`, 'see who writes to it');
      pieces.push(piece);
    }
    if (found.bytes !== null && bytes < found.bytes) throw cut(bytes, found.bytes);
    await options.onBytes?.(bytes);
    return Buffer.concat(pieces, bytes);
  };
  return persist(attempt, reader.url, how, options.signal);
}

function cut(bytes: number, expected: number): Passing {
  return new Passing(`cut the connection after ${bytes} of ${expected} bytes`);
}

async function* readPack(source: Source, digest: Digest, range: ByteRange | null, options: RequestOptions): AsyncGenerator<Uint8Array> {
  const paths = [pathOfKey('packs', hexOf(digest)), pathOfKey('condemned', hexOf(digest))];
  const part: Part = range ?? { start: 0, end: null };
  if (!Number.isSafeInteger(part.start) || part.start < 0 || (part.end !== null && !(part.end >= part.start)))
    throw new Error('not a range of bytes');
  if (part.start === part.end) return;
  // a gc may move it between two requests, to either place: so the first is asked a second time
  const find = async (wanted: Part): Promise<Found | null> => {
    for (const path of [...paths, paths[0] ?? '']) {
      const found = await source.reader.get(path, wanted, options);
      if (found !== null) return found;
    }
    return null;
  };
  try {
    options.signal.throwIfAborted();
    const found = await find(part);
    if (found === null) throw packMissing(digest, source.reader.url);
    yield* flow(source, find, part, found, options);
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  }
}

/** The bytes of a part. Where a connection is cut, the rest is asked for; a try that brought something is no failed one. */
async function* flow(
  source: Source,
  find: (part: Part) => Promise<Found | null>,
  part: Part,
  first: Found,
  options: RequestOptions,
): AsyncGenerator<Uint8Array> {
  let at = part.start;
  for (let [found, failures] = [first, 0]; ;) {
    const began = at;
    try {
      for await (const piece of found.body) {
        options.signal.throwIfAborted();
        // a server that sends more than it was asked for is not believed
        const wanted = part.end === null ? piece : piece.subarray(0, part.end - at);
        await options.onBytes?.(wanted.length);
        at += wanted.length;
        yield wanted;
        if (at === part.end) return;
      }
      if (found.bytes === null || at - began >= found.bytes) return;
      throw cut(at - began, found.bytes);
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      failures = at > began ? 1 : failures + 1;
      await waitOut(error, failures, source.reader.url, source.how, options.signal);
    }
    const rest = await find({ start: at, end: part.end });
    if (rest === null) throw remoteFailed(source.reader.url, 'no longer has what was being read', 'run the command again');
    found = rest;
  }
}

async function* listKeys(writer: () => KeyedWriter, kind: RemoteKind, options: RequestOptions): AsyncGenerator<RemoteEntry> {
  try {
    options.signal.throwIfAborted();
    for await (const { path, bytes, modified } of writer().list(`${kind}/`, options)) {
      const key = keyOfPath(kind, path);
      // others may keep things beside ours
      if (key !== null) yield { key, bytes, modified };
    }
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  }
}

/** Killed between copy and removal, a backend leaves both: moved again, it is where it should be. */
async function movePack(
  place: { reader: KeyedReader; writer: KeyedWriter },
  digest: Digest,
  to: 'packs' | 'condemned',
  options: RequestOptions,
): Promise<void> {
  const target = pathOfKey(to, hexOf(digest));
  const moved = await place.writer.move(pathOfKey(to === 'packs' ? 'condemned' : 'packs', hexOf(digest)), target, options);
  if (!moved && !(await place.reader.has(target, options))) throw packMissing(digest, place.reader.url);
}
