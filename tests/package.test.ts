// The package as users get it: packed, put into a folder of its own with its declared dependencies and nothing else, and run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../src/cli/commands.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; dependencies: Record<string, string> };

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let folder: string;
let packed: Packed;
let bin: string;

function start(program: string, args: readonly string[], cwd: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
}

function need(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = start(program, args, cwd);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  // the JSON comes behind what the build prints
  const output = need('npm', ['pack', '--json', '--pack-destination', folder], root);
  [packed] = JSON.parse(output.slice(output.indexOf('[\n'))) as [Packed];
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'plumbline'), { recursive: true });
  need('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', join(modules, 'plumbline')], folder);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  bin = join(modules, 'plumbline', 'bin', 'plumb.js');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  test('holds what runs and nothing of its making', () => {
    const paths = packed.files.map((file) => file.path);
    for (const path of [
      'bin/plumb.js',
      'dist/cli/main.js',
      'LICENSE',
      'schemas/pipeline.schema.json',
      'templates/classifier/data/intents.jsonl',
      'templates/classifier/gitignore',
      'vendor/gitleaks/gitleaks.toml',
      'src/quality/spark/plumb_spark.py',
    ]) {
      expect(paths).toContain(path);
    }
    expect(
      paths.filter(
        (path) =>
          !/^(bin|dist|docs\/reference|schemas|templates|vendor)\/|^(package\.json|LICENSE|README\.md|CHANGELOG\.md|src\/quality\/spark\/plumb_spark\.py)$/.test(
            path,
          ),
      ),
    ).toEqual([]);
    expect(paths.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(4_000_000);
  });

  test('tells its version, and describes every command from the compiled code', () => {
    expect(need(process.execPath, [bin, '--version'], folder).trim()).toBe(manifest.version);
    expect(need(process.execPath, [bin, '--help'], folder)).toContain('Review a model the way you review code.');
    for (const { name } of commands) expect(need(process.execPath, [bin, name, '--help'], folder)).toContain(`plumb ${name}`);
  }, 60_000);

  test('makes a project from a template and checks its rows there', () => {
    const project = join(folder, 'project');
    mkdirSync(project);
    need('git', ['init', '-q', '-b', 'main'], project);
    need(process.execPath, [bin, 'init', '--template', 'classifier'], project);
    for (const path of ['.gitignore', '.gitattributes', '.github/workflows/pr.yml', 'data/LICENSE'])
      expect(existsSync(join(project, path)), path).toBe(true);
    expect(JSON.parse(need(process.execPath, [bin, 'doctor', '--json'], project))).toMatchObject({ fail: 0 });
    need(process.execPath, [bin, 'add', 'data/intents.jsonl', '--key', 'id', '--label', 'label'], project);
    need(process.execPath, [bin, 'add', 'data/intents-test.jsonl', '--key', 'id', '--label', 'label'], project);
    expect(need(process.execPath, [bin, 'run', 'check'], project)).toMatch(/ran\s+check/);
    expect(JSON.parse(readFileSync(join(project, 'out/check/validation.json'), 'utf8'))).toMatchObject({ rows: 9003, holds: true });
  }, 60_000);
});
