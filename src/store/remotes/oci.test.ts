// A registry that is odd in the ways in which real ones are (see oci.fixture.ts); the real one is in tests/real/oci.test.ts.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import type { Remote } from '../remote.ts';
import { openFake, packOf, refuse, refused, reply, replyRange, replyTags, startFake, type Oddity } from './oci.fixture.ts';
import { remoteContract } from './remote.contract.ts';

const options = { signal: new AbortController().signal };
const key = 'ab'.repeat(32);

remoteContract('a registry that ignores ranges and pages', async () => {
  const fake = await startFake(({ method, at }, _request, response) => {
    if (method === 'GET' && at.startsWith('blobs/')) {
      const blob = fake.blobs.get(at.slice('blobs/'.length));
      return blob !== undefined && replyRange(response, undefined, blob);
    }
    return at.startsWith('tags/list') && reply(response, 200, {}, JSON.stringify({ tags: [...fake.tags.keys(), 'latest', 'v1'] }));
  });
  return { remote: openFake(fake), exactFirst: false, close: () => fake.close() };
});

describe('what is asked', () => {
  test('a pack is a question, a session and one PUT; a receipt is one PUT, after its packs', async () => {
    await using fake = await startFake();
    const remote = openFake(fake);
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
    const remote = openFake(fake);
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
    const remote = openFake(fake);
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
      openFake(fake).write('names', `runs/${key}`, Buffer.from(text), { ifAbsent: true, packs: [] }, options);
    // the second writes between the first one's question and its PUT
    fake.odd = async ({ method, at }) => {
      if (method === 'PUT' && at.startsWith('manifests/') && other === null) {
        other = write('second');
        await other;
      }
      return false;
    };
    expect(await write('first')).toBe(true);
    expect(await (other as Promise<boolean> | null)).toBe(true);
    expect(String(await openFake(fake).read('names', `runs/${key}`, options))).toBe('first');
    expect(await write('third')).toBe(false);
  });

  test('more packs than a manifest can name are refused before anything is sent', async () => {
    await using fake = await startFake();
    const many = (count: number): { digest: Digest; bytes: number; tail: number }[] =>
      Array.from({ length: count }, (_, at) => ({ digest: digestOf(String(at)), bytes: 67_108_864, tail: 66_000_000 }));
    const write = (count: number): Promise<boolean> =>
      openFake(fake).write('receipts', key, Buffer.from(JSON.stringify(many(count))), { ifAbsent: false, packs: many(count) }, options);
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
        at.startsWith('tags/list') && reply(response, 200, {}, JSON.stringify({ tags: ['latest', ...all, 'runs-x', 'a'.repeat(63)] })),
  };
  for (const [name, odd] of Object.entries(oddTags)) {
    test(`tags come as ${name}`, async () => {
      await using fake = await startFake();
      const remote = openFake(fake);
      await fill(remote);
      fake.odd = odd(hexes);
      expect((await Array.fromAsync(remote.list('receipts', options))).map((entry) => entry.key).toSorted()).toEqual(hexes);
    });
  }

  test('a repository that is not there yet has nothing; one that lost all its tags, too', async () => {
    await using fake = await startFake(({ at }, _request, response) => at.startsWith('tags/') && refuse(response, 404, 'NAME_UNKNOWN'));
    expect(await Array.fromAsync(openFake(fake).list('receipts', options))).toEqual([]);
    fake.odd = ({ at }, _request, response) => at.startsWith('tags/') && reply(response, 200, {}, '{"name":"x","tags":null}');
    expect(await Array.fromAsync(openFake(fake).list('packs', options))).toEqual([]);
    fake.odd = ({ at }, _request, response) => at.startsWith('tags/') && reply(response, 200, {}, '<html>');
    await expect(Array.fromAsync(openFake(fake).list('packs', options))).rejects.toEqual(refused('REMOTE_FAILED', 'lists its tags'));
  });

  test('a registry that does not delete says so, and how it is done instead', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'DELETE' && refuse(response, 405, 'UNSUPPORTED'));
    const remote = openFake(fake);
    await fill(remote);
    await expect(remote.remove('receipts', hexes[0] ?? '', options)).rejects.toEqual(refused('REMOTE_CANNOT', 'cannot delete'));
  });

  test('a registry that takes nothing can be read', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'POST' && refuse(response, 405, 'UNSUPPORTED'));
    const pack = packOf(Buffer.from('a pack'));
    await expect(openFake(fake).writePack(pack.digest, pack.file, options)).rejects.toEqual(refused('REMOTE_READ_ONLY'));
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
      await expect(openFake(fake).read('receipts', key, options)).rejects.toEqual(refused(code, `something else at the tag ${key}`));
      await expect(openFake(fake).read('names', `runs/${key}`, options)).rejects.toEqual(refused('REMOTE_FAILED'));
    });
  }

  test('it is listed, so that it can be found, and can be taken away', async () => {
    await using fake = await startFake();
    const image = Buffer.from('{"schemaVersion":2,"layers":[]}');
    fake.manifests.set(digestOf(image), image);
    fake.tags.set(key, digestOf(image));
    const remote = openFake(fake);
    expect(await Array.fromAsync(remote.list('receipts', options))).toEqual([{ key, bytes: image.length, modified: null }]);
    expect(await Array.fromAsync(remote.list('packs', options))).toEqual([]);
    await remote.remove('receipts', key, options);
    expect(await remote.has('receipts', key, options)).toBe(false);
  });

  test('more than a manifest may have is not read', async () => {
    await using fake = await startFake(({ method }, _request, response) => method === 'GET' && reply(response, 200, {}, Buffer.alloc(9 << 20, 32)));
    await expect(openFake(fake).read('receipts', key, options)).rejects.toEqual(refused('REMOTE_FAILED', 'has more than 4194304 bytes'));
  });
});
