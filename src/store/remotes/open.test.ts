import { describe, expect, test } from 'vitest';
import { isPlumbError, type PlumbError } from '../../base/errors.ts';
import type { Remote } from '../remote.ts';
import { openHttpRemote } from './http.ts';
import { openOciRemote } from './oci.ts';
import { displayUrl, openRemote } from './open.ts';
import { parseS3Address } from './s3-address.ts';
import { openS3Remote } from './s3.ts';

const world = { root: '/work/project', env: {} };

function refusal(address: string): PlumbError {
  try {
    openRemote(address, world);
  } catch (error) {
    if (isPlumbError(error)) return error;
    throw error;
  }
  return expect.fail(`${address} was taken`);
}

describe('the remote that an address names', () => {
  test('is what its scheme says; a path is a folder, relative to the project', () => {
    expect(openRemote('../remote', world).url).toBe('/work/remote');
    expect(openRemote('/srv/plumb', world).url).toBe('/srv/plumb');
    expect(openRemote('s3://bucket/a/b/', world).url).toBe('s3://bucket/a/b');
    expect(openRemote('S3://bucket', world).url).toBe('s3://bucket');
    expect(openRemote('oci://ghcr.io/owner/data', world).url).toBe('oci://ghcr.io/owner/data');
    expect(openRemote('https://data.example/models/', world)).toMatchObject({ url: 'https://data.example/models', canWrite: false, canList: false });
  });

  test('an unknown kind is refused with what is known', () => {
    expect(refusal('gs://bucket')).toMatchObject({
      code: 'CONFIG_INVALID',
      where: { file: 'plumbline.yaml', path: 'remote' },
      mend: expect.stringContaining('s3://'),
    });
    expect(refusal('htps://host/x').message).toContain('Did you mean "https"?');
  });

  test('who is let in never stands in it, and is not repeated', () => {
    for (const address of [
      's3://AKIAXYZ:hush@bucket/prefix',
      's3://AKIAXYZ:hu/sh@bucket/prefix',
      's3://bucket/prefix?endpoint=http://AKIAXYZ:hush@host',
      's3://bucket?access_key=AKIAXYZ&secret_key=hush',
      's3://bucket?AKIA1hush2/x',
      's3://bucket?X-Amz-Signature=hush',
      'https://user:hush@host/path',
      'https://user:h?u=hush@host/path',
      'https://host/path?token=hush',
      'ftp://user:hush@host/path',
      'oci://user:hush@ghcr.io/owner/data',
    ]) {
      const error = refusal(address);
      expect(error.code).toBe('CONFIG_INVALID');
      const said = [error.message, error.mend, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
      expect(said, address).not.toMatch(/hush|hu\/sh/);
    }
  });

  test('is shown without user, password and query', () => {
    expect(displayUrl('s3://bucket/a?endpoint=http://host')).toBe('s3://bucket/a');
    expect(displayUrl('https://user:pass@host/path?x=1#y')).toBe('https://host/path');
    expect(displayUrl('https://user:p/a?s=s#@host/path')).toBe('https://host/path');
    expect(displayUrl('/srv/a@b?c')).toBe('/srv/a@b?c');
  });
});

describe('a remote that is opened by its first use', () => {
  const factsOf = ({ url, canWrite, canList, dropsPacks }: Remote): object => ({ url, canWrite, canList, dropsPacks });

  test('says of itself beforehand what it is', () => {
    const [s3, oci, http] = ['s3://bucket/a?endpoint=http://host', 'oci+http://host/a/b', 'https://host/a/'];
    expect(factsOf(openRemote(s3, world))).toEqual(factsOf(openS3Remote(s3, {})));
    expect(factsOf(openRemote(oci, world))).toEqual(factsOf(openOciRemote(oci, { env: {} })));
    expect(factsOf(openRemote(http, world))).toEqual(factsOf(openHttpRemote(http, { env: {} })));
  });

  test('passes on what it is asked', async () => {
    const options = { signal: new AbortController().signal };
    const [remote, key] = [openRemote('http://127.0.0.1:9/x', world), '0'.repeat(64)];
    const refused = (code: string): object => expect.objectContaining({ code });
    await expect(remote.read('receipts', 'x', options)).rejects.toEqual(refused('NAME_INVALID'));
    await expect(remote.has('packs', 'x', options)).rejects.toEqual(refused('NAME_INVALID'));
    await expect(Array.fromAsync(remote.readPack('sha256:x', null, options))).rejects.toEqual(refused('NAME_INVALID'));
    await expect(remote.write('receipts', key, Buffer.alloc(1), { ifAbsent: true, packs: [] }, options)).rejects.toEqual(refused('REMOTE_READ_ONLY'));
    await expect(remote.writePack(`sha256:${key}`, { path: 'x', bytes: 1 }, options)).rejects.toEqual(refused('REMOTE_READ_ONLY'));
    await expect(Array.fromAsync(remote.list('packs', options))).rejects.toEqual(refused('REMOTE_CANNOT'));
    await expect(remote.remove('packs', key, options)).rejects.toEqual(refused('REMOTE_CANNOT'));
    await expect(remote.movePack(`sha256:${key}`, 'packs', options)).rejects.toEqual(refused('REMOTE_CANNOT'));
  });
});

describe('an address of S3', () => {
  test('says bucket, prefix and how to get there', () => {
    expect(parseS3Address('s3://bucket')).toMatchObject({
      bucket: 'bucket',
      prefix: '',
      pathStyle: false,
      encryption: {},
      region: undefined,
      endpoint: undefined,
    });
    expect(parseS3Address('s3://b-1/team/data?region=eu-west-1&sse=aws:kms&kms_key=arn:aws:kms:eu-west-1:1:key/2&part_size=8MiB')).toEqual({
      url: 's3://b-1/team/data',
      bucket: 'b-1',
      prefix: 'team/data/',
      region: 'eu-west-1',
      endpoint: undefined,
      pathStyle: false,
      encryption: { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'arn:aws:kms:eu-west-1:1:key/2' },
      wholeUpToBytes: 8 << 20,
      partBytes: 8 << 20,
    });
  });

  test('with a server of its own is in path style, unless it says otherwise, and shows the server', () => {
    expect(parseS3Address('s3://bucket/a?endpoint=http://127.0.0.1:9000/')).toMatchObject({
      pathStyle: true,
      url: 's3://bucket/a?endpoint=http://127.0.0.1:9000',
    });
    expect(parseS3Address('s3://bucket?endpoint=https://s3.example&style=virtual').pathStyle).toBe(false);
  });

  test('is refused where it is wrong, with what would be right', () => {
    const said = (address: string): string => {
      const { code, message, mend } = refusal(address);
      return `${code} ${message} ${mend}`;
    };
    expect(said('s3://bucket?regoin=eu-west-1')).toContain('Did you mean "region"?');
    expect(said('s3://bucket?region=a&region=b')).toContain('twice');
    expect(said('s3://bucket?region=')).toContain('no value');
    expect(said('s3://bucket?style=host')).toContain('path, virtual');
    expect(said('s3://bucket?sse=kms')).toContain('aws:kms');
    expect(said('s3://bucket?sse=AES256&kms_key=x')).toContain('kms_key');
    expect(said('s3://bucket?part_size=1MiB')).toContain('5MiB');
    expect(said('s3://bucket?part_size=lots')).toContain('5MiB');
    expect(said('s3://bucket?endpoint=host:9000')).toContain('http(s)://host:port');
    expect(said('s3://')).toContain('s3://bucket/prefix');
    expect(said('s3://bucket/a//b')).toContain('prefix');
    expect(said('s3://bucket/%2e%2e/b')).toContain('..');
    expect(said('s3://bucket/a/./b')).toContain('..');
    expect(said('https://host/a/..')).toContain('..');
    expect(said('s3://bucket/%zz')).toContain('%25');
    expect(said('s3://b/a')).toContain('no name of a bucket');
    expect(said('s3://bucket/a#b')).toContain('#');
  });
});
