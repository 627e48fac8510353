// How a registry is spoken to: who is let in, where that goes and where it never goes, and what is tried again.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import type { Remote } from '../remote.ts';
import {
  bodyOfRequest,
  noWait,
  openFake,
  packOf,
  refuse,
  refused,
  reply,
  replyRange,
  startFake,
  startStorage,
  type FakeRegistry,
  type Oddity,
} from './oci.fixture.ts';
import { openOciRemote } from './oci.ts';

const options = { signal: new AbortController().signal };
const key = 'ab'.repeat(32);

async function fetch(remote: Remote, digest: Digest, range: { start: number; end: number } | null = null): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(remote.readPack(digest, range, options)));
}

/** Puts a pack there behind the remote's back. */
function plant(fake: FakeRegistry, bytes: Buffer): Digest {
  fake.blobs.set(digestOf(bytes), bytes);
  return digestOf(bytes);
}

describe('tokens and passwords', () => {
  const login = { PLUMB_REGISTRY_USER: 'someone', PLUMB_REGISTRY_PASSWORD: 'the-password' };
  const basic = `Basic ${Buffer.from('someone:the-password').toString('base64')}`;

  /** A registry whose tokens come from itself, at /token. */
  async function startBearer(more: { expires?: number; realm?: string } = {}): Promise<FakeRegistry & { given: string[]; void: Set<string> }> {
    const [given, invalid]: [string[], Set<string>] = [[], new Set()];
    const fake = await startFake(({ at, authorization, method }, _request, response) => {
      const url = new URL(at, fake.origin);
      if (url.pathname === '/token') {
        const actions = url.searchParams.get('scope')?.split(':')[2] ?? '';
        if (authorization !== basic && actions !== 'pull') return refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
        given.push(`${actions} ${authorization === undefined ? 'to nobody' : 'to someone'} of ${url.searchParams.get('service')}`);
        return reply(response, 200, {}, JSON.stringify({ token: `${actions}-${given.length}`, expires_in: more.expires ?? 300 }));
      }
      const needed = method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' ? 'delete' : 'pull,push';
      const [, actions, number] = /^Bearer (.*)-(\d+)$/.exec(authorization ?? '') ?? [];
      if (actions === needed && !invalid.has(`${actions}-${number}`)) return false;
      // what GitHub's registry says of the scope is a placeholder
      const realm = more.realm ?? `${fake.origin}/token`;
      const challenge = `Bearer realm="${realm}",service="a, service",scope="repository:user/image:pull"`;
      return refuse(response, 401, 'UNAUTHORIZED', '', { 'www-authenticate': challenge });
    });
    return Object.assign(fake, { given, void: invalid });
  }

  test('one token for each kind of access, asked once, also by many at once', async () => {
    await using fake = await startBearer();
    const remote = openFake(fake, { env: login });
    const packs = Array.from({ length: 6 }, (_, at) => packOf(Buffer.from(`pack ${at}`)));
    await Promise.all(packs.map((pack) => remote.writePack(pack.digest, pack.file, options)));
    await remote.write('receipts', key, Buffer.from('x'), { ifAbsent: false, packs: [] }, options);
    await remote.remove('receipts', key, options);
    expect(fake.given).toEqual(['pull to someone of a, service', 'pull,push to someone of a, service', 'delete to someone of a, service']);
  });

  test('a token that ran out is asked for anew, before it is refused', async () => {
    await using fake = await startBearer({ expires: 60 });
    let now = 1_000_000;
    const remote = openFake(fake, { env: login, now: () => now });
    for (const seconds of [0, 30, 55, 90]) {
      now = 1_000_000 + seconds * 1000;
      await remote.has('receipts', key, options);
    }
    expect(fake.given).toHaveLength(2);
    expect(fake.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
  });

  test('a token that is refused before its time is asked for anew', async () => {
    await using fake = await startBearer();
    const remote = openFake(fake, { env: login });
    await remote.has('receipts', key, options);
    fake.void.add('pull-1');
    expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.given).toHaveLength(2);
  });

  test('who has no login reads as nobody, and is told how to get one when that is not enough', async () => {
    await using fake = await startBearer();
    const remote = openFake(fake);
    expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.given).toEqual(['pull to nobody of a, service']);
    const pack = packOf(Buffer.from('x'));
    await expect(remote.writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_DENIED', 'PLUMB_REGISTRY_PASSWORD'));
  });

  test('a realm elsewhere without TLS is told nothing', async () => {
    await using storage = await startStorage((_seen, _request, response) => reply(response, 200, {}, '{"token":"x"}'));
    await using fake = await startBearer({ realm: 'http://192.0.2.1/token' });
    await expect(openFake(fake, { env: login }).has('receipts', key, options)).rejects.toEqual(
      refused('REMOTE_DENIED', 'http://192.0.2.1, which is not spoken to over TLS'),
    );
    // another port of this machine may give tokens, but gets no password
    await using near = await startBearer({ realm: `${storage.origin}/token` });
    await expect(openFake(near, { env: login }).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_DENIED'));
    expect(storage.seen.length).toBeGreaterThan(0);
    expect(storage.seen.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test('Basic: asked for once, then it goes along', async () => {
    await using fake = await startFake(
      ({ authorization }, _request, response) =>
        authorization !== basic && refuse(response, 401, 'UNAUTHORIZED', '', { 'www-authenticate': 'Basic realm="r"' }),
    );
    const remote = openFake(fake, { env: login });
    for (let turn = 0; turn < 3; turn++) expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic, basic]);
  });

  test('a wrong password is a refusal, and is never repeated, whatever the registry says', async () => {
    await using fake = await startFake((seen, _request, response) =>
      refuse(response, 401, 'UNAUTHORIZED', `no the-password, no ${seen.authorization}\u001b[31m\n!`, { 'www-authenticate': 'Basic realm="r"' }),
    );
    const error = await openFake(fake, { env: login })
      .read('receipts', key, options)
      .catch((thrown: Error) => thrown);
    expect(error).toEqual(refused('REMOTE_DENIED', 'logged in by PLUMB_REGISTRY_PASSWORD): UNAUTHORIZED: no ***'));
    expect(JSON.stringify(error) + String(error)).not.toMatch(/the-password|Basic c29t|\\u001b|\p{Cc}/u);
  });
});

describe('elsewhere', () => {
  const login = { PLUMB_REGISTRY_USER: 'someone', PLUMB_REGISTRY_PASSWORD: 'the-password' };
  const wantsLogin: Oddity = ({ authorization }, _request, response) =>
    authorization === undefined && refuse(response, 401, 'UNAUTHORIZED', '', { 'www-authenticate': 'Basic realm="r"' });

  test('a redirect to a storage service is followed without the login, with the range', async () => {
    const bytes = randomBytes(100_000);
    await using storage = await startStorage(({ range }, _request, response) => replyRange(response, range, bytes));
    await using fake = await startFake(async (seen, request, response) => {
      if (await wantsLogin(seen, request, response)) return true;
      return seen.method === 'GET' && seen.at.startsWith('blobs/') && reply(response, 307, { location: `${storage.origin}/signed?sig=secret` });
    });
    const digest = plant(fake, bytes);
    const remote = openFake(fake, { env: login });
    expect((await fetch(remote, digest, { start: 10, end: 90_000 })).equals(bytes.subarray(10, 90_000))).toBe(true);
    expect(storage.seen).toEqual([{ method: 'GET', at: '/signed?sig=secret', authorization: undefined, range: 'bytes=10-89999' }]);
  });

  test('a signed address that ran out is asked for anew; one that never works is not shown', async () => {
    const bytes = randomBytes(1000);
    await using storage = await startStorage(({ at, range }, _request, response) =>
      at.endsWith('2') ? replyRange(response, range, bytes) : reply(response, 403, {}, '<Error>'),
    );
    let given = 0;
    await using fake = await startFake(
      ({ method, at }, _request, response) =>
        method === 'GET' && at.startsWith('blobs/') && reply(response, 307, { location: `${storage.origin}/x?sig=${++given}` }),
    );
    const digest = plant(fake, bytes);
    expect((await fetch(openFake(fake), digest)).equals(bytes)).toBe(true);
    const error = await fetch(openFake(fake), digest).catch((thrown: Error) => thrown);
    expect(error).toEqual(refused('REMOTE_FAILED', 'which answers 403'));
    expect(JSON.stringify(error) + String(error)).not.toContain('sig=');
  });

  test('a HEAD that leads elsewhere has said that it is there', async () => {
    await using fake = await startFake(
      ({ method }, _request, response) => method === 'HEAD' && reply(response, 307, { location: 'http://192.0.2.1/x' }),
    );
    expect(await openFake(fake).has('packs', key, options)).toBe(true);
  });

  test('circles and nonsense come to an end', async () => {
    await using fake = await startFake(({ method, at }, _request, response) => method === 'GET' && reply(response, 302, { location: at }));
    await expect(openFake(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    fake.odd = ({ method }, _request, response) => method === 'GET' && reply(response, 302, { location: 'file:///etc/passwd' });
    await expect(openFake(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    fake.odd = ({ method }, _request, response) => method === 'POST' && reply(response, 202);
    const pack = packOf(Buffer.from('x'));
    await expect(openFake(fake).writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_FAILED', 'leads to no address'));
  });

  test('bytes may be wanted at another host: they go there, the login does not', async () => {
    const bytes = randomBytes(1000);
    let got: Uint8Array = new Uint8Array();
    await using storage = await startStorage(async (_seen, request, response) => {
      got = await bodyOfRequest(request);
      return reply(response, 201);
    });
    await using fake = await startFake(async (seen, request, response) => {
      if (await wantsLogin(seen, request, response)) return true;
      return seen.method === 'POST' && reply(response, 202, { location: `${storage.origin}/upload` });
    });
    const pack = packOf(bytes);
    await openFake(fake, { env: login }).writePack(pack.digest, pack.file, options);
    expect(bytes.equals(got)).toBe(true);
    expect(storage.seen).toEqual([expect.objectContaining({ at: `/upload?digest=sha256%3A${pack.hex}`, authorization: undefined })]);
  });
});

describe('what passes', () => {
  test('429 is waited out as long as it asks, in the header or in the words of GitHub', async () => {
    let turn = 0;
    const answers: Oddity[] = [
      (_seen, _request, response) => refuse(response, 429, 'TOOMANYREQUESTS', '', { 'retry-after': '7' }),
      (_seen, _request, response) => refuse(response, 429, 'TOOMANYREQUESTS', 'retry-after: 1.5s, allowed: 2000/minute'),
      (_seen, _request, response) => refuse(response, 503, 'UNAVAILABLE'),
    ];
    await using fake = await startFake((...request) => answers[turn++]?.(...request) ?? false);
    const waits: number[] = [];
    expect(await openFake(fake, { patience: noWait(waits) }).read('receipts', key, options)).toBe(null);
    // half of 0.8, 1.6 and 3.2 s
    expect(waits).toEqual([7400, 2300, 1600]);
  });

  test('what does not pass is told after seven tries; what asks for an hour, at once', async () => {
    await using fake = await startFake((_seen, _request, response) => refuse(response, 500, 'UNKNOWN', 'the disk\u0007 is full'));
    await expect(openFake(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'answers 500, 7 times in a row'));
    expect(fake.seen).toHaveLength(7);
    fake.seen.length = 0;
    await expect(openFake(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', '(UNKNOWN: the disk  is full)'));
    fake.odd = (_seen, _request, response) => refuse(response, 429, 'TOOMANYREQUESTS', '', { 'retry-after': '3600' });
    fake.seen.length = 0;
    await expect(openFake(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', '60 minutes'));
    expect(fake.seen).toHaveLength(1);
  });

  test('a PUT that is cut is sent again, whole; one that arrived is not', async () => {
    const bytes = randomBytes(3_000_000);
    const pack = packOf(bytes);
    let cuts = 0;
    await using fake = await startFake(async ({ method, at }, request, response) => {
      if (method !== 'PUT' || cuts++ > 0) return false;
      for await (const piece of request) if ((piece as Buffer).length > 0) break;
      response.destroy();
      return at !== '';
    });
    expect(await openFake(fake).writePack(pack.digest, pack.file, options)).toBe(3_000_000);
    expect(fake.log().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT', 'HEAD', 'POST', 'PUT']);
    expect(fake.blobs.get(pack.digest)?.equals(bytes)).toBe(true);

    fake.blobs.clear();
    fake.seen.length = 0;
    fake.odd = async ({ method }, request, response) => {
      if (method !== 'PUT') return false;
      fake.blobs.set(pack.digest, await bodyOfRequest(request));
      response.destroy();
      return true;
    };
    expect(await openFake(fake).writePack(pack.digest, pack.file, options)).toBe(3_000_000);
    expect(fake.log().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT', 'HEAD']);
  });

  test('a pack whose connection is cut goes on from there; by a registry without ranges, too', async () => {
    const bytes = randomBytes(500_000);
    for (const ranges of [true, false]) {
      let cuts = 0;
      await using fake = await startFake(({ method, range }, _request, response) => {
        if (method !== 'GET') return false;
        const start = ranges ? Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0) : 0;
        const headers = {
          'content-length': String(bytes.length - start),
          ...(ranges ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
        };
        response.writeHead(ranges && range !== undefined ? 206 : 200, headers);
        if (++cuts > 3) return (response.end(bytes.subarray(start)), true);
        return (response.write(bytes.subarray(start, 100_000 * cuts), () => setTimeout(() => response.destroy(), 20)), true);
      });
      expect((await fetch(openFake(fake), digestOf(bytes))).equals(bytes)).toBe(true);
      expect(fake.seen.map(({ range }) => range).slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    }
  });

  test('a range that is answered with other bytes is not believed', async () => {
    const bytes = randomBytes(1000);
    await using fake = await startFake(
      ({ method }, _request, response) => method === 'GET' && reply(response, 206, { 'content-range': 'bytes 0-99/1000' }, bytes.subarray(0, 100)),
    );
    await expect(fetch(openFake(fake), digestOf(bytes), { start: 100, end: 200 })).rejects.toEqual(refused('REMOTE_FAILED', 'gives others'));
  });

  test('nobody at home', async () => {
    const fake = await startFake();
    await fake.close();
    await expect(openFake(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'does not answer (ECONNREFUSED), 7 times'));
    const nowhere = openOciRemote('oci+http://no-such-host.invalid/x', { env: {}, home: '/nowhere', patience: noWait() });
    await expect(nowhere.has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED'));
  });

  test('the proxy that the environment names is asked, but not for this machine; one that refuses is told', async () => {
    const wanted: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      wanted.push(String(request.url));
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    const env = {
      https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      HTTP_PROXY: 'http://127.0.0.1:1',
      no_proxy: 'other.invalid',
    };
    const remote = openOciRemote('oci://registry.invalid/x', { env, home: '/nowhere', patience: noWait() });
    await expect(remote.has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', /Proxy response \(407\)/));
    expect(new Set(wanted)).toEqual(new Set(['registry.invalid:443']));
    await using fake = await startFake();
    expect(await openFake(fake, { env }).has('receipts', key, options)).toBe(false);
  });

  test('a registry that does not speak TLS says how its address is written', async () => {
    await using fake = await startFake();
    // a name of this machine that does not look like one
    const remote = openOciRemote(`oci://0.0.0.0:${new URL(fake.origin).port}/x`, { env: {}, home: '/nowhere', patience: noWait() });
    await expect(remote.has('receipts', key, options)).rejects.toEqual(
      expect.objectContaining({ mend: 'write oci+http:// for a registry without TLS' }),
    );
  });
});
