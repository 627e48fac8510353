// A registry that is odd in the ways in which real ones are (see oci.fixture.ts); the real one is in tests/real/oci.test.ts.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import type { Remote } from '../remote.ts';
import { bodyOfRequest, refuse, reply, replyRange, replyTags, startFake, startStorage, type FakeRegistry, type Oddity } from './oci.fixture.ts';
import { openOciRemote, type OciOptions } from './oci.ts';
import { remoteContract } from './remote.contract.ts';

const { signal } = new AbortController();
const options = { signal };
const refused = (code: string, text: string | RegExp = ''): object =>
  expect.objectContaining({ code, message: typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text) });
const key = 'ab'.repeat(32);
const noWait = (waits: number[] = []): NonNullable<OciOptions['patience']> => ({ pause: async (ms) => void waits.push(ms), random: () => 0.5 });

function open(fake: { readonly address: string }, more: Partial<OciOptions> = {}): Remote {
  return openOciRemote(fake.address, { env: {}, home: '/nowhere', patience: noWait(), ...more });
}

function packOf(bytes: Buffer): { digest: Digest; hex: string; file: { path: string; bytes: number } } {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-oci-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'pack');
  writeFileSync(path, bytes);
  return { digest: digestOf(bytes), hex: hexOf(digestOf(bytes)), file: { path, bytes: bytes.length } };
}

async function fetch(remote: Remote, digest: Digest, range: { start: number; end: number } | null = null): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(remote.readPack(digest, range, options)));
}

/** Puts a pack there behind the remote's back. */
function plant(fake: FakeRegistry, bytes: Buffer): Digest {
  fake.blobs.set(digestOf(bytes), bytes);
  return digestOf(bytes);
}

remoteContract('a registry that ignores ranges and pages', async () => {
  const fake = await startFake(({ method, at }, _request, response) => {
    if (method === 'GET' && at.startsWith('blobs/')) {
      const blob = fake.blobs.get(at.slice('blobs/'.length));
      return blob !== undefined && replyRange(response, undefined, blob);
    }
    return at.startsWith('tags/list') && reply(response, 200, {}, JSON.stringify({ tags: [...fake.tags.keys(), 'latest', 'v1'] }));
  });
  return { remote: open(fake), exactFirst: false, close: () => fake.close() };
});

describe('what is asked', () => {
  test('a pack is a question, a session and one PUT; a receipt is one PUT, after its packs', async () => {
    await using fake = await startFake();
    const remote = open(fake);
    const pack = packOf(randomBytes(5 << 20));
    await remote.writePack(pack.digest, pack.file, options);
    const layer = `sha256:${pack.hex.slice(0, 3)}`;
    expect(fake.log()).toEqual([`HEAD blobs/${layer}`, 'POST blobs/uploads/', expect.stringMatching(/^PUT blobs\/uploads\/\w+\?digest=sha256%3A/)]);
    fake.seen.length = 0;
    const packs = [{ digest: pack.digest, bytes: pack.file.bytes, tail: 5 }];
    await remote.write('receipts', key, Buffer.from('{"a":1}'), { ifAbsent: false, packs }, options);
    // the empty descriptor's blob, once
    expect(fake.log()).toEqual(['HEAD blobs/sha256:441', 'POST blobs/uploads/', expect.stringMatching(/^PUT blobs/), `PUT manifests/${key}`]);
    fake.seen.length = 0;
    await remote.write('receipts', 'cd'.repeat(32), Buffer.from('{"a":2}'), { ifAbsent: false, packs }, options);
    expect(await remote.read('receipts', key, options)).toEqual(Buffer.from('{"a":1}'));
    expect(await remote.has('receipts', key, options)).toBe(true);
    expect(fake.log()).toEqual([`PUT manifests/${'cd'.repeat(32)}`, `GET manifests/${key}`, `HEAD manifests/${key}`]);
  });

  test('a receipt is an image manifest whose layers are the packs', async () => {
    await using fake = await startFake();
    const pack = packOf(Buffer.from('a pack'));
    const remote = open(fake);
    await remote.writePack(pack.digest, pack.file, options);
    await remote.write('receipts', key, Buffer.from('{"a":1}'), { ifAbsent: false, packs: [{ digest: pack.digest, bytes: 6, tail: 2 }] }, options);
    const manifest = JSON.parse(String(fake.manifests.get(fake.tags.get(key) ?? ''))) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.plumbline.receipt.v1',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2, data: 'e30=' },
      layers: [{ mediaType: 'application/vnd.plumbline.pack.v1', digest: pack.digest, size: 6 }],
      annotations: { 'dev.plumbline.key': key, 'dev.plumbline.text': '{"a":1}' },
    });
    const [receipt] = await Array.fromAsync(remote.list('receipts', options));
    expect(Math.abs((receipt?.modified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('two names with one text are two manifests: taking one away leaves the other', async () => {
    await using fake = await startFake();
    const remote = open(fake);
    const names = [`runs/${key}`, `runs/${'cd'.repeat(32)}`];
    for (const name of names) expect(await remote.write('names', name, Buffer.from('sha256:1'), { ifAbsent: true, packs: [] }, options)).toBe(true);
    expect([...fake.tags.keys()]).toEqual([`runs-${key}`, `runs-${'cd'.repeat(32)}`]);
    await remote.remove('names', names[0] ?? '', options);
    expect((await Array.fromAsync(remote.list('names', options))).map((entry) => entry.key)).toEqual([names[1]]);
  });

  test('of two that write a name at one instant the last one wins, and the other is told', async () => {
    await using fake = await startFake();
    let other: Promise<boolean> | null = null;
    const write = (text: string): Promise<boolean> =>
      open(fake).write('names', `runs/${key}`, Buffer.from(text), { ifAbsent: true, packs: [] }, options);
    // the second writes between the first one's question and its PUT
    fake.odd = async ({ method, at }) => {
      if (method === 'PUT' && at.startsWith('manifests/') && other === null) {
        other = write('second');
        await other;
      }
      return false;
    };
    expect(await write('first')).toBe(true);
    expect(await other).toBe(true);
    expect(String(await open(fake).read('names', `runs/${key}`, options))).toBe('first');
    expect(await write('third')).toBe(false);
  });

  test('more packs than a manifest can name are refused before anything is sent', async () => {
    await using fake = await startFake();
    const many = (count: number): { digest: Digest; bytes: number; tail: number }[] =>
      Array.from({ length: count }, (_, at) => ({ digest: digestOf(String(at)), bytes: 67_108_864, tail: 66_000_000 }));
    const write = (count: number): Promise<boolean> =>
      open(fake).write('receipts', key, Buffer.from(JSON.stringify(many(count))), { ifAbsent: false, packs: many(count) }, options);
    await expect(write(16_000)).rejects.toEqual(refused('REMOTE_CANNOT', '16000 packs'));
    // as many as docs/remotes-oci.md promises: refused only because the packs are not there
    await expect(write(15_000)).rejects.toEqual(refused('REMOTE_FAILED', 'MANIFEST_BLOB_UNKNOWN'));
    expect(fake.log().filter((line) => line.startsWith('PUT manifests'))).toHaveLength(1);
  });
});

describe('listing and removing', () => {
  const hexes = Array.from({ length: 7 }, (_, at) => String(at).repeat(64));
  const fill = async (remote: Remote): Promise<void> => {
    for (const hex of hexes) await remote.write('receipts', hex, Buffer.from(hex), { ifAbsent: false, packs: [] }, options);
  };
  const oddTags: Record<string, (all: string[]) => Oddity> = {
    'pages that lead to each other':
      (all) =>
      ({ at }, _request, response) =>
        at.startsWith('tags/list') && replyTags(response, new URL(at.replace('n=1000', 'n=3'), 'http://x/'), all, true),
    'pages without a link':
      (all) =>
      ({ at }, _request, response) => {
        const filler = Array.from({ length: 995 }, (_, n) => `a${n}`).toSorted();
        return at.startsWith('tags/list') && replyTags(response, new URL(at, 'http://x/'), [...all, ...filler].toSorted(), false);
      },
    'a page that leads to itself':
      (all) =>
      ({ at }, _request, response) =>
        at.startsWith('tags/list') && reply(response, 200, { link: '</v2/team/data/tags/list>; rel="next"' }, JSON.stringify({ tags: all })),
    'all tags at once, and others beside ours':
      (all) =>
      ({ at }, _request, response) =>
        at.startsWith('tags/list') && reply(response, 200, {}, JSON.stringify({ tags: ['latest', ...all, 'runs-x', `${'a'.repeat(63)}`] })),
  };
  for (const [name, odd] of Object.entries(oddTags)) {
    test(`tags come as ${name}`, async () => {
      await using fake = await startFake();
      const remote = open(fake);
      await fill(remote);
      fake.odd = odd(hexes);
      expect((await Array.fromAsync(remote.list('receipts', options))).map((entry) => entry.key).toSorted()).toEqual(hexes);
    });
  }

  test('a repository that is not there yet has nothing; one that lost all its tags, too', async () => {
    await using fake = await startFake(({ at }, _request, response) => at.startsWith('tags/') && refuse(response, 404, 'NAME_UNKNOWN'));
    expect(await Array.fromAsync(open(fake).list('receipts', options))).toEqual([]);
    fake.odd = ({ at }, _request, response) => at.startsWith('tags/') && reply(response, 200, {}, '{"name":"x","tags":null}');
    expect(await Array.fromAsync(open(fake).list('packs', options))).toEqual([]);
    fake.odd = ({ at }, _request, response) => at.startsWith('tags/') && reply(response, 200, {}, '<html>');
    await expect(Array.fromAsync(open(fake).list('packs', options))).rejects.toEqual(refused('REMOTE_FAILED', 'lists its tags'));
  });

  test('a registry that does not delete says so, and how it is done instead', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'DELETE' && refuse(response, 405, 'UNSUPPORTED'));
    const remote = open(fake);
    await fill(remote);
    await expect(remote.remove('receipts', hexes[0] ?? '', options)).rejects.toEqual(refused('REMOTE_CANNOT', 'cannot delete'));
  });

  test('a registry that takes nothing can be read', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'POST' && refuse(response, 405, 'UNSUPPORTED'));
    const pack = packOf(Buffer.from('a pack'));
    await expect(open(fake).writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_READ_ONLY'));
  });
});

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
    const remote = open(fake, { env: login });
    const packs = Array.from({ length: 6 }, (_, at) => packOf(Buffer.from(`pack ${at}`)));
    await Promise.all(packs.map((pack) => remote.writePack(pack.digest, pack.file, options)));
    await remote.write('receipts', key, Buffer.from('x'), { ifAbsent: false, packs: [] }, options);
    await remote.remove('receipts', key, options);
    expect(fake.given).toEqual(['pull to someone of a, service', 'pull,push to someone of a, service', 'delete to someone of a, service']);
  });

  test('a token that ran out is asked for anew, before it is refused', async () => {
    await using fake = await startBearer({ expires: 60 });
    let now = 1_000_000;
    const remote = open(fake, { env: login, now: () => now });
    for (const seconds of [0, 30, 55, 90]) {
      now = 1_000_000 + seconds * 1000;
      await remote.has('receipts', key, options);
    }
    expect(fake.given).toHaveLength(2);
    expect(fake.seen.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
  });

  test('a token that is refused before its time is asked for anew', async () => {
    await using fake = await startBearer();
    const remote = open(fake, { env: login });
    await remote.has('receipts', key, options);
    fake.void.add('pull-1');
    expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.given).toHaveLength(2);
  });

  test('who has no login reads as nobody, and is told how to get one when that is not enough', async () => {
    await using fake = await startBearer();
    const remote = open(fake);
    expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.given).toEqual(['pull to nobody of a, service']);
    const pack = packOf(Buffer.from('x'));
    await expect(remote.writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_DENIED', 'PLUMB_REGISTRY_PASSWORD'));
  });

  test('a realm elsewhere without TLS is told nothing', async () => {
    await using storage = await startStorage((_seen, _request, response) => reply(response, 200, {}, '{"token":"x"}'));
    await using fake = await startBearer({ realm: 'http://192.0.2.1/token' });
    await expect(open(fake, { env: login }).has('receipts', key, options)).rejects.toEqual(
      refused('REMOTE_DENIED', 'http://192.0.2.1, which is not spoken to over TLS'),
    );
    // another port of this machine may give tokens, but gets no password
    await using near = await startBearer({ realm: `${storage.origin}/token` });
    await expect(open(near, { env: login }).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_DENIED'));
    expect(storage.seen.length).toBeGreaterThan(0);
    expect(storage.seen.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test('Basic: asked for once, then it goes along', async () => {
    await using fake = await startFake(
      ({ authorization }, _request, response) =>
        authorization !== basic && refuse(response, 401, 'UNAUTHORIZED', '', { 'www-authenticate': 'Basic realm="r"' }),
    );
    const remote = open(fake, { env: login });
    for (let turn = 0; turn < 3; turn++) expect(await remote.has('receipts', key, options)).toBe(false);
    expect(fake.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic, basic]);
  });

  test('a wrong password is a refusal, and is never repeated, whatever the registry says', async () => {
    await using fake = await startFake((seen, _request, response) =>
      refuse(response, 401, 'UNAUTHORIZED', `no the-password, no ${seen.authorization}\u001b[31m\n!`, { 'www-authenticate': 'Basic realm="r"' }),
    );
    const error = await open(fake, { env: login })
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
    const remote = open(fake, { env: login });
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
    expect((await fetch(open(fake), digest)).equals(bytes)).toBe(true);
    const error = await fetch(open(fake), digest).catch((thrown: Error) => thrown);
    expect(error).toEqual(refused('REMOTE_FAILED', 'which answers 403'));
    expect(JSON.stringify(error) + String(error)).not.toContain('sig=');
  });

  test('a HEAD that leads elsewhere has said that it is there', async () => {
    await using fake = await startFake(
      ({ method }, _request, response) => method === 'HEAD' && reply(response, 307, { location: 'http://192.0.2.1/x' }),
    );
    expect(await open(fake).has('packs', key, options)).toBe(true);
  });

  test('circles and nonsense come to an end', async () => {
    await using fake = await startFake(({ method, at }, _request, response) => method === 'GET' && reply(response, 302, { location: at }));
    await expect(open(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    fake.odd = ({ method }, _request, response) => method === 'GET' && reply(response, 302, { location: 'file:///etc/passwd' });
    await expect(open(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    fake.odd = ({ method }, _request, response) => method === 'POST' && reply(response, 202);
    const pack = packOf(Buffer.from('x'));
    await expect(open(fake).writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_FAILED', 'leads to no address'));
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
    await open(fake, { env: login }).writePack(pack.digest, pack.file, options);
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
    expect(await open(fake, { patience: noWait(waits) }).read('receipts', key, options)).toBe(null);
    // half of 0.8, 1.6 and 3.2 s
    expect(waits).toEqual([7400, 2300, 1600]);
  });

  test('what does not pass is told after seven tries; what asks for an hour, at once', async () => {
    await using fake = await startFake((_seen, _request, response) => refuse(response, 500, 'UNKNOWN', 'the disk\u0007 is full'));
    await expect(open(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'answers 500, 7 times in a row'));
    expect(fake.seen).toHaveLength(7);
    fake.seen.length = 0;
    await expect(open(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', '(UNKNOWN: the disk  is full)'));
    fake.odd = (_seen, _request, response) => refuse(response, 429, 'TOOMANYREQUESTS', '', { 'retry-after': '3600' });
    fake.seen.length = 0;
    await expect(open(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', '60 minutes'));
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
    expect(await open(fake).writePack(pack.digest, pack.file, options)).toBe(3_000_000);
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
    expect(await open(fake).writePack(pack.digest, pack.file, options)).toBe(3_000_000);
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
      expect((await fetch(open(fake), digestOf(bytes))).equals(bytes)).toBe(true);
      expect(fake.seen.map(({ range }) => range).slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    }
  });

  test('a range that is answered with other bytes is not believed', async () => {
    const bytes = randomBytes(1000);
    await using fake = await startFake(
      ({ method }, _request, response) => method === 'GET' && reply(response, 206, { 'content-range': 'bytes 0-99/1000' }, bytes.subarray(0, 100)),
    );
    await expect(fetch(open(fake), digestOf(bytes), { start: 100, end: 200 })).rejects.toEqual(refused('REMOTE_FAILED', 'gives others'));
  });

  test('nobody at home', async () => {
    const fake = await startFake();
    await fake.close();
    await expect(open(fake).has('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'does not answer (ECONNREFUSED), 7 times'));
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
    expect(await open(fake, { env }).has('receipts', key, options)).toBe(false);
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

describe('what is not ours', () => {
  const answers: Record<string, [string | Buffer, string]> = {
    'an image of somebody': ['{"schemaVersion":2,"layers":[]}', 'RECEIPT_INVALID'],
    'no JSON': ['<html>', 'RECEIPT_INVALID'],
    null: ['null', 'RECEIPT_INVALID'],
    "another key's receipt": [
      JSON.stringify({
        artifactType: 'application/vnd.plumbline.receipt.v1',
        layers: [],
        annotations: { 'dev.plumbline.key': 'cd'.repeat(32), 'dev.plumbline.text': 'x' },
      }),
      'RECEIPT_INVALID',
    ],
  };
  for (const [name, [body, code]] of Object.entries(answers)) {
    test(`at the tag stands ${name}`, async () => {
      await using fake = await startFake(({ method }, _request, response) => method === 'GET' && reply(response, 200, {}, body));
      await expect(open(fake).read('receipts', key, options)).rejects.toEqual(refused(code, `something else at the tag ${key}`));
      await expect(open(fake).read('names', `runs/${key}`, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    });
  }

  test('it is listed, so that it can be found, and can be taken away', async () => {
    await using fake = await startFake();
    const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
    fake.manifests.set(digestOf(image), image);
    fake.tags.set(key, digestOf(image));
    const remote = open(fake);
    expect(await Array.fromAsync(remote.list('receipts', options))).toEqual([{ key, bytes: image.length, modified: null }]);
    expect(await Array.fromAsync(remote.list('packs', options))).toEqual([]);
    await remote.remove('receipts', key, options);
    expect(await remote.has('receipts', key, options)).toBe(false);
  });

  test('more than a manifest may have is not read', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'GET' && reply(response, 200, {}, Buffer.alloc(9 << 20, 32)));
    await expect(open(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'has more than 4194304 bytes'));
  });
});
