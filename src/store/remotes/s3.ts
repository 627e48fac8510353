// A remote in S3, or in what speaks its language. Who we are is found by the AWS client as every AWS tool finds it: environment, profile, SSO, web
// identity (a GitHub job's OIDC), container, instance; nothing of that passes through here.
//
// Request bodies are signed with their SHA-256 (texts and parts) or checked by the server against the digest of the pack (x-amz-checksum-sha256), so
// the check sums that the client adds by itself, which some servers do not know, are off.
import { lookup } from 'node:dns';
import { open } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import type * as Aws from '@aws-sdk/client-s3';
import { hexOf } from '../../base/digest.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import { mapInParallel } from '../parallel.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import { keyedRemote, type Found, type KeyedReader, type KeyedWriter, type Part } from './keyed.ts';
import { isLoopback } from './oci-address.ts';
import { Passing, patience, persist, type Patience } from './retry.ts';
import { parseS3Address, type S3Address } from './s3-address.ts';
import { describeS3Failure, isAbsent, isBehindEnd, mayPass, s3Failure } from './s3-failures.ts';

/** Tries of a request by the client itself: exponential waits with full jitter (SDK "standard"), longer ones after 503 SlowDown and 429. */
const maxAttempts = 6;
const pieceBytes = 256 * 1024;
const maxSockets = 64;
const partsAtOnce = 3;

/** Opens nothing: the client (80 ms to load) comes with the first request. @throws PlumbError CONFIG_INVALID */
export function openS3Remote(address: string, env: Readonly<Record<string, string | undefined>>, how: Patience = patience): Remote {
  const place = parseS3Address(address);
  let bucket: Promise<S3Bucket> | undefined;
  const connected = (): Promise<S3Bucket> => (bucket ??= connect(place, env, how));
  const reader: KeyedReader = {
    url: place.url,
    get: async (path, part, options) => (await connected()).get(path, part, options),
    has: async (path, options) => (await connected()).has(path, options),
  };
  const writer: KeyedWriter = {
    put: async (path, bytes, ifAbsent, options) => (await connected()).put(path, bytes, ifAbsent, options),
    putFile: async (path, file, options) => (await connected()).putFile(path, file, options),
    list: async function* list(prefix, options) {
      yield* (await connected()).list(prefix, options);
    },
    remove: async (path, options) => (await connected()).remove(path, options),
    move: async (from, to, options) => (await connected()).move(from, to, options),
  };
  return keyedRemote(reader, writer, how);
}

async function connect(place: S3Address, env: Readonly<Record<string, string | undefined>>, how: Patience): Promise<S3Bucket> {
  const aws = await import('@aws-sdk/client-s3');
  const region = place.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? (place.endpoint === undefined ? undefined : 'us-east-1');
  const quiet = (): void => undefined;
  const agent = { maxSockets, lookup: lookUp };
  const client = new aws.S3Client({
    // left out, a profile may name it
    ...(region === undefined ? {} : { region }),
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    forcePathStyle: place.pathStyle,
    followRegionRedirects: true,
    retryMode: 'standard',
    maxAttempts,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000, httpAgent: agent, httpsAgent: agent },
    // before 2 MiB and more the client waits for the server's word to go on, by connections of its own, which do not look hosts up as ours do
    ...(isLocal(place) ? { expectContinueHeader: false } : {}),
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  return new S3Bucket(aws, client, place, how);
}

function isLocal(place: S3Address): boolean {
  return place.endpoint !== undefined && isLoopback(new URL(place.endpoint).hostname);
}

/** `bucket.localhost` is this machine, whether the resolver of this machine knows that (RFC 6761) or not. */
const lookUp: LookupFunction = (host, options, callback) => {
  if (!host.endsWith('.localhost')) return lookup(host, options, callback);
  const address = '127.0.0.1';
  return options.all === true ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4);
};

type PackFile = Parameters<KeyedWriter['putFile']>[1];

class S3Bucket implements Omit<KeyedReader, 'url'>, KeyedWriter {
  readonly #aws: typeof Aws;
  readonly #client: Aws.S3Client;
  readonly #place: S3Address;
  readonly #how: Patience;
  /** the server said once that it does not know If-None-Match */
  #noConditions = false;

  constructor(aws: typeof Aws, client: Aws.S3Client, place: S3Address, how: Patience) {
    this.#aws = aws;
    this.#client = client;
    this.#place = place;
    this.#how = how;
  }

  async get(path: string, part: Part, { signal }: RequestOptions): Promise<Found | null> {
    const whole = part.start === 0 && part.end === null;
    // Range counts the last byte itself
    const Range = `bytes=${part.start}-${part.end === null ? '' : part.end - 1}`;
    try {
      const answer = await this.#client.send(new this.#aws.GetObjectCommand({ ...this.#at(path), ...(whole ? {} : { Range }) }), {
        abortSignal: signal,
      });
      // in Node the body of an answer is a stream of node:http
      return { bytes: answer.ContentLength ?? null, body: this.#pieces(answer.Body as Readable, path) };
    } catch (error) {
      if (isAbsent(error)) return null;
      if (isBehindEnd(error)) return { bytes: 0, body: nothing() };
      throw this.#failure(error, `read ${path}`);
    }
  }

  async *#pieces(body: Readable, path: string): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw mayPass(error)
        ? new Passing(`cut the connection (${describeS3Failure(error).code ?? 'no reason given'})`)
        : this.#failure(error, `read ${path}`);
    }
  }

  async has(path: string, options: RequestOptions): Promise<boolean> {
    try {
      await this.#client.send(new this.#aws.HeadObjectCommand(this.#at(path)), { abortSignal: options.signal });
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      // an answer to HEAD has no body, so it does not say why it refuses (an expired session is a bare 400): the same question by GET does
      const { status } = describeS3Failure(error);
      if (status === undefined || status >= 500 || options.signal.aborted) throw this.#failure(error, `look for ${path}`);
      const found = await this.get(path, { start: 0, end: 1 }, options);
      if (found === null) return false;
      for await (const _ of found.body) break;
      return true;
    }
  }

  async put(path: string, bytes: Uint8Array, ifAbsent: boolean, options: RequestOptions): Promise<boolean> {
    if (ifAbsent && this.#noConditions && (await this.has(path, options))) return false;
    const attempt = async (): Promise<boolean> => {
      const condition = ifAbsent && !this.#noConditions ? { IfNoneMatch: '*' } : {};
      try {
        await this.#client.send(new this.#aws.PutObjectCommand({ ...this.#new(path), ...condition, Body: bytes }), { abortSignal: options.signal });
        return true;
      } catch (error) {
        const { name, status } = describeS3Failure(error);
        if (status === 412) return false;
        // of two conditional writers at one instant AWS lets one win and asks the other to try again
        if (status === 409) throw new Passing(`answers ${name}`);
        if (!ifAbsent || this.#noConditions || (name !== 'NotImplemented' && status !== 501)) throw this.#failure(error, `write ${path}`);
        // without conditions, of several writers at one instant the last one wins, and all read back the same
        this.#noConditions = true;
        return this.put(path, bytes, ifAbsent, options);
      }
    };
    const written = await persist(attempt, this.#place.url, this.#how, options.signal);
    if (written) await options.onBytes?.(bytes.length);
    return written;
  }

  async putFile(path: string, file: PackFile, options: RequestOptions): Promise<void> {
    const send = file.bytes > this.#place.wholeUpToBytes ? this.#putInParts : this.#putWhole;
    try {
      await send.call(this, path, file, options);
    } catch (error) {
      throw this.#failure(error, `write ${path}`);
    }
  }

  /** The file is streamed, so the client cannot send it a second time by itself: a new try opens it anew. */
  async #putWhole(path: string, file: PackFile, options: RequestOptions): Promise<void> {
    let told = 0;
    const attempt = async (): Promise<void> => {
      let sent = 0;
      // bytes that are sent again are not told again
      const onBytes = async (bytes: number): Promise<void> => {
        sent += bytes;
        if (sent > told) await options.onBytes?.(sent - told);
        told = Math.max(told, sent);
      };
      const stop = new AbortController();
      const body = Readable.from(metered(readFilePieces(file, 0, file.bytes), onBytes), { objectMode: false, highWaterMark: pieceBytes });
      // the client does not listen: without this, a file that cannot be read would end the process
      body.on('error', (error) => stop.abort(error));
      const ChecksumSHA256 = Buffer.from(hexOf(file.digest), 'hex').toString('base64');
      const command = new this.#aws.PutObjectCommand({ ...this.#new(path), Body: body, ContentLength: file.bytes, ChecksumSHA256 });
      try {
        await this.#client.send(command, { abortSignal: AbortSignal.any([options.signal, stop.signal]) });
      } catch (error) {
        options.signal.throwIfAborted();
        stop.signal.throwIfAborted();
        throw mayPass(error) ? new Passing(`answers ${describeS3Failure(error).name} when asked to write ${path}`) : error;
      } finally {
        body.destroy();
      }
    };
    await persist(attempt, this.#place.url, this.#how, options.signal);
  }

  /** Parts are in memory, a few at a time, so that the client signs each with its SHA-256, and sends one that failed again by itself. */
  async #putInParts(path: string, file: PackFile, options: RequestOptions): Promise<void> {
    const abortSignal = options.signal;
    const { UploadId } = await this.#client.send(new this.#aws.CreateMultipartUploadCommand(this.#new(path)), { abortSignal });
    const upload = { ...this.#at(path), UploadId };
    const starts = Array.from({ length: Math.ceil(file.bytes / this.#place.partBytes) }, (_, at) => at * this.#place.partBytes);
    const sendPart = async (start: number, at: number): Promise<Aws.CompletedPart> => {
      const Body = Buffer.concat(await Array.fromAsync(readFilePieces(file, start, Math.min(start + this.#place.partBytes, file.bytes))));
      const { ETag } = await this.#client.send(new this.#aws.UploadPartCommand({ ...upload, PartNumber: at + 1, Body }), { abortSignal });
      await options.onBytes?.(Body.length);
      return { ETag, PartNumber: at + 1 };
    };
    try {
      const Parts = await mapInParallel([...starts.entries()], { width: partsAtOnce, signal: abortSignal }, ([at, start]) => sendPart(start, at));
      await this.#client.send(new this.#aws.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }), { abortSignal });
    } catch (error) {
      // an answer that was lost: the second try was told that there is no such upload any more
      if (describeS3Failure(error).name === 'NoSuchUpload' && (await this.has(path, options))) return;
      // parts that nobody sees are paid for, so they go, whether the caller still waits or not
      await this.#client.send(new this.#aws.AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(5000) }).catch(() => undefined);
      throw error;
    }
  }

  async *list(prefix: string, { signal }: RequestOptions): ReturnType<KeyedWriter['list']> {
    const { bucket, prefix: ours } = this.#place;
    for (let token: string | undefined, more = true; more;) {
      const page = new this.#aws.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: ours + prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const answer = await this.#client
        .send(page, { abortSignal: signal })
        .catch((error: unknown) => Promise.reject(this.#failure(error, `list ${prefix}`)));
      for (const { Key, Size, LastModified } of answer.Contents ?? []) {
        if (Key?.startsWith(ours) === true) yield { path: Key.slice(ours.length), bytes: Size ?? 0, modified: LastModified ?? null };
      }
      token = answer.NextContinuationToken;
      more = answer.IsTruncated === true && token !== undefined;
    }
  }

  async remove(path: string, { signal }: RequestOptions): Promise<void> {
    try {
      await this.#client.send(new this.#aws.DeleteObjectCommand(this.#at(path)), { abortSignal: signal });
    } catch (error) {
      if (!isAbsent(error)) throw this.#failure(error, `remove ${path}`);
    }
  }

  async move(from: string, to: string, options: RequestOptions): Promise<boolean> {
    const { bucket, prefix } = this.#place;
    const CopySource = [bucket, ...`${prefix}${from}`.split('/')].map(encodeURIComponent).join('/');
    try {
      await this.#client.send(new this.#aws.CopyObjectCommand({ ...this.#new(to), CopySource }), { abortSignal: options.signal });
    } catch (error) {
      if (isAbsent(error)) return false;
      throw this.#failure(error, `copy ${from}`);
    }
    await this.remove(from, options);
    return true;
  }

  #at(path: string): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + path };
  }

  #new(path: string): { Bucket: string; Key: string } & S3Address['encryption'] {
    return { ...this.#at(path), ...this.#place.encryption };
  }

  #failure(error: unknown, doing: string): unknown {
    return s3Failure(error, this.#place.url, doing);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // a part behind the end
}

/** Bytes of a file. @throws PlumbError FILE_MISSING, FILE_UNREADABLE, FILE_CHANGED */
async function* readFilePieces(file: PackFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  const unreadable = (error: unknown): Promise<never> => Promise.reject(systemError(error, 'read', file.path));
  const handle = await open(file.path, 'r').catch(unreadable);
  try {
    for (let at = start; at < end;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(pieceBytes, end - at)), 0, null, at).catch(unreadable);
      if (bytesRead === 0)
        throw new PlumbError('FILE_CHANGED', { what: `${file.path} became shorter while it was sent`, mend: 'run the command again' });
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function* metered(pieces: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => Promise<void>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    await onBytes(piece.length);
    yield piece;
  }
}
