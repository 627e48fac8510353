// A real browser: Debian's chromium. A machine that has none gets it from its own package manager.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @returns path of the program */
export function installChromium(): string {
  const wanted = process.env['CHROMIUM'];
  if (wanted !== undefined) return wanted;
  const found = findChromium();
  if (found !== null) return found;
  process.stderr.write('installing chromium\n');
  const root = process.getuid?.() === 0 ? [] : ['sudo'];
  for (const words of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const [program = '', ...rest] = [...root, 'apt-get', '--quiet', '--quiet', ...words];
    execFileSync(program, rest, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const installed = findChromium();
  if (installed === null) throw new Error('apt-get installed no chromium: name a browser with CHROMIUM');
  return installed;
}

function findChromium(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}
