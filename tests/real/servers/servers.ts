// Real servers for tests: each on a free port of 127.0.0.1, over a temporary folder, ended with the test. `await using server = await startRegistry()`,
// or start in beforeAll and stop in afterAll.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installGoProgram, installMoto, installPresidio } from './install.ts';

export interface Server extends AsyncDisposable {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  readonly port: number;
  /** what it keeps */
  readonly folder: string;
  /** what it printed so far */
  said(): string;
  /** Ends it and takes its folder away. */
  stop(): Promise<void>;
}

export interface S3Server extends Server {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** S3 over a folder; signatures are checked. `bucket.localhost` reaches a bucket, too. The buckets that are named are there. */
export async function startVersitygw(options: { buckets: readonly string[] }): Promise<S3Server> {
  const program = await installGoProgram('versitygw');
  const keys = { accessKeyId: `TEST${randomBytes(8).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(20).toString('hex') };
  const server = await start({
    name: 'versitygw',
    command: async ({ folder, port }) => {
      for (const bucket of options.buckets) await mkdir(join(folder, 'objects', bucket), { recursive: true });
      await mkdir(join(folder, 'meta'), { recursive: true });
      const place = ['--port', `127.0.0.1:${port}`, '--region', 'us-east-1', '--virtual-domain', `localhost:${port}`, '--quiet'];
      return [program, ...place, 'posix', '--sidecar', join(folder, 'meta'), join(folder, 'objects')];
    },
    env: { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
  });
  return { ...server, region: 'us-east-1', ...keys };
}

/** S3, STS and KMS of moto, in memory; signatures are not checked. Buckets are made by who uses it. */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const python = await installMoto();
  return start({ name: 'moto', command: async ({ port }) => [python, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], env });
}

/** Presidio's own server of its analyzer, with spaCy's small model of English. */
export async function startPresidio(): Promise<Server> {
  const python = await installPresidio();
  const here = fileURLToPath(new URL('presidio', import.meta.url));
  return start({
    name: 'presidio',
    command: async ({ port }) => [python, '-m', 'flask', '--app', join(here, 'app.py'), 'run', '--host', '127.0.0.1', '--port', String(port)],
    env: { NLP_CONF_FILE: join(here, 'nlp.yaml'), PYTHONDONTWRITEBYTECODE: '1' },
  });
}

/** User and password of a registry that was started with `auth: 'basic'`. */
export const registryLogin = { user: 'tester', password: 'a-password-of-tests' };
const registryHash = '$2b$04$r6Lio0tixVDLUCztIZAo2u3BAtDNyVSYT97oNIZnRjoaceIasCzn.';

/**
 * The OCI registry `distribution`; deletion is allowed.
 * @param options auth: basic asks for `registryLogin`; config: more YAML of its configuration, such as an `auth:` of another kind
 */
export async function startRegistry(options: { auth?: 'none' | 'basic'; config?: string } = {}): Promise<Server> {
  const program = await installGoProgram('registry');
  return start({
    name: 'registry',
    command: async ({ folder, port }) => {
      const lines = [
        'version: 0.1',
        'log: { level: warn, accesslog: { disabled: true } }',
        `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, 'blobs'))} }, delete: { enabled: true }, redirect: { disable: true } }`,
        `http: { addr: "127.0.0.1:${port}", secret: ${randomBytes(12).toString('hex')} }`,
        ...(options.auth === 'basic' ? [`auth: { htpasswd: { realm: tests, path: ${JSON.stringify(join(folder, 'htpasswd'))} } }`] : []),
        ...(options.config === undefined ? [] : [options.config]),
      ];
      await writeFile(join(folder, 'htpasswd'), `${registryLogin.user}:${registryHash}\n`);
      await writeFile(join(folder, 'config.yml'), `${lines.join('\n')}\n`);
      return [program, 'serve', join(folder, 'config.yml')];
    },
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
}

/** What still runs when this process ends, however it does. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @param what.command made when folder and port are known; what.ready: what it prints when it is, for one that does not listen */
export async function start(what: {
  name: string;
  command: (place: { folder: string; port: number }) => Promise<readonly string[]>;
  env: Readonly<Record<string, string>>;
  ready?: RegExp;
}): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), `plumb-${what.name}-`));
  const port = await freePort();
  const [program = '', ...args] = await what.command({ folder, port });
  // nothing of the caller's own keys and settings reaches a server
  const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...what.env };
  const child = spawn(program, args, { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-100_000)));
  const ended = new Promise<void>((resolve) => {
    child.on('error', (error) => (said += error.message));
    child.on('close', () => resolve());
  }).then(() => running.delete(child));
  const stop = async (): Promise<void> => {
    if (running.has(child)) child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(hard);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(
      () => (what.ready === undefined ? listens(port) : what.ready.test(said)),
      () => running.has(child),
    );
  } catch (error) {
    await stop();
    throw new Error(`${what.name} did not start: ${said}`, { cause: error });
  }
  return { url: `http://127.0.0.1:${port}`, port, folder, said: () => said, stop, [Symbol.asyncDispose]: stop };
}

async function untilReady(ready: () => boolean | Promise<boolean>, alive: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (!alive()) throw new Error('it ended');
    if (await ready()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it is not ready after a minute');
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** A port of 127.0.0.1 that nobody uses at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
