import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
let top: string;
let folder: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'init-'));
  folder = join(top, 'mein Projekt');
  mkdirSync(folder);
});
afterEach(() => rmSync(top, { recursive: true }));

interface Answer {
  readonly exit: number | null;
  readonly json: Record<string, unknown>;
  readonly code: unknown;
}

function run(args: readonly string[], cwd = folder, env: Record<string, string> = {}): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [plumb, ...args, '--json'], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, HOME: top, ...env },
  });
  if (stdout === '') throw new Error(stderr);
  const json = JSON.parse(stdout) as Record<string, unknown>;
  return { exit: status, json, code: (json['error'] as { code?: string } | undefined)?.code };
}

const git = (...args: string[]): void => {
  const { status, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const finding = (answer: Answer, name: string): unknown => (answer.json['findings'] as { name: string }[]).find((one) => one.name === name);

test('without a repository: one error that says how to get one, and nothing is written', () => {
  expect(run(['init'])).toMatchObject({ exit: 6, code: 'NO_GIT_REPOSITORY' });
  expect(readdirSync(folder)).toEqual([]);
});

test('a minimal project that every check of doctor accepts', () => {
  git('init', '-q', '-b', 'trunk');
  expect(run(['init']).exit).toBe(0);
  expect(readdirSync(folder).toSorted()).toEqual(['.git', '.gitattributes', '.gitignore', 'params.yaml', 'pipeline.yaml', 'plumbline.yaml']);
  expect(read('plumbline.yaml')).toMatch(/^main: trunk$/m);
  const doctor = run(['doctor']);
  expect((doctor.json['findings'] as { level: string; text: string }[]).filter((one) => one.level === 'fail')).toEqual([]);
  expect(doctor.exit).toBe(0);
  expect(finding(doctor, 'files')).toMatchObject({ level: 'ok', text: 'plumbline.yaml, pipeline.yaml, params.yaml' });
  expect(finding(doctor, 'remote')).toMatchObject({ level: 'warn' });
  expect(run(['init'])).toMatchObject({ exit: 3, code: 'ALREADY_A_PROJECT' });
});

test('the classifier template with a remote, the repository made on the way', () => {
  const answer = run(['init', '--template', 'classifier', '--git', '--remote', '../der "Speicher"']);
  expect(answer.exit).toBe(0);
  expect(existsSync(join(top, 'der "Speicher"'))).toBe(true);
  expect(read('plumbline.yaml')).toContain('remote: "../der \\"Speicher\\""');
  expect(read('.gitignore')).toContain('.plumb/');
  expect(existsSync(join(folder, 'gitignore'))).toBe(false);
  expect(readdirSync(join(folder, '.github/workflows'))).toEqual(
    [
      ['check-promotion.yml', 'commands.yml', 'deploy.yml', 'drill.yml', 'fork.yml', 'main.yml'],
      ['pr.yml', 'promote.yml', 'review-noticed.yml', 'rollback.yml'],
    ].flat(),
  );
  const doctor = run(['doctor']);
  expect(doctor.exit).toBe(0);
  expect(finding(doctor, 'files')).toMatchObject({
    level: 'ok',
    text: 'plumbline.yaml, pipeline.yaml, params.yaml, policy.yaml, evals/intents.yaml, rules/intents.yaml',
  });
  expect(finding(doctor, 'remote')).toMatchObject({ level: 'ok' });
  expect(finding(doctor, '.gitignore')).toBeUndefined();
  expect(finding(doctor, 'merging')).toBeUndefined();
  git('status');
});

test('workflows name the commit of this very plumb and the branch that is merged into, and belong to the top of a repository', () => {
  git('init', '-q', '-b', 'trunk');
  mkdirSync(join(folder, 'below'));
  expect(run(['init', '--template', 'classifier'], join(folder, 'below')).exit).toBe(0);
  expect(existsSync(join(folder, 'below/.github'))).toBe(false);
  rmSync(join(folder, 'below'), { recursive: true });
  const here = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' }).stdout.trim();
  expect(run(['init', '--forge', 'gitea']).exit).toBe(0);
  expect(existsSync(join(folder, '.github'))).toBe(false);
  const text = read('.gitea/workflows/plumbline.yml');
  expect(text).toContain(`uses: plumbline/plumbline@${here}\n`);
  expect(text).not.toContain('0'.repeat(40));
  expect(text).toContain('branches: [trunk]\n');
  expect(run(['init', '--forge', 'gitlab'])).toMatchObject({ exit: 2, code: 'USAGE' });
});

test('nothing is written over what is there; a README and ignore files of the repository stay and are added to', () => {
  git('init', '-q');
  writeFileSync(join(folder, 'pipeline.yaml'), 'mine\n');
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\nout/');
  writeFileSync(join(folder, 'README.md'), '# Mine\n');
  mkdirSync(join(folder, 'policy.yaml'));
  const refused = run(['init', '--template', 'classifier']);
  expect(refused).toMatchObject({ exit: 3, code: 'FILES_IN_THE_WAY', json: { error: { details: { files: ['pipeline.yaml', 'policy.yaml'] } } } });
  expect(readdirSync(folder).toSorted()).toEqual(['.git', '.gitignore', 'README.md', 'pipeline.yaml', 'policy.yaml']);
  rmSync(join(folder, 'pipeline.yaml'));
  rmSync(join(folder, 'policy.yaml'), { recursive: true });
  expect(run(['init', '--template', 'classifier'])).toMatchObject({ exit: 0, json: { kept: ['README.md'] } });
  expect(read('README.md')).toBe('# Mine\n');
  const lines = read('.gitignore').split('\n');
  expect(lines.slice(0, 2)).toEqual(['node_modules/', 'out/']);
  expect(lines.filter((line) => line === 'out/').length).toBe(1);
  expect(lines).toContain('.plumb/');
});

test('a symlink on the way to a file is not followed', () => {
  git('init', '-q');
  mkdirSync(join(top, 'elsewhere'));
  symlinkSync(join(top, 'elsewhere'), join(folder, 'rules'));
  expect(run(['init', '--template', 'classifier'])).toMatchObject({ exit: 3, code: 'FILES_IN_THE_WAY' });
  expect(readdirSync(join(top, 'elsewhere'))).toEqual([]);
});

test('a project inside a project is refused, one beside another is not', () => {
  git('init', '-q');
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  mkdirSync(join(folder, 'c'));
  expect(run(['init'], join(folder, 'a')).exit).toBe(0);
  expect(run(['init'], join(folder, 'a', 'b'))).toMatchObject({ exit: 3, code: 'ALREADY_A_PROJECT' });
  expect(run(['init'], join(folder, 'c')).exit).toBe(0);
});

test('a wrong template or a remote in the project is a wrong command line', () => {
  git('init', '-q');
  expect(run(['init', '--template', 'clasifier'])).toMatchObject({
    exit: 2,
    code: 'TEMPLATE_UNKNOWN',
    json: { error: { what: expect.stringContaining('classifier') as string } },
  });
  expect(run(['init', '--remote', 'store'])).toMatchObject({ exit: 2, code: 'USAGE' });
  expect(readdirSync(folder)).toEqual(['.git']);
});

test('doctor names what is wrong, each with its mend, and ends with 1', () => {
  expect(run(['doctor'])).toMatchObject({ exit: 1 });
  git('init', '-q', '-b', 'main');
  run(['init', '--template', 'classifier']);
  writeFileSync(join(folder, 'rules', 'intents.yaml'), 'version: 1\nrules:\n  - { column: a, uniqe: true }\n');
  writeFileSync(join(folder, 'plumbline.yaml'), 'version: 1\nmain: main\nremote: ../gone/away\n');
  writeFileSync(join(folder, '.gitignore'), '');
  const doctor = run(['doctor'], folder, { GIT_CONFIG_GLOBAL: join(top, 'none'), EMAIL: '' });
  expect(doctor.exit).toBe(1);
  expect(finding(doctor, 'files')).toMatchObject({
    level: 'fail',
    text: expect.stringContaining('rules/intents.yaml:3:18: unknown key "uniqe" in "rules.0"') as string,
    mend: 'did you mean "unique"?',
  });
  expect(finding(doctor, 'remote')).toMatchObject({ level: 'fail' });
  expect(finding(doctor, '.gitignore')).toMatchObject({ level: 'warn', text: 'git would take .plumb/ and out/' });
  expect(finding(doctor, 'main')).toMatchObject({ level: 'warn', text: 'there is no commit yet' });
  expect(readdirSync(folder).filter((name) => name.startsWith('.plumb-doctor'))).toEqual([]);
});
