// The whole command line over a network that breaks, in front of real servers: what passes is tried again; what does not ends in one clear error, nothing
// is half there, and the next try moves only what is missing.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesBelow, type Answer, type TestProject } from '../project.ts';
import { startFaultProxy, type Fault, type FaultProxy, type Seen } from './servers/proxy.ts';
import { registryLogin, startRegistry, startVersitygw, type Server } from './servers/servers.ts';
import { checkData, checkNames, checkNoTemporary, errorOf } from './stored-checks.ts';
import { cloneOf, createStored, dataOf, noise, writeData, type Files } from './stored.ts';

const hasty = `--import=${new URL('./hasty.ts', import.meta.url).href}`;
const mebibyte = 1 << 20;

/** Three packs: large files, and small ones. */
const many = ((): Files => {
  const { 'data/rows.jsonl': rows, ...others } = dataOf(1);
  const files = Array.from({ length: 72 }, (_, at) => [`data/large/${at}.bin`, noise(`network ${at}`, 2 * mebibyte)] as const);
  return { ...others, ...Object.fromEntries(files), 'data/rows.jsonl': rows ?? Buffer.alloc(0) };
})();
const manyBytes = Object.values(many).reduce((sum, { length }) => sum + length, 0);

interface Kind {
  readonly start: () => Promise<{ server: Server; env: Record<string, string>; secrets: string[] }>;
  /** where the proxy listens -> address of the remote */
  readonly address: (proxy: FaultProxy, folder: string) => string;
  /** does this request carry (part of) a pack there, or back? */
  readonly sendsPack: (request: Seen) => boolean;
  readonly readsPack: (request: Seen) => boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  S3: {
    start: async () => {
      const server = await startVersitygw({ buckets: ['data'] });
      const keys = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };
      return { server, env: { ...keys, AWS_REGION: server.region, AWS_EC2_METADATA_DISABLED: 'true' }, secrets: [server.secretAccessKey] };
    },
    address: (proxy, folder) => `s3://data/${folder}?endpoint=${proxy.url}`,
    sendsPack: ({ method, path }) => (method === 'PUT' || method === 'POST') && path.includes('/packs/'),
    readsPack: ({ method, path }) => method === 'GET' && path.includes('/packs/'),
  },
  'a registry': {
    start: async () => {
      const server = await startRegistry({ auth: 'basic' });
      const { user, password } = registryLogin;
      return { server, env: { PLUMB_REGISTRY_USER: user, PLUMB_REGISTRY_PASSWORD: password }, secrets: [password, btoa(`${user}:${password}`)] };
    },
    address: (proxy, folder) => `oci://127.0.0.1:${proxy.port}/team/${folder}`,
    sendsPack: ({ method, path }) => (method === 'PUT' || method === 'PATCH') && path.includes('/blobs/uploads/'),
    readsPack: ({ method, path }) => method === 'GET' && path.includes('/blobs/sha256:'),
  },
};

const bytesSent = ({ headers }: Seen): number => Number(headers['content-length'] ?? 0);

describe.each(Object.entries(kinds))('%s', (_name, kind) => {
  let proxy: FaultProxy;
  let server: Server;
  let env: Record<string, string>;
  let secrets: string[];
  let before = 0;
  beforeAll(async () => {
    ({ server, env, secrets } = await kind.start());
    proxy = await startFaultProxy(server.url);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  const create = (folder: string): TestProject => createStored(0, kind.address(proxy, folder));
  /** The command, in a hurry. */
  const run = async (project: TestProject, words: readonly string[]): Promise<Answer> => {
    before = proxy.seen.length;
    const answer = await project.plumb(words, { env: { ...env, NODE_OPTIONS: hasty } });
    for (const secret of secrets) expect(answer.stdout + answer.stderr).not.toContain(secret);
    return answer;
  };
  const done = async (project: TestProject, words: readonly string[]): Promise<Record<string, unknown>> => {
    const answer = await run(project, words);
    expect(answer, `${answer.stdout}${answer.stderr}`).toMatchObject({ exit: 0, code: undefined });
    return answer.json;
  };
  const seen = (): readonly Seen[] => proxy.seen.slice(before);
  const disturb = (decide: (request: Seen, at: number) => Fault): void => proxy.disturb((request, at) => decide(request, at - before));
  const refused = async (project: TestProject, words: readonly string[]): Promise<void> => {
    const answer = await run(project, words);
    expect(answer.exit, answer.stdout).toBe(4);
    expect(errorOf(answer)).toMatchObject({ code: 'REMOTE_FAILED', mend: expect.stringMatching(/again|next/) });
    expect(errorOf(answer).what).toContain(String(proxy.port));
    checkNames(project.path('.plumb/cache'));
    checkNoTemporary(project);
  };

  async function commitVersion(project: TestProject, files: Files): Promise<void> {
    writeData(project, files);
    await project.done('add', 'data/large', 'data/many', 'data/rows.jsonl');
    project.git('add', '-A');
    project.git('commit', '-qm', 'version');
  }

  test('cut connections, 500s, answers that end early and slow ones pass', async () => {
    using project = create('passing');
    const faults: readonly Fault[] = [
      { kind: 'cut' },
      { kind: 'answer', status: 500 },
      { kind: 'cut-body', afterBytes: 2000 },
      { kind: 'answer', status: 503, headers: { 'retry-after': '0' } },
      { kind: 'slow', ms: 100 },
      { kind: 'answer', status: 429, headers: { 'retry-after': '0' } },
    ];
    let disturbed = 0;
    disturb((_, at) => (at % 3 === 1 ? (faults[disturbed++ % faults.length] ?? null) : null));
    for (const version of [0, 1]) {
      await commitVersion(project, dataOf(version));
      await done(project, ['push']);
    }
    const clone = cloneOf(project, 'clone');
    await done(clone, ['pull']);
    checkData(clone, dataOf(1));
    checkNames(clone.path('.plumb/cache'));
    expect(disturbed).toBeGreaterThan(faults.length);
    proxy.disturb(() => null);
  });

  test('a network that goes in the middle of a push, and of a pull: the next try moves the rest', { timeout: 300_000 }, async () => {
    using project = create('interrupted');
    await commitVersion(project, many);
    let whole = 0;
    // the first pack gets through
    disturb((request) => {
      const last = whole >= 64 * mebibyte;
      if (kind.sendsPack(request)) whole += bytesSent(request);
      return last ? { kind: 'cut' } : null;
    });
    await refused(project, ['push']);
    const clone = cloneOf(project, 'clone');
    proxy.disturb(() => null);
    // what was sent is named by nobody yet
    expect((await run(clone, ['pull'])).code).toBe('BYTES_MISSING');
    await done(project, ['push']);
    const sent = seen()
      .filter(kind.sendsPack)
      .reduce((sum, request) => sum + bytesSent(request), 0);
    expect(sent).toBeLessThan(manyBytes - 60 * mebibyte);
    expect(sent).toBeGreaterThan(60 * mebibyte);
    // nothing to send: one question
    await done(project, ['push']);
    expect(seen().filter(({ path }) => path !== '/v2/').length).toBeLessThanOrEqual(2);

    let packs = 0;
    // two of the three packs come, of the third its beginning
    disturb((request) => {
      if (!kind.readsPack(request) || isTail(request)) return packs > 2 ? { kind: 'cut' } : null;
      packs += 1;
      if (packs <= 2) return null;
      return packs === 3 ? { kind: 'cut-body', afterBytes: mebibyte } : { kind: 'cut' };
    });
    await refused(clone, ['pull']);
    expect(filesBelow(clone.path('data'))).toEqual([]);
    proxy.disturb(() => null);
    const { bytes } = await done(clone, ['pull']);
    expect(bytes).toBeLessThan(manyBytes - 60 * mebibyte);
    expect(bytes).toBeGreaterThan(10 * mebibyte);
    checkData(clone, many);
    checkNames(clone.path('.plumb/cache'));
    // all is there: nothing is asked
    await done(clone, ['pull']);
    expect(seen()).toEqual([]);
  });

  test('a remote that is away: what needs it says so, what does not goes on', async () => {
    using project = create('away');
    await commitVersion(project, dataOf(0));
    disturb(() => ({ kind: 'cut' }));
    await refused(project, ['push']);
    rmSync(project.path('data/many'), { recursive: true });
    await done(project, ['checkout']);
    const status = await done(project, ['status']);
    expect(status).toMatchObject({ remoteFault: expect.any(String), datasets: [{ state: 'same' }, { state: 'same' }, { state: 'same' }] });
    checkData(project, dataOf(0));
    const clone = cloneOf(project, 'clone');
    await refused(clone, ['pull']);
    await refused(clone, ['fetch']);
    await refused(clone, ['checkout']);
    expect(filesBelow(clone.path('data'))).toEqual([]);
    proxy.disturb(() => null);
    await done(project, ['push']);
    await done(clone, ['checkout']);
    checkData(clone, dataOf(0));
  });
});

/** A small range at the end of a pack, or its footer: what is read to plan. */
function isTail({ headers }: Seen): boolean {
  const [, start = '0', end = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  return headers.range !== undefined && Number(end) - Number(start) < mebibyte;
}
