// Puts the servers of the tests on this machine, once: built from pinned sources into a cache folder outside the work tree. The first time takes
// minutes, after that nothing. Needs Go (versitygw, registry, crane, act, gitea) and Python 3 (moto, presidio), and the package registries that they are set up for.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface GoProgram {
  /** the folder of its go.mod and go.sum here */
  readonly module: string;
  readonly path: string;
  readonly tags?: string;
  readonly version?: string;
  /** how long it takes where nothing of it is there, for whoever waits */
  readonly minutes?: string;
}

const goPrograms = {
  versitygw: { module: 's3', path: 'github.com/versity/versitygw/cmd/versitygw' },
  registry: { module: 'oci', path: 'github.com/distribution/distribution/v3/cmd/registry' },
  crane: { module: 'oci', path: 'github.com/google/go-containerregistry/cmd/crane' },
  act: { module: 'act', path: 'github.com/nektos/act' },
  gitea: {
    module: 'gitea/server',
    path: 'code.gitea.io/gitea',
    tags: 'sqlite sqlite_unlock_notify timetzdata',
    version: '1.26.0',
    minutes: '3 to 8 minutes',
  },
  'gitea-runner': { module: 'gitea/runner', path: 'gitea.com/gitea/runner', minutes: '1 to 2 minutes' },
} as const satisfies Record<string, GoProgram>;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** PLUMB_TEST_SERVERS, else plumbline-servers in the user's cache folder. */
export function cacheFolder(): string {
  return process.env['PLUMB_TEST_SERVERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'plumbline-servers');
}

/** What is pinned decides where it stands: another pin is another folder, and nothing is ever changed in place. */
function folderFor(name: string, pins: readonly string[]): string {
  const hash = createHash('sha256');
  for (const pin of pins) hash.update(readFileSync(here(pin)));
  return join(cacheFolder(), `${name}-${hash.digest('hex').slice(0, 12)}`);
}

/** @returns path of the program. @throws with the compiler's words */
export async function installGoProgram(name: keyof typeof goPrograms): Promise<string> {
  const { module, path, tags, version, minutes }: GoProgram = goPrograms[name];
  const folder = folderFor(name, [`${module}/go.mod`, `${module}/go.sum`]);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  process.stderr.write(`building ${name} into ${folder}${minutes === undefined ? '' : `: ${minutes}, this once`}\n`);
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `.${name}-${process.pid}`);
  const flags = [
    '-trimpath',
    '-ldflags',
    `-s -w${version === undefined ? '' : ` -X main.Version=${version}`}`,
    ...(tags === undefined ? [] : ['-tags', tags]),
  ];
  await runToEnd('go', ['build', ...flags, '-o', unfinished, path], { cwd: here(`${module}/`), env: goEnv() });
  await rename(unfinished, program);
  return program;
}

/** The address of the module proxy and the check sums are those of the environment. */
function goEnv(): NodeJS.ProcessEnv {
  return { ...process.env, GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' };
}

/** @returns the server, and the folder of the templates and texts of its pages, which it reads when it runs */
export async function installGitea(): Promise<{ program: string; pages: string }> {
  const program = await installGoProgram('gitea');
  const pages = join(dirname(program), 'pages');
  if (existsSync(pages)) return { program, pages };
  const cwd = here(`${goPrograms.gitea.module}/`);
  const said = await runToEnd('go', ['list', '-m', '-f', '{{.Dir}}', goPrograms.gitea.path], { cwd, env: goEnv() });
  const unfinished = `${pages}-${process.pid}`;
  for (const part of ['templates', 'options', 'public']) await cp(join(said.trim(), part), join(unfinished, part), { recursive: true });
  await rename(unfinished, pages);
  return { program, pages };
}

/** @returns path of a Python that has moto's server */
export function installMoto(): Promise<string> {
  return installPython('moto', []);
}

/** @returns path of a Python that has presidio-analyzer, with a model of English */
export function installPresidio(): Promise<string> {
  // its model names another spaCy than the one it runs with
  return installPython('presidio', ['--no-deps']);
}

/** @returns path of a Python that has the SDKs of Argilla and Label Studio */
export function installAnnotationTools(): Promise<string> {
  return installPython('annotation', []);
}

async function installPython(name: string, options: readonly string[]): Promise<string> {
  const requirements = `${name}/requirements.txt`;
  const folder = folderFor(name, [requirements]);
  const python = join(folder, 'bin', 'python');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder(), { recursive: true });
  process.stderr.write(`installing ${name} into ${folder}\n`);
  await runToEnd('python3', ['-m', 'venv', folder], {});
  await runToEnd(python, ['-m', 'pip', 'install', '--quiet', '--no-input', ...options, '--requirement', here(requirements)], {});
  await writeFile(finished, '');
  return python;
}

/** @returns what it printed */
function runToEnd(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let [printed, said] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (printed += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
    child.on('error', (error) => reject(new Error(`the tests against real servers need ${program}: ${error.message}`)));
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`${program} ${args.join(' ')} ended with ${String(code)}:\n${said}`)),
    );
  });
}
