// The remote in S3 against two real servers: versitygw (files, checks signatures and check sums) and moto (in memory, has STS and KMS). Where a server
// must be busy, far or old, a proxy in front of it is.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../src/base/digest.ts';
import type { Remote } from '../../src/store/remote.ts';
import { remoteContract } from '../../src/store/remotes/remote.contract.ts';
import { openS3Remote } from '../../src/store/remotes/s3.ts';
import { startFaultProxy, type Fault, type FaultProxy, type Seen } from './servers/proxy.ts';
import { startMoto, startVersitygw, type S3Server, type Server } from './servers/servers.ts';

const { signal } = new AbortController();
const options = { signal };
const folder = mkdtempSync(join(tmpdir(), 'plumb-s3-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Who this process is to AWS, and nobody else: neither the files of the user nor a machine in a cloud. */
function become(env: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  const nothing = { AWS_CONFIG_FILE: join(folder, 'none'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'), AWS_EC2_METADATA_DISABLED: 'true' };
  Object.assign(process.env, nothing, env);
}

const keysOf = (server: S3Server): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: server.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
});
const anyKeys = { AWS_ACCESS_KEY_ID: 'AKIATESTS', AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests' };
const hasty = { pause: async (): Promise<void> => undefined, random: (): number => 0 };
const open = (address: string): Remote => openS3Remote(address, process.env, hasty);

for (const style of ['path', 'virtual'] as const) {
  remoteContract(`versitygw, ${style} style,`, async () => {
    const server = await startVersitygw({ buckets: ['data'] });
    become(keysOf(server));
    const address = `s3://data/team/one?endpoint=http://localhost:${server.port}&style=${style}&part_size=5MiB`;
    return { remote: open(address), close: () => server.stop() };
  });
}

remoteContract('moto, with keys of KMS,', async () => {
  const server = await startMoto();
  become(anyKeys);
  await makeBucket(server, 'data');
  return { remote: open(`s3://data?endpoint=${server.url}&sse=aws:kms&kms_key=alias/plumbline&part_size=5MiB`), close: () => server.stop() };
});

async function makeBucket(server: Server, name: string): Promise<void> {
  expect(
    (
      await fetch(`${server.url}/${name}`, {
        method: 'PUT',
        headers: { authorization: 'AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0' },
      })
    ).status,
  ).toBe(200);
}

function makePack(size: number): { digest: Digest; hex: string; bytes: Buffer; file: { path: string; bytes: number } } {
  const bytes = randomBytes(size);
  const digest = digestOf(bytes);
  const path = join(folder, hexOf(digest));
  writeFileSync(path, bytes);
  return { digest, hex: hexOf(digest), bytes, file: { path, bytes: size } };
}

const putText = (remote: Remote, key: string, text: string, ifAbsent = false): Promise<boolean> =>
  remote.write('names', key, Buffer.from(text), { ifAbsent, packs: [] }, options);
const randomName = (): string => `runs/${randomBytes(32).toString('hex')}`;
const failureOf = (promise: Promise<unknown>): Promise<Error & { code: string; mend: string }> =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error as Error & { code: string; mend: string },
  );

describe('versitygw behind a proxy', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let remote: Remote;
  /** requests since the test began */
  let before = 0;
  const seen = (): readonly Seen[] => proxy.seen.slice(before);
  /** The first `times` requests that are meant have the fault. */
  const disturb = (fault: Fault, times: number, meant: (request: Seen) => boolean = () => true): void => {
    let left = times;
    proxy.disturb((request) => (meant(request) && left-- > 0 ? fault : null));
  };
  const slowDown: Fault = {
    kind: 'answer',
    status: 503,
    headers: { 'content-type': 'application/xml' },
    body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
  };

  beforeAll(async () => {
    server = await startVersitygw({ buckets: ['data', 'many'] });
    proxy = await startFaultProxy(server.url);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  beforeEach(() => {
    become(keysOf(server));
    proxy.disturb(() => null);
    before = proxy.seen.length;
    remote = open(`s3://data/p?endpoint=${proxy.url}&part_size=5MiB`);
  });

  describe('a server that is busy', () => {
    test('503 SlowDown: texts, questions and lists are asked for again, by the client', async () => {
      const key = randomName();
      disturb(slowDown, 1);
      expect(await putText(remote, key, 'one')).toBe(true);
      disturb(slowDown, 1);
      expect((await remote.read('names', key, options))?.toString()).toBe('one');
      disturb(slowDown, 1);
      expect(await remote.has('names', key, options)).toBe(true);
      disturb(slowDown, 1);
      expect((await Array.fromAsync(remote.list('names', options))).map((entry) => entry.key)).toContain(key);
      expect(seen().map((request) => request.headers['amz-sdk-request'])).toEqual(
        Array.from({ length: 4 }, () => ['attempt=1; max=6', 'attempt=2; max=6']).flat(),
      );
    });

    test('503 SlowDown: a pack is opened and sent anew, and its bytes are told once', async () => {
      const pack = makePack(3_000_000);
      disturb(slowDown, 3, ({ method }) => method === 'PUT');
      let told = 0;
      await remote.writePack(pack.digest, pack.file, { signal, onBytes: (bytes) => void (told += bytes) });
      expect(seen().filter(({ method }) => method === 'PUT')).toHaveLength(4);
      expect(told).toBe(3_000_000);
      expect(digestOf(Buffer.concat(await Array.fromAsync(remote.readPack(pack.digest, null, options))))).toBe(pack.digest);
    });

    test('503 SlowDown: a part of a big pack is sent again, the others are not', async () => {
      const pack = makePack(11 << 20);
      disturb(slowDown, 1, ({ path }) => path.includes('partNumber=2'));
      await remote.writePack(pack.digest, pack.file, options);
      const parts = seen().flatMap(({ path }) => /partNumber=(\d)/.exec(path)?.[1] ?? []);
      expect(parts.toSorted()).toEqual(['1', '2', '2', '3']);
      expect(digestOf(Buffer.concat(await Array.fromAsync(remote.readPack(pack.digest, null, options))))).toBe(pack.digest);
    });

    test('a connection that is cut on the way: sent again, and read on from where it was', async () => {
      const pack = makePack(2_000_000);
      disturb({ kind: 'cut' }, 2, ({ method }) => method === 'PUT');
      await remote.writePack(pack.digest, pack.file, options);
      disturb({ kind: 'cut-body', afterBytes: 600_000 }, 2, ({ method }) => method === 'GET');
      expect(digestOf(Buffer.concat(await Array.fromAsync(remote.readPack(pack.digest, null, options))))).toBe(pack.digest);
      expect(
        seen()
          .filter(({ method }) => method === 'GET')
          .map(({ headers }) => headers.range),
      ).toEqual([undefined, 'bytes=600000-', 'bytes=1200000-']);
    });

    test('one that never answers otherwise is given up', async () => {
      disturb({ kind: 'answer', status: 500 }, 100);
      const error = await failureOf(remote.read('names', randomName(), options));
      expect(error).toMatchObject({ code: 'REMOTE_FAILED', message: expect.stringContaining('(500)') });
      expect(seen()).toHaveLength(6);
      const pack = makePack(1000);
      disturb({ kind: 'answer', status: 502 }, 100, ({ method }) => method === 'PUT');
      expect((await failureOf(remote.writePack(pack.digest, pack.file, options))).code).toBe('REMOTE_FAILED');
    });

    test('one that is not there is REMOTE_FAILED', async () => {
      const gone = await startFaultProxy(server.url);
      await gone.stop();
      const error = await failureOf(open(`s3://data?endpoint=${gone.url}`).has('packs', '0'.repeat(64), options));
      expect(error).toMatchObject({ code: 'REMOTE_FAILED', message: expect.stringContaining('ECONNREFUSED') });
    });
  });

  describe('the first writer of a name', () => {
    test('is known by If-None-Match', async () => {
      const key = randomName();
      expect(await putText(remote, key, 'first', true)).toBe(true);
      expect(await putText(remote, key, 'second', true)).toBe(false);
      expect(seen().map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*']);
    });

    test('is asked to try again where two came at one instant (409)', async () => {
      disturb({ kind: 'answer', status: 409, body: '<Error><Code>ConditionalRequestConflict</Code></Error>' }, 2);
      expect(await putText(remote, randomName(), 'first', true)).toBe(true);
      expect(seen()).toHaveLength(3);
    });

    test('is found by asking first, where the server does not know conditions (501)', async () => {
      const refused: Fault = {
        kind: 'answer',
        status: 501,
        body: '<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality</Message></Error>',
      };
      disturb(refused, 100, ({ headers }) => headers['if-none-match'] !== undefined);
      const [one, two] = [randomName(), randomName()];
      expect(await putText(remote, one, 'first', true)).toBe(true);
      expect(await putText(remote, one, 'second', true)).toBe(false);
      expect(await putText(remote, two, 'first', true)).toBe(true);
      expect((await remote.read('names', one, options))?.toString()).toBe('first');
      // found out once
      expect(seen().filter(({ headers }) => headers['if-none-match'] !== undefined)).toHaveLength(1);
    });
  });

  describe('what goes over the wire', () => {
    test('a pack carries its digest, and a server refuses bytes that do not have it', async () => {
      const pack = makePack(1000);
      await remote.writePack(pack.digest, pack.file, options);
      const [, put] = seen();
      expect(put?.headers['x-amz-checksum-sha256']).toBe(createHash('sha256').update(pack.bytes).digest('base64'));
      expect(put?.headers['content-length']).toBe('1000');
      const wrong = digestOf('something else');
      expect((await failureOf(remote.writePack(wrong, pack.file, options))).code).toBe('REMOTE_FAILED');
      expect(await remote.has('packs', hexOf(wrong), options)).toBe(false);
    });

    test('nothing is framed in ways that only AWS reads', async () => {
      const pack = makePack(6 << 20);
      await remote.writePack(pack.digest, pack.file, options);
      await putText(remote, randomName(), 'x');
      for (const { headers } of seen()) {
        expect(headers['content-encoding'] ?? '').not.toContain('aws-chunked');
        expect(headers['x-amz-trailer']).toBe(undefined);
      }
    });

    test('more than a page is listed by pages', async () => {
      const packs = join(server.folder, 'objects', 'many', 'packs');
      mkdirSync(packs);
      const keys = Array.from({ length: 2100 }, (_, at) => digestOf(String(at)).slice(7));
      for (const key of keys) writeFileSync(join(packs, key), 'x');
      const entries = await Array.fromAsync(open(`s3://many?endpoint=${proxy.url}`).list('packs', options));
      expect(entries.map((entry) => entry.key).toSorted()).toEqual(keys.toSorted());
      expect(seen()).toHaveLength(3);
    });

    test('a prefix of any letters is one', async () => {
      const odd = open(`s3://data/${encodeURIComponent('données & co +1')}/x%25y?endpoint=${proxy.url}`);
      const pack = makePack(100);
      await odd.writePack(pack.digest, pack.file, options);
      await odd.movePack(pack.digest, 'condemned', options);
      expect((await Array.fromAsync(odd.list('condemned', options))).map((entry) => entry.key)).toEqual([pack.hex]);
      expect(Buffer.concat(await Array.fromAsync(odd.readPack(pack.digest, null, options))).equals(pack.bytes)).toBe(true);
    });
  });

  describe('who is not let in', () => {
    /** Everything that a log, a --debug or a crash could show of an error. */
    const allOf = (error: unknown): string =>
      inspect(error, { depth: 12, showHidden: true }) +
      JSON.stringify(error) +
      String((error as Error).stack) +
      inspect((error as Error).cause, { depth: 12, showHidden: true });

    test('a wrong secret is REMOTE_DENIED, and is nowhere in the error', async () => {
      const secret = 'wrong-secret-that-nobody-may-see';
      become({ ...keysOf(server), AWS_SECRET_ACCESS_KEY: secret });
      const pack = makePack(1000);
      for (const work of [
        () => remote.read('receipts', pack.hex, options),
        () => remote.has('packs', pack.hex, options),
        () => remote.writePack(pack.digest, pack.file, options),
        () => Array.fromAsync(remote.list('packs', options)),
        () => Array.fromAsync(remote.readPack(pack.digest, null, options)),
      ]) {
        remote = open(`s3://data/p?endpoint=${proxy.url}`);
        before = proxy.seen.length;
        const error = await failureOf(work());
        expect(error.code).toBe('REMOTE_DENIED');
        expect(error.mend).not.toBe('');
        const signature = /Signature=([0-9a-f]+)/.exec(seen()[0]?.headers.authorization ?? '')?.[1] ?? expect.fail('no signature');
        for (const hidden of [secret, signature, server.accessKeyId, server.secretAccessKey]) expect(allOf(error)).not.toContain(hidden);
      }
    });

    test('why is said also where the server says it only to GET', async () => {
      const deny = async (env: Record<string, string>): Promise<Error & { code: string; mend: string }> => {
        become({ ...keysOf(server), ...env });
        return failureOf(open(`s3://data/p?endpoint=${proxy.url}`).has('packs', '0'.repeat(64), options));
      };
      expect(await deny({ AWS_SECRET_ACCESS_KEY: 'wrong' })).toMatchObject({
        code: 'REMOTE_DENIED',
        message: expect.stringContaining('SignatureDoesNotMatch'),
      });
      expect(await deny({ AWS_SESSION_TOKEN: 'of another server' })).toMatchObject({
        code: 'REMOTE_DENIED',
        message: expect.stringContaining('InvalidToken'),
      });
      expect(await deny({ AWS_REGION: 'mars-1' })).toMatchObject({ code: 'REMOTE_FAILED', mend: expect.stringContaining('?region=us-east-1') });
      become({ ...keysOf(server), AWS_ACCESS_KEY_ID: 'AKIANOBODY' });
      const unknown = await failureOf(open(`s3://data/p?endpoint=${proxy.url}`).read('receipts', '0'.repeat(64), options));
      expect(unknown.code).toBe('REMOTE_DENIED');
    });

    test('nothing about it is printed', async () => {
      const secret = 'wrong-secret-that-nobody-may-see';
      const pack = makePack(1000);
      const script = `
        import { openS3Remote } from ${JSON.stringify(new URL('../../src/store/remotes/s3.ts', import.meta.url).href)};
        const remote = openS3Remote(process.argv[1], process.env);
        const signal = new AbortController().signal;
        for (const work of [
          () => remote.read('receipts', process.argv[2], { signal }),
          () => remote.writePack('sha256:' + process.argv[2], { path: process.argv[3], bytes: 1000 }, { signal }),
        ]) await work().catch((error) => console.error(error));`;
      const args = ['--input-type=module', '--eval', script, `s3://data/p?endpoint=${proxy.url}`, pack.hex, pack.file.path];
      const env = { ...process.env, ...keysOf(server), AWS_SECRET_ACCESS_KEY: secret };
      // the whole of what it says, with the errors as a debugger would show them
      const said = await new Promise<string>((resolve, reject) =>
        execFile(process.execPath, args, { env }, (error, stdout, stderr) => (error === null ? resolve(stdout + stderr) : reject(error))),
      );
      expect(said.match(/REMOTE_DENIED/g)).toHaveLength(2);
      for (const hidden of [secret, server.accessKeyId, 'Signature=']) expect(said).not.toContain(hidden);
    });

    test('nobody at all is told where credentials come from', async () => {
      become({});
      const error = await failureOf(open(`s3://data/p?endpoint=${proxy.url}`).has('packs', '0'.repeat(64), options));
      expect(error).toMatchObject({ code: 'REMOTE_DENIED', mend: expect.stringContaining('AWS_ACCESS_KEY_ID') });
      expect(seen()).toEqual([]);
    });

    test('a bucket that is not there is not an empty one', async () => {
      const error = await failureOf(open(`s3://elsewhere?endpoint=${proxy.url}`).read('receipts', '0'.repeat(64), options));
      expect(error).toMatchObject({ code: 'REMOTE_FAILED', message: expect.stringContaining('bucket that is not there') });
    });
  });
});

describe('moto behind a proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  beforeAll(async () => {
    server = await startMoto();
    proxy = await startFaultProxy(server.url);
    await makeBucket(server, 'data');
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  test('a session token goes with every request', async () => {
    become({ ...anyKeys, AWS_SESSION_TOKEN: 'a-session-of-tests' });
    const remote = open(`s3://data?endpoint=${proxy.url}`);
    const key = randomName();
    await putText(remote, key, 'x');
    expect((await remote.read('names', key, options))?.toString()).toBe('x');
    expect(proxy.seen.map(({ headers }) => headers['x-amz-security-token'])).toEqual(['a-session-of-tests', 'a-session-of-tests']);
  });

  test('a profile of the user says who we are', async () => {
    const credentials = join(folder, 'credentials');
    writeFileSync(credentials, '[team]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n');
    become({ AWS_PROFILE: 'team', AWS_SHARED_CREDENTIALS_FILE: credentials });
    await open(`s3://data?endpoint=${proxy.url}`).has('packs', '0'.repeat(64), options);
    expect(proxy.seen.at(-1)?.headers.authorization).toContain('Credential=AKIAPROFILE/');
  });

  test('a job takes a role by its web identity, and stores no key', async () => {
    const token = join(folder, 'token');
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    writeFileSync(token, `${part({ alg: 'RS256' })}.${part({ sub: 'repo:team/data:ref:refs/heads/main', aud: 'sts.amazonaws.com' })}.c2ln`);
    become({
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/data',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ROLE_SESSION_NAME: 'tests',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_STS: proxy.url,
    });
    const before = proxy.seen.length;
    const remote = open(`s3://data?endpoint=${proxy.url}`);
    const key = randomName();
    await putText(remote, key, 'x');
    await remote.has('names', key, options);
    const [sts, ...asked] = proxy.seen.slice(before);
    expect([sts?.method, sts?.path]).toEqual(['POST', '/']);
    expect(asked).toHaveLength(2);
    for (const { headers } of asked) {
      expect(headers.authorization).toMatch(/Credential=ASIA/);
      expect(headers['x-amz-security-token']).not.toBe(undefined);
    }
  });

  test('virtual-host style names the bucket in the host, path style in the path', async () => {
    become(anyKeys);
    const before = proxy.seen.length;
    await open(`s3://data/p?endpoint=http://localhost:${proxy.port}&style=virtual`).has('packs', '0'.repeat(64), options);
    await open(`s3://data/p?endpoint=http://localhost:${proxy.port}`).has('packs', '0'.repeat(64), options);
    expect(proxy.seen.slice(before).map(({ headers, path }) => [headers.host, path])).toEqual([
      [`data.localhost:${proxy.port}`, `/p/packs/${'0'.repeat(64)}`],
      [`localhost:${proxy.port}`, `/data/p/packs/${'0'.repeat(64)}`],
    ]);
  });

  test('keys of KMS are asked for wherever bytes are written, and the server has used them', async () => {
    become(anyKeys);
    const remote = open(`s3://data/kms?endpoint=${proxy.url}&sse=aws:kms&kms_key=alias/team&part_size=5MiB`);
    const [small, big] = [makePack(1000), makePack(6 << 20)];
    const before = proxy.seen.length;
    await putText(remote, randomName(), 'x');
    for (const pack of [small, big]) await remote.writePack(pack.digest, pack.file, options);
    await remote.movePack(small.digest, 'condemned', options);
    const writing = proxy.seen
      .slice(before)
      .filter(({ method, path }) => (method === 'PUT' && !path.includes('partNumber')) || path.endsWith('?uploads') || path.includes('?uploads='));
    expect(writing).toHaveLength(4);
    for (const { headers } of writing) {
      expect(headers['x-amz-server-side-encryption']).toBe('aws:kms');
      expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe('alias/team');
    }
    for (const path of [`kms/condemned/${small.hex}`, `kms/packs/${big.hex}`]) {
      const answer = await fetch(`${server.url}/data/${path}`, {
        method: 'HEAD',
        headers: { authorization: 'AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0' },
      });
      expect(answer.headers.get('x-amz-server-side-encryption')).toBe('aws:kms');
    }
  });

  test('what was sent in parts and stopped leaves no parts', async () => {
    become(anyKeys);
    const remote = open(`s3://data/stopped?endpoint=${proxy.url}&part_size=5MiB`);
    const pack = makePack(12 << 20);
    const stop = new AbortController();
    let told = 0;
    const reason = new Error('enough');
    const sending = remote.writePack(pack.digest, pack.file, {
      signal: stop.signal,
      onBytes: (bytes) => void ((told += bytes) > 6 << 20 && stop.abort(reason)),
    });
    await expect(sending).rejects.toBe(reason);
    const uploads = await (await fetch(`${server.url}/data?uploads`)).text();
    expect(uploads).not.toContain('<UploadId>');
    expect(await remote.has('packs', pack.hex, options)).toBe(false);
  });
});
