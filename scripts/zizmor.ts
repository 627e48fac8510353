// zizmor over every workflow and action that we ship or run: what an attacker makes of them. It is a program inside a Python package, put once into a
// cache folder outside the work tree. Where that cannot be done, a person is told so by name (exit 77); CI fails.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const version = '1.32.0';
const root = fileURLToPath(new URL('..', import.meta.url));
const cache = process.env['PLUMB_TEST_SERVERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'plumbline-servers');
const folder = join(cache, `zizmor-${version}`);

/** @returns why it is not there, or null */
function install(): string | null {
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return null;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  for (const [program = '', ...args] of [
    ['python3', '-m', 'venv', folder],
    [join(folder, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', '--no-input', `zizmor==${version}`],
  ]) {
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) return `${program} ${args.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim().slice(-300)}`;
  }
  writeFileSync(finished, '');
  return null;
}

const trouble = install();
if (trouble !== null) {
  console.error(`zizmor ${version} cannot be installed: ${trouble}`);
  process.exit((process.env['CI'] ?? '') === '' ? 77 : 1);
}
const paths = globSync(
  ['.github/workflows/*.yml', 'templates/forges/*/.*/workflows/*.yml', 'action.yml', 'actions/*/action.yml'].map((pattern) => join(root, pattern)),
).toSorted();
if (paths.length < 8) throw new Error('there are fewer workflows and actions than we know of');
// offline: the same answer whoever asks, and no token; pedantic: what it doubts, too
const { status } = spawnSync(join(folder, 'bin', 'zizmor'), ['--offline', '--no-progress', '--quiet', '--persona=pedantic', ...paths], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
