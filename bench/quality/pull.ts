// What a pull request costs that changes 1,000 rows of a million: rules, personal data, duplicates and leakage, each a stage of `plumb run`, after a first
// run. Then the same stages once more with nothing remembered: their outputs must be the same bytes. Prints a Markdown table.
// Usage: node bench/quality/pull.ts [rows, 1000000 unless told] [changed, 1000]
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { digestOf } from '../../src/base/digest.ts';
import { node, plumbFile } from '../../tests/project.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const changed = Number(process.argv[3] ?? 1000);
const cases = 1000;
const folder = mkdtempSync(join(tmpdir(), 'plumb-pull-'));

async function main(): Promise<void> {
  git('init', '-q', '-b', 'main');
  timed('init', '--template', 'minimal');
  for (const [path, text] of Object.entries(project)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  await writeRows('data/train.jsonl', rows, () => 0);
  await writeRows('data/cases.jsonl', cases, () => 77);
  for (const name of ['train', 'cases']) timed('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
  commit('a million rows');
  const first = timed('run', '--json');
  const state = bytesBelow(join(folder, '.plumb/cache/checks'));
  // scattered: the worst case for whatever reads parts
  await writeRows('data/train.jsonl', rows, (at) => (at % Math.floor(rows / changed) === 7 ? 1 : 0));
  const added = timed('add', 'data/train.jsonl', '--key', 'id', '--label', 'label');
  commit('rows edited');
  const next = timed('run', '--json');
  const outputs = outputsOf();
  rmSync(join(folder, '.plumb/cache/checks'), { recursive: true });
  const full = timed('run', '--force', '--json');
  const differing = outputsOf().filter(({ path, digest }) => outputs.find((other) => other.path === path)?.digest !== digest);
  print(
    `${rows.toLocaleString('en')} rows (${(statSync(join(folder, 'data/train.jsonl')).size / 1e6).toFixed(0)} MB of JSONL), ${changed.toLocaleString('en')} of them changed`,
    [
      ['first run', first],
      ['`plumb add` of the change', added],
      ['run after the change', next],
      ['the same with nothing remembered', full],
    ],
  );
  process.stdout.write(
    `\nRemembered: ${(state / 1e6).toFixed(0)} MB. Outputs of ${outputs.length} files, not the same in both: ${differing.length}.\n`,
  );
  for (const { path } of differing) process.stdout.write(`differs: ${path}\n`);
  if (differing.length > 0) process.exitCode = 1;
}

const project = {
  'rules/train.yaml': `version: 1
key: id
rules:
  - { column: id, not_missing: true, type: string, unique: true }
  - { column: text, not_missing: true, type: string, min_length: 3, max_length: 2000 }
  - { column: label, not_missing: true, regex: '^label-[0-9]+$' }
  - { column: amount, type: number, min: 0, max: 100000 }
  - { rows: { min: 100 } }
`,
  'pipeline.yaml': `version: 1
stages:
  rules: { uses: plumb/validate, with: { data: train, rules: rules/train.yaml } }
  personal: { uses: plumb/pii, with: { data: train } }
  duplicates: { uses: plumb/dups, with: { data: train, columns: [text] } }
  leakage: { uses: plumb/leakage, with: { train: train, eval: cases, columns: [text] } }
`,
} as const;

/** Rows of made-up sentences. @param versionOf another number, another row */
async function writeRows(path: string, count: number, versionOf: (at: number) => number): Promise<void> {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  const file = createWriteStream(join(folder, path));
  const words = Array.from({ length: 20_000 }, (_, at) => wordOf(at));
  for (let at = 0; at < count; at += 1) {
    let random = (at * 2_654_435_761 + versionOf(at) * 40_503 + 1) >>> 0;
    const next = (below: number): number => {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      return (random >>> 0) % below;
    };
    const text = Array.from({ length: 12 + next(10) }, () => words[Math.floor((next(20_000) * next(20_000)) / 20_000)]).join(' ');
    const line = `${JSON.stringify({ id: `r${at}`, text, label: `label-${next(77)}`, amount: next(1_000_000) / 100 })}\n`;
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

function wordOf(at: number): string {
  const parts = ['ka', 'lo', 'mi', 'ne', 'ru', 'ta', 'vo', 'sha', 'pe', 'di'];
  return String(at).replaceAll(/\d/g, (digit) => parts[Number(digit)] ?? '');
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
  /** seconds of each stage; several run at once */
  readonly stages: string;
}

/** @throws where it does not end with 0 */
function timed(...words: string[]): Cost {
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', PLUMB_RUN_DOMAIN: 'laptop' };
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', node, plumbFile, ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const wall = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`plumb ${words.join(' ')} ended with ${status}: ${stdout.slice(-1000)}${stderr.slice(-2000)}`);
  const [user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const answer = words[0] === 'run' ? (JSON.parse(stdout) as { stages: { stage: string; seconds: number }[] }) : { stages: [] };
  return { wall, cpu: user + system, stages: answer.stages.map(({ stage, seconds }) => `${stage} ${seconds.toFixed(1)}`).join(', ') };
}

function git(...words: string[]): void {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  const { status, stderr } = spawnSync('git', [...identity, ...words], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${words.join(' ')}: ${stderr}`);
}

function commit(message: string): void {
  git('add', '-A');
  git('commit', '-qm', message);
}

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

function outputsOf(): { path: string; digest: string }[] {
  return filesIn(join(folder, 'out')).map((path) => ({ path: path.slice(folder.length + 1), digest: digestOf(readFileSync(path)) }));
}

function bytesBelow(path: string): number {
  return filesIn(path).reduce((sum, file) => sum + statSync(file).size, 0);
}

function print(title: string, costs: readonly (readonly [string, Cost])[]): void {
  const line = ([name, { wall, cpu, stages }]: readonly [string, Cost]): string =>
    `| ${name} | ${wall.toFixed(2)} | ${cpu.toFixed(2)} | ${stages} |\n`;
  process.stdout.write(`${title}\n\n| | seconds | processor seconds | stages |\n| --- | ---: | ---: | --- |\n${costs.map(line).join('')}`);
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
