import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf, hexOf } from '../../base/digest.ts';
import type { Remote } from '../remote.ts';
import { openHttpRemote } from './http.ts';
import { pathOfKey } from './keys.ts';
import { remoteContract } from './remote.contract.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const { signal } = new AbortController();
const options = { signal };
/** Waits nothing, so that a test of tries takes no time. */
const hasty = { pause: async (): Promise<void> => undefined, random: (): number => 0 };

async function listen(handler: Handler): Promise<{ url: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function serve(handler: Handler): Promise<string> {
  const { url, server } = await listen(handler);
  onTestFinished(() => end(server));
  return url;
}

function open(url: string, env: Record<string, string> = {}): Remote {
  return openHttpRemote(url, { env, patience: hasty });
}

/** A web server over a folder, as they all do it. */
function staticFiles(root: string, knows: { ranges: boolean; head: boolean }): Handler {
  return (request, response) => {
    if (request.method === 'HEAD' && !knows.head) return void response.writeHead(405).end();
    const path = join(root, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return void response.writeHead(404).end('no such file');
    const [, from, to] = (knows.ranges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : null) ?? [];
    const [start, last] = [Number(from ?? 0), Math.min(to === undefined || to === '' ? size - 1 : Number(to), size - 1)];
    if (from !== undefined && start >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    response.writeHead(from === undefined ? 200 : 206, {
      'content-length': last - start + 1,
      ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${last}/${size}` }),
    });
    if (request.method === 'HEAD' || size === 0) return void response.end();
    createReadStream(path, { start, end: last }).pipe(response);
  };
}

for (const knows of [
  { ranges: true, head: true },
  { ranges: false, head: false },
]) {
  remoteContract(`a web server ${knows.ranges ? 'with ranges' : 'without ranges and HEAD'}`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'plumb-http-'));
    const { url, server } = await listen(staticFiles(root, knows));
    return {
      remote: open(`${url}/`),
      plant: async (kind, key, bytes) => {
        const path = join(root, pathOfKey(kind, key));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      },
      close: async () => {
        await end(server);
        rmSync(root, { recursive: true, force: true });
      },
    };
  });
}

const key = '0'.repeat(64);
const failure = (promise: Promise<unknown>): Promise<{ code: string; message: string; mend: string }> =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error as { code: string; message: string; mend: string },
  );

describe('what may pass', () => {
  test('is asked for again: 503 with and without Retry-After, 429, a cut connection', async () => {
    const answers: Handler[] = [
      (_, response) => void response.writeHead(503, { 'retry-after': '0' }).end(),
      (_, response) => void response.writeHead(429).end(),
      (request) => void request.socket.destroy(),
      (_, response) => void response.end('here'),
    ];
    const url = await serve((request, response) => answers.shift()?.(request, response));
    expect((await open(url).read('receipts', key, options))?.toString()).toBe('here');
    expect(answers).toEqual([]);
  });

  test('is not asked for without end', async () => {
    let asked = 0;
    const url = await serve((_, response) => void (asked++, response.writeHead(500).end()));
    expect(await failure(open(url).read('receipts', key, options))).toMatchObject({ code: 'REMOTE_FAILED', message: expect.stringContaining('500') });
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(12);
  });

  test('waits between tries grow and are random', async () => {
    const url = await serve((_, response) => void response.writeHead(500).end());
    const waits = async (random: number): Promise<number[]> => {
      const all: number[] = [];
      const remote = openHttpRemote(url, { env: {}, patience: { random: () => random, pause: async (ms) => void all.push(ms) } });
      await failure(remote.has('packs', key, options));
      return all;
    };
    const [short, long] = [await waits(0.1), await waits(0.9)];
    expect(long).toEqual(long.toSorted((a, b) => a - b));
    expect(long.every((ms, at) => ms > (short[at] ?? Number.POSITIVE_INFINITY))).toBe(true);
  });

  test('a pack whose connection is cut again and again is read on from where it was', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    const ranges: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      ranges.push(request.headers.range);
      const start = Number(/(\d+)-/.exec(request.headers.range ?? '0-')?.[1]);
      response.writeHead(start === 0 ? 200 : 206, { 'content-length': bytes.length - start, 'content-range': `bytes ${start}-99999/100000` });
      response.write(bytes.subarray(start, start + 30_000), () =>
        start + 30_000 < bytes.length ? setTimeout(() => response.destroy(), 20) : response.end(),
      );
    });
    const got = Buffer.concat(await Array.fromAsync(open(url).readPack(digestOf(bytes), null, options)));
    expect(got.equals(bytes)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=30000-', 'bytes=60000-', 'bytes=90000-']);
  });

  test('a text that is cut is read anew, from its beginning', async () => {
    const texts = ['first text, cut', 'second text, whole'];
    const url = await serve((_, response) => {
      const text = texts.shift() ?? '';
      response.writeHead(200, { 'content-length': text.length });
      response.write(text.slice(0, texts.length > 0 ? 5 : undefined), () => setTimeout(() => response.destroy(), 20));
    });
    expect((await open(url).read('receipts', key, options))?.toString()).toBe('second text, whole');
  });
});

describe('what does not pass', () => {
  test('is said at once, by what it is', async () => {
    const statuses: [number, string][] = [
      [401, 'REMOTE_DENIED'],
      [403, 'REMOTE_DENIED'],
      [400, 'REMOTE_FAILED'],
      [451, 'REMOTE_FAILED'],
    ];
    for (const [status, code] of statuses) {
      let asked = 0;
      const url = await serve((_, response) => void (asked++, response.writeHead(status).end('<p>go away</p>')));
      expect(await failure(open(url).read('receipts', key, options))).toMatchObject({ code, message: expect.stringContaining(String(status)) });
      expect(asked).toBe(1);
      expect((await failure(open(url).has('packs', key, options))).code).toBe(code);
    }
  });

  test('another range than was asked for, and compressed files, are refused', async () => {
    const other = await serve((_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-3/4' }).end('abcd'));
    expect(await failure(Array.fromAsync(open(other).readPack(`sha256:${key}`, { start: 2, end: 4 }, options)))).toMatchObject({
      code: 'REMOTE_FAILED',
    });
    const zipped = await serve((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('abcd'));
    expect((await failure(open(zipped).read('receipts', key, options))).message).toContain('compressing');
  });

  test('a text without end is not read to its end', async () => {
    const url = await serve((_, response) => {
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(more)));
      more();
    });
    expect((await failure(open(url).read('names', `runs/${key}`, options))).message).toContain('more than 4096 bytes');
  });
});

describe('redirects', () => {
  test('T21: are followed, and the token stays with the server that it is for', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => void (seen.push(request.headers.authorization), response.end('found')));
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url?.startsWith('/moved/') === true) response.writeHead(302, { location: `${elsewhere}/signed?secret=1` }).end();
      else response.writeHead(307, { location: `/moved${request.url}` }).end();
    });
    expect((await open(url, { PLUMB_HTTP_TOKEN: 'hush' }).read('receipts', key, options))?.toString()).toBe('found');
    expect(seen).toEqual(['Bearer hush', 'Bearer hush', undefined]);
  });

  test('end somewhere', async () => {
    let asked = 0;
    const url = await serve((_, response) => void (asked++, response.writeHead(302, { location: '/again?signature=abc' }).end()));
    const { code, message, mend } = await failure(open(url).has('packs', key, options));
    expect(code).toBe('REMOTE_FAILED');
    expect(message + mend).not.toContain('signature');
    expect(asked).toBe(6);
  });

  test('lead to no other kind of address', async () => {
    for (const location of ['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://[', '']) {
      const url = await serve((_, response) => void response.writeHead(302, { location }).end());
      expect((await failure(open(url).read('receipts', key, options))).code).toBe('REMOTE_FAILED');
    }
  });
});

describe('the address and the token', () => {
  test('no failure shows a token', async () => {
    const url = await serve((_, response) => void response.writeHead(403).end('Bearer hush is not good enough'));
    const error = await failure(open(url, { PLUMB_HTTP_TOKEN: 'hush' }).read('receipts', key, options));
    expect(JSON.stringify(error) + String((error as unknown as Error).stack)).not.toContain('hush');
    expect(error.mend).toContain('PLUMB_HTTP_TOKEN');
  });

  test('a token does not go over a network in the clear, nor a broken one anywhere', () => {
    const env = { PLUMB_HTTP_TOKEN: 'hush' };
    expect(() => openHttpRemote('http://data.example/x', { env })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(openHttpRemote('https://data.example/x', { env }).url).toBe('https://data.example/x');
    expect(() => openHttpRemote('https://data.example/x', { env: { PLUMB_HTTP_TOKEN: 'hu\nsh' } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hu\nsh') }),
    );
  });

  test('a host that nobody knows is said at once', async () => {
    const { code, message } = await failure(open('http://no-such-host.invalid/x').has('packs', hexOf(digestOf('')), options));
    expect([code, message]).toEqual(['REMOTE_FAILED', expect.stringContaining('http://no-such-host.invalid/x')]);
  });
});
