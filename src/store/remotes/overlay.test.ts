import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { openFolderRemote } from './folder.ts';
import { parseOciAddress } from './oci-address.ts';
import { openOverlay, untrustedAddress } from './overlay.ts';
import { remoteContract } from './remote.contract.ts';
import { parseS3Address } from './s3-address.ts';

const top = mkdtempSync(join(tmpdir(), 'plumb-overlay-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const options = { signal: new AbortController().signal };
const hex = createHash('sha256').update('key').digest('hex');

remoteContract('a folder over another', async () => ({
  remote: openOverlay(openFolderRemote(join(top, 'own')), openFolderRemote(join(top, 'never-made'))),
}));

describe('an overlay', () => {
  const below = openFolderRemote(join(top, 'below'));
  const own = openFolderRemote(join(top, 'apart'));
  const both = openOverlay(own, below);
  const bytes = Buffer.from('a pack');
  const digest = digestOf(bytes);
  const path = join(top, 'pack');
  const write = { ifAbsent: false, packs: [] };

  test('what is below is found; what is written stands apart', async () => {
    writeFileSync(path, bytes);
    await below.write('names', `trusted/${hex}`, Buffer.from('below'), write, options);
    await below.writePack(digest, { path, bytes: bytes.length }, options);
    expect((await both.read('names', `trusted/${hex}`, options))?.toString()).toBe('below');
    expect(await both.has('packs', digest.slice(7), options)).toBe(true);
    expect(await buffer(Readable.from(both.readPack(digest, { start: 2, end: 6 }, options)))).toEqual(Buffer.from('pack'));
    await both.write('names', `trusted/${hex}`, Buffer.from('apart'), write, options);
    expect((await both.read('names', `trusted/${hex}`, options))?.toString()).toBe('apart');
    expect((await below.read('names', `trusted/${hex}`, options))?.toString()).toBe('below');
  });

  test('nothing below is taken away, moved or listed', async () => {
    await both.remove('names', `trusted/${hex}`, options);
    expect((await both.read('names', `trusted/${hex}`, options))?.toString()).toBe('below');
    await expect(both.movePack(digest, 'condemned', options)).rejects.toThrow(expect.objectContaining({ code: 'BYTES_MISSING' }));
    const keys: string[] = [];
    for await (const entry of both.list('packs', options)) keys.push(entry.key);
    expect(keys).toEqual([]);
    expect(readdirSync(join(top, 'below/packs'))).toEqual([digest.slice(7)]);
    expect(existsSync(join(top, 'apart/packs', digest.slice(7)))).toBe(false);
  });

  test('a registry gets the packs that a receipt names, for it takes none without them', async () => {
    const registry = openOverlay({ ...own, dropsPacks: true }, below);
    await registry.write('receipts', hex, Buffer.from('{}'), { ifAbsent: false, packs: [{ digest, bytes: bytes.length, tail: 0 }] }, options);
    expect(readdirSync(join(top, 'apart/packs'))).toEqual([digest.slice(7)]);
  });

  test('what is nowhere is missing', async () => {
    await expect(buffer(Readable.from(both.readPack(digestOf('nothing'), null, options)))).rejects.toThrow(
      expect.objectContaining({ code: 'BYTES_MISSING' }),
    );
  });
});

test('the address of what is untrusted is one of the same kind', () => {
  expect(untrustedAddress('../remote/')).toBe('../remote-untrusted');
  expect(untrustedAddress('oci://ghcr.io/acme/data')).toBe('oci://ghcr.io/acme/data-untrusted');
  expect(parseOciAddress(untrustedAddress('oci://ghcr.io/acme/data') ?? '').name).toBe('acme/data-untrusted');
  expect(untrustedAddress('s3://bucket')).toBe('s3://bucket/untrusted');
  const s3 = untrustedAddress('s3://bucket/data/?endpoint=https://minio.example.org&region=eu');
  expect(parseS3Address(s3 ?? '')).toMatchObject({ bucket: 'bucket', prefix: 'data/untrusted/', region: 'eu' });
  expect(untrustedAddress('https://host/data')).toBe(null);
});
