// What install.sh refuses before it installs anything, and what it asks npm for. That it installs was seen in nektos/act: docs/github.md.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('install.sh', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup '));
  mkdirSync(join(folder, 'temp'));
  mkdirSync(join(folder, 'bin'));
  program('node', 'echo v24.1.0');
  program('npm', `printf '%s\\n' "$*" >> '${join(folder, 'npm')}'; exit 9`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, body: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
}

function install(version: string): { status: number | null; stdout: string } {
  const env = {
    PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
    RUNNER_TEMP: join(folder, 'temp'),
    GITHUB_PATH: join(folder, 'path'),
    GITHUB_OUTPUT: join(folder, 'output'),
    PLUMBLINE_VERSION: version,
  };
  return spawnSync('bash', [script], { env, encoding: 'utf8' });
}

test('T7: a range, a tag, an address or an option is no version', () => {
  for (const version of [
    'latest',
    '^0.1.0',
    '0.1',
    'npm:evil@1.0.0',
    'https://evil.example/x.tgz',
    '--global',
    '0.1.0 evil',
    '0.1.0\n0.2.0',
    '1.2.3-$(touch x)',
  ]) {
    const { status, stdout } = install(version);
    expect([status, stdout]).toEqual([1, '::error::the input version is not an exact version such as 0.1.0\n']);
  }
  expect(readdirSync(join(folder, 'temp'))).toEqual([]);
  expect(readdirSync(folder)).not.toContain('npm');
});

test('an exact version is asked for by name, without install scripts; when npm fails, nothing is put on the path', () => {
  expect(install('1.2.3-rc.1').status).toBe(9);
  expect(readFileSync(join(folder, 'npm'), 'utf8')).toMatch(
    /^install --prefix .*plumbline-1\.2\.3-rc\.1 --save-exact --ignore-scripts .* -- plumbline@1\.2\.3-rc\.1\n$/,
  );
  expect(install('').status).toBe(9);
  expect(readFileSync(join(folder, 'npm'), 'utf8')).toMatch(/\nci --prefix \S+ --ignore-scripts .*--omit=dev\n$/);
  expect(readdirSync(folder)).not.toContain('path');
});

test('an old Node is named', () => {
  program('node', 'echo v22.4.0');
  expect(install('1.2.3').stdout).toContain('plumb needs Node 24 or newer, here is v22.4.0');
});

test('what an earlier step of the job installed is not installed again', () => {
  const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
  mkdirSync(join(folder, 'temp/plumbline-bin'));
  symlinkSync(plumb, join(folder, 'temp/plumbline-bin/plumb'));
  expect(install('').status).toBe(0);
  expect(readdirSync(folder)).not.toContain('npm');
  expect(readFileSync(join(folder, 'output'), 'utf8')).toContain(`\nplumb=${plumb}\n`);
  // another version is
  expect(install('1.2.3').status).toBe(9);
});
