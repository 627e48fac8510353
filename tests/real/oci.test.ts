// The remote in an OCI registry, against distribution (the reference implementation): without logins, with a password, with tokens, over a network that
// breaks; and what another client (crane) makes of it.
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../src/base/digest.ts';
import type { Remote } from '../../src/store/remote.ts';
import { openOciRemote } from '../../src/store/remotes/oci.ts';
import { remoteContract } from '../../src/store/remotes/remote.contract.ts';
import { installGoProgram } from './servers/install.ts';
import { startFaultProxy, type FaultProxy } from './servers/proxy.ts';
import { registryLogin, startRegistry } from './servers/servers.ts';

const { signal } = new AbortController();
const options = { signal };
const login = { PLUMB_REGISTRY_USER: registryLogin.user, PLUMB_REGISTRY_PASSWORD: registryLogin.password };
const patience = { pause: () => Promise.resolve(), random: () => 0 };
const folder = mkdtempSync(join(tmpdir(), 'plumb-oci-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (port: number, env = {}): Remote => openOciRemote(`oci://127.0.0.1:${port}/team/data`, { env, home: folder, patience });

function packOf(bytes: Buffer): { digest: Digest; file: { path: string; bytes: number } } {
  const digest = digestOf(bytes);
  const path = join(folder, hexOf(digest));
  writeFileSync(path, bytes);
  return { digest, file: { path, bytes: bytes.length } };
}

for (const auth of ['none', 'basic'] as const) {
  remoteContract(`distribution, auth ${auth}`, async () => {
    const server = await startRegistry({ auth });
    return { remote: open(server.port, auth === 'none' ? {} : login), exactFirst: false, close: () => server.stop() };
  });
}

/** Distribution that wants tokens, and, at /token of the same address, the service that gives them: everybody may read, who logs in may write. */
async function startTokenRegistry(seconds: number): Promise<{ proxy: FaultProxy; close: () => Promise<void> }> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = join(folder, `jwks-${randomBytes(4).toString('hex')}.json`);
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'ES256' }] }));
  let target = '';
  const proxy = await startFaultProxy(() => target);
  const facts = `realm: ${proxy.url}/token, service: tests, issuer: tests, jwks: ${jwks}`;
  const server = await startRegistry({ config: `auth: { token: { ${facts} } }` });
  target = server.url;
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const basic = `Basic ${Buffer.from(`${registryLogin.user}:${registryLogin.password}`).toString('base64')}`;
  proxy.disturb(({ path, headers }) => {
    const url = new URL(path, proxy.url);
    if (url.pathname !== '/token') return null;
    const [type, name, actions = ''] = (url.searchParams.get('scope') ?? '').split(':');
    const granted = headers.authorization === basic ? actions.split(',') : ['pull'];
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: 'tests', sub: 'x', aud: url.searchParams.get('service'), exp: now + 60, nbf: now - 60, iat: now, jti: 'x' };
    const body = `${encode({ typ: 'JWT', alg: 'ES256', kid: 'k' })}.${encode({ ...claims, access: [{ type, name, actions: granted }] })}`;
    const signature = sign('sha256', Buffer.from(body), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    return { kind: 'answer', status: 200, body: JSON.stringify({ token: `${body}.${signature}`, expires_in: seconds }) };
  });
  return { proxy, close: () => proxy.stop().then(() => server.stop()) };
}

remoteContract('distribution, auth token', async () => {
  const { proxy, close } = await startTokenRegistry(300);
  return { remote: open(proxy.port, login), exactFirst: false, close };
});

describe('tokens of distribution', () => {
  test('one for each kind of access; who has no login may read and not write', async () => {
    const { proxy, close } = await startTokenRegistry(300);
    try {
      const pack = packOf(randomBytes(100_000));
      const remote = open(proxy.port, login);
      await remote.writePack(pack.digest, pack.file, options);
      const key = hexOf(pack.digest);
      await remote.write('receipts', key, Buffer.from('{}'), { ifAbsent: false, packs: [{ digest: pack.digest, bytes: 100_000, tail: 9 }] }, options);
      const scopes = proxy.seen.flatMap(({ path }) => new URL(path, proxy.url).searchParams.get('scope') ?? []);
      expect(scopes).toEqual(['repository:team/data:pull', 'repository:team/data:pull,push']);
      const stranger = open(proxy.port);
      expect(String(await stranger.read('receipts', key, options))).toBe('{}');
      const another = packOf(Buffer.from('another'));
      await expect(stranger.writePack(another.digest, another.file, options)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_DENIED' }));
      await expect(stranger.remove('receipts', key, options)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_DENIED' }));
    } finally {
      await close();
    }
  });
});

test('a wrong password is refused, and not repeated', async () => {
  await using server = await startRegistry({ auth: 'basic' });
  const remote = open(server.port, { ...login, PLUMB_REGISTRY_PASSWORD: 'hunter2' });
  const error = await remote.read('receipts', 'ab'.repeat(32), options).catch((thrown: unknown) => thrown);
  expect(error).toEqual(expect.objectContaining({ code: 'REMOTE_DENIED', message: expect.stringContaining('UNAUTHORIZED') }));
  expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
});

test('a network that breaks all the time delays, and spoils nothing', async () => {
  await using server = await startRegistry();
  await using proxy = await startFaultProxy(server.url);
  const remote = open(proxy.port);
  // each kind of request fails twice in different ways before it is passed on
  const met = new Map<string, number>();
  proxy.disturb(({ method, path }) => {
    const what = `${method} ${path.replace(/[0-9a-f-]{36}.*/, '')}`;
    const times = (met.get(what) ?? 0) + 1;
    met.set(what, times);
    if (times % 3 === 1) return method === 'GET' ? { kind: 'cut-body', afterBytes: 50_000 } : { kind: 'cut' };
    return times % 3 === 2 ? { kind: 'answer', status: 503, headers: { 'retry-after': '0' } } : null;
  });
  const packs = Array.from({ length: 3 }, () => randomBytes(400_000)).map((bytes) => ({ bytes, ...packOf(bytes) }));
  const refs = packs.map(({ digest, bytes }) => ({ digest, bytes: bytes.length, tail: 0 }));
  for (const { digest, file } of packs) expect(await remote.writePack(digest, file, options)).toBe(400_000);
  const key = 'cd'.repeat(32);
  await remote.write('receipts', key, Buffer.from('{"a":1}'), { ifAbsent: false, packs: refs }, options);
  expect(String(await remote.read('receipts', key, options))).toBe('{"a":1}');
  for (const { digest, bytes } of packs) {
    expect(Buffer.concat(await Array.fromAsync(remote.readPack(digest, null, options))).equals(bytes)).toBe(true);
    const part = await Array.fromAsync(remote.readPack(digest, { start: 1000, end: 399_000 }, options));
    expect(Buffer.concat(part).equals(bytes.subarray(1000, 399_000))).toBe(true);
  }
  expect(proxy.seen.length).toBeGreaterThan(30);
  expect(proxy.seen.some(({ method }) => method === 'PATCH')).toBe(false);
});

test('a receipt whose pack is not in the registry is refused', async () => {
  await using server = await startRegistry();
  const packs = [{ digest: digestOf('nowhere'), bytes: 7, tail: 0 }];
  const writing = open(server.port).write('receipts', 'ab'.repeat(32), Buffer.from('{}'), { ifAbsent: false, packs }, options);
  await expect(writing).rejects.toEqual(
    expect.objectContaining({ code: 'REMOTE_FAILED', message: expect.stringContaining('MANIFEST_BLOB_UNKNOWN') }),
  );
});

test('a registry that does not allow deletion says so', async () => {
  await using server = await startRegistry();
  await using proxy = await startFaultProxy(server.url);
  proxy.disturb(({ method }) => (method === 'DELETE' ? { kind: 'answer', status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' } : null));
  const key = 'ab'.repeat(32);
  await open(proxy.port).write('receipts', key, Buffer.from('{}'), { ifAbsent: false, packs: [] }, options);
  await expect(open(proxy.port).remove('receipts', key, options)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_CANNOT' }));
});

test('a pack goes with the last receipt that names it, and no sooner', async () => {
  const program = await installGoProgram('registry');
  await using server = await startRegistry();
  const remote = open(server.port);
  const packs = [randomBytes(1000), randomBytes(2000), randomBytes(3000)].map((bytes) => packOf(bytes));
  for (const { digest, file } of packs) await remote.writePack(digest, file, options);
  const refs = packs.map(({ digest, file }) => ({ digest, bytes: file.bytes, tail: 0 }));
  const [gone, stays] = ['ab'.repeat(32), 'cd'.repeat(32)];
  await remote.write('receipts', gone, Buffer.from('{}'), { ifAbsent: false, packs: refs.slice(0, 2) }, options);
  await remote.write('receipts', stays, Buffer.from('{}'), { ifAbsent: false, packs: refs.slice(1, 2) }, options);
  await remote.remove('receipts', gone, options);
  // the third pack was named by nobody: its sender died
  await promisify(execFile)(program, ['garbage-collect', '--delete-untagged', join(server.folder, 'config.yml')], {
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  const there = await Promise.all(packs.map(({ digest }) => remote.has('packs', hexOf(digest), options)));
  expect(there).toEqual([false, true, false]);
  expect(String(await remote.read('receipts', stays, options))).toBe('{}');
  expect((await Array.fromAsync(remote.list('packs', options))).map(({ key }) => key)).toEqual([hexOf(packs[1]?.digest ?? 'sha256:')]);
  await expect(remote.write('receipts', gone, Buffer.from('{}'), { ifAbsent: false, packs: refs }, options)).rejects.toEqual(
    expect.objectContaining({ code: 'REMOTE_FAILED' }),
  );
});

test('another client reads what we wrote, and copies it so that we can read it there', async () => {
  const crane = await installGoProgram('crane');
  await using server = await startRegistry();
  await using other = await startRegistry();
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(crane, [...args, '--insecure'], { env: { PATH: process.env['PATH'], HOME: folder } });
    return stdout;
  };
  const bytes = randomBytes(300_000);
  const pack = packOf(bytes);
  const remote = open(server.port);
  await remote.writePack(pack.digest, pack.file, options);
  const key = 'ef'.repeat(32);
  const packs = [{ digest: pack.digest, bytes: bytes.length, tail: 0 }];
  await remote.write('receipts', key, Buffer.from('{"a":1}'), { ifAbsent: false, packs }, options);
  const [from, to] = [`127.0.0.1:${server.port}/team/data:${key}`, `127.0.0.1:${other.port}/team/data:${key}`];
  const manifest = JSON.parse(await run('manifest', from)) as { artifactType: string; layers: object[]; annotations: Record<string, string> };
  expect(manifest.artifactType).toBe('application/vnd.plumbline.receipt.v1');
  expect(manifest.layers).toEqual([{ mediaType: 'application/vnd.plumbline.pack.v1', digest: pack.digest, size: bytes.length }]);
  expect(manifest.annotations['dev.plumbline.text']).toBe('{"a":1}');
  await run('copy', from, to);
  expect(String(await open(other.port).read('receipts', key, options))).toBe('{"a":1}');
  expect(Buffer.concat(await Array.fromAsync(open(other.port).readPack(pack.digest, null, options))).equals(bytes)).toBe(true);
});
