// Who we are to a registry. Looked up when a registry asks, so that one that does not ask costs no look.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import type { OciAddress } from './oci-address.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface FoundLogin {
  readonly login: Login | null;
  /** where it is from, or where it was looked for in vain; for messages, without the login itself */
  readonly from: string;
}

/** How long a program that keeps passwords may take: it may ask a person. */
const helperMs = 60_000;
const mostHelperBytes = 1 << 20;

/**
 * The login for a registry: PLUMB_REGISTRY_USER and PLUMB_REGISTRY_PASSWORD; for GitHub's registry the token of the job; else what `docker login` left.
 * @param place heard: others may hear what is said to it. Whoever edits plumbline.yaml can write oci+http:// before any host: that must not bring out a
 *   login that was given for the same host over TLS
 * @param from env: PATH too, for the programs that keep passwords; home: of the user
 */
export async function findLogin(
  place: Pick<OciAddress, 'registry' | 'heard'>,
  from: { readonly env: Environment; readonly home: string },
): Promise<FoundLogin> {
  const { registry, heard } = place;
  const { PLUMB_REGISTRY_USER: user, PLUMB_REGISTRY_PASSWORD: password, GITHUB_TOKEN: token, GITHUB_ACTOR: actor } = from.env;
  if (password) return { login: { user: user ?? '', password }, from: 'PLUMB_REGISTRY_PASSWORD' };
  if (heard) return { login: null, from: 'no login: without TLS only PLUMB_REGISTRY_PASSWORD is sent' };
  if (registry === 'ghcr.io' && token) return { login: { user: actor || 'x-access-token', password: token }, from: 'GITHUB_TOKEN' };
  return dockerLogin(registry, from);
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
}

/** Source: docker/cli, config.json: credHelpers of the registry come before credsStore, which comes before what stands in auths. */
async function dockerLogin(registry: string, from: { readonly env: Environment; readonly home: string }): Promise<FoundLogin> {
  const path = join(from.env['DOCKER_CONFIG'] || join(from.home, '.docker'), 'config.json');
  const config = await readConfig(path);
  if (config === null) return { login: null, from: `no login: neither PLUMB_REGISTRY_PASSWORD nor ${path} has one` };
  const key = Object.keys({ ...config.auths, ...config.credHelpers }).find((name) => registryOf(name) === registry) ?? registry;
  const helper = config.credHelpers?.[key] ?? config.credsStore;
  if (typeof helper === 'string' && helper !== '') {
    const asked = await askHelper(helper, key, from.env);
    if (asked.login !== null || config.auths?.[key] === undefined) return asked;
  }
  const login = loginOf(config.auths?.[key]);
  return login === null ? { login, from: `no login: ${path} has none for ${registry}` } : { login, from: path };
}

async function readConfig(path: string): Promise<DockerConfig | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    // it is another program's file: that it cannot be read means that nobody is logged in
    return null;
  }
}

/** 'https://ghcr.io/v1/' and 'ghcr.io' are one registry. */
function registryOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function loginOf(entry: unknown): Login | null {
  const auth = typeof entry === 'object' && entry !== null && 'auth' in entry ? entry.auth : undefined;
  if (typeof auth !== 'string' || auth === '') return null;
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString()) ?? [];
  return user === undefined || password === undefined ? null : { user, password: password.replace(/\0+$/, '') };
}

/**
 * Asks docker-credential-NAME, as docker does: the registry goes to its input, JSON comes out.
 * Source: docker/docker-credential-helpers, README, "Development"
 */
async function askHelper(helper: string, registry: string, env: Environment): Promise<FoundLogin> {
  const program = `docker-credential-${helper}`;
  const none = (why: string): FoundLogin => ({ login: null, from: `no login: ${program} ${why}` });
  // a name, not a path: nothing but what PATH has is started
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper)) return { login: null, from: 'no login: the name of the helper in docker’s config.json is none' };
  try {
    const answer = JSON.parse(await runHelper(program, registry, env)) as { Username?: unknown; Secret?: unknown };
    if (typeof answer.Username !== 'string' || typeof answer.Secret !== 'string') return none('answered without a user');
    // an identity token, which only a registry of that cloud's own kind takes
    if (answer.Username === '<token>') return none('has an identity token, which is not supported: log in with a user and a password');
    return { login: { user: answer.Username, password: answer.Secret }, from: program };
  } catch (error) {
    return none(errnoOf(error) === 'ENOENT' ? 'is not on this machine' : 'has none for this registry');
  }
}

function runHelper(program: string, input: string, env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { env: { ...env }, stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true });
    // a program that it started may hold its output open for ever
    const stop = (): void => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    };
    const late = setTimeout(stop, helperMs);
    child.on('close', () => clearTimeout(late));
    const pieces: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (piece: Buffer) => {
      bytes += piece.length;
      pieces.push(piece);
      if (bytes > mostHelperBytes) stop();
    });
    // one that ends without reading its input
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    // what it says when it fails may hold anything: only that it failed is passed on
    child.on('close', (code) =>
      code === 0 ? resolve(Buffer.concat(pieces).toString()) : reject(new Error(`${program} ended with ${String(code)}`)),
    );
    child.stdin.end(input);
  });
}
