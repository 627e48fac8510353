// Puts the servers of the tests on this machine, once: built from pinned sources into a cache folder outside the work tree. The first time takes
// minutes, after that nothing. Needs Go (versitygw, registry, crane, act) and Python 3 (moto), and the package registries that they are set up for.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Programs in Go: the folder of their go.mod and go.sum here, and their package. */
const goPrograms = {
  versitygw: { module: 's3', path: 'github.com/versity/versitygw/cmd/versitygw' },
  registry: { module: 'oci', path: 'github.com/distribution/distribution/v3/cmd/registry' },
  crane: { module: 'oci', path: 'github.com/google/go-containerregistry/cmd/crane' },
  act: { module: 'act', path: 'github.com/nektos/act' },
} as const;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** PLUMB_TEST_SERVERS, else plumbline-servers in the user's cache folder. */
function cacheFolder(): string {
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
  const { module, path } = goPrograms[name];
  const folder = folderFor(name, [`${module}/go.mod`, `${module}/go.sum`]);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `.${name}-${process.pid}`);
  // the address of the module proxy and the check sums are those of the environment
  const env = { ...process.env, GOWORK: 'off', GOFLAGS: '-mod=readonly -buildvcs=false' };
  await runToEnd('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, path], { cwd: here(`${module}/`), env });
  await rename(unfinished, program);
  return program;
}

/** @returns path of a Python that has moto's server */
export async function installMoto(): Promise<string> {
  const folder = folderFor('moto', ['moto/requirements.txt']);
  const python = join(folder, 'bin', 'python');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder(), { recursive: true });
  await runToEnd('python3', ['-m', 'venv', folder], {});
  await runToEnd(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--requirement', here('moto/requirements.txt')], {});
  await writeFile(finished, '');
  return python;
}

function runToEnd(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
    child.on('error', (error) => reject(new Error(`the tests against real servers need ${program}: ${error.message}`)));
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${String(code)}:\n${said}`))));
  });
}
