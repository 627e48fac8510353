// Cost of reviews: many decisions as files of a sitting, against a file for each; and the commands on a million rows.
// Usage: node bench/quality/review.ts [rows of the data set, default 1000000]. Prints a JSON line for each figure: seconds of wall and CPU (user and sys).
import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import { decisionsByRow } from '../../src/review/by-row.ts';
import { writeReview } from '../../src/review/review-files.ts';
import type { Decision } from '../../src/review/schema.ts';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'plumb-bench-review-'));
const git = (...words: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
const people = 10;
const each = 1000;

function say(part: string, figures: object): void {
  process.stdout.write(`${JSON.stringify({ part, ...figures })}\n`);
}

async function timed(part: string, work: () => Promise<object> | object): Promise<void> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const more = await work();
  const used = process.cpuUsage(cpu);
  say(part, {
    wall_s: Number(((performance.now() - start) / 1000).toFixed(2)),
    cpu_s: Number(((used.user + used.system) / 1e6).toFixed(2)),
    ...more,
  });
}

function decisionsOf(person: number): Decision[] {
  return Array.from({ length: each }, (_, at) => ({
    row: digestOf(`row ${at}`),
    action: 'accept',
    label: `label ${(at * person) % 77}`,
    why: ['EMAIL_ADDRESS in text (pii)'],
    at: new Date(Date.UTC(2026, 10, 21) + at * 1000).toISOString(),
  }));
}

function bytesBelow(folder: string): { files: number; bytes: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return { files: files.length, bytes: files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0) };
}

function runPlumb(part: string, words: readonly string[], input = ''): void {
  const result = spawnSync('/usr/bin/env', ['bash', '-c', 'TIMEFORMAT="%R %U %S"; time "$@"', 'bash', process.execPath, plumb, ...words], {
    cwd: root,
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const [wall = 0, user = 0, sys = 0] = (/([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(result.stderr) ?? []).slice(1).map(Number);
  if (result.status !== 0) throw new Error(result.stderr);
  say(part, { wall_s: wall, cpu_s: Number((user + sys).toFixed(2)) });
}

git('init', '-q', '-b', 'main', '.');
git('config', 'user.name', 'Ada');
git('config', 'user.email', 'ada@example.org');
writeFileSync(join(root, 'plumbline.yaml'), 'version: 1\n');
writeFileSync(join(root, '.gitignore'), '.plumb/\n');
const place = { root, localDir: join(root, '.plumb') };

await timed(`write ${people * each} decisions of ${people} people`, async () => {
  for (let person = 0; person < people; person += 1)
    await writeReview(
      place,
      { plumbline: 'review/1', data: 'big', annotator: { name: `P${person}`, email: `p${person}@example.org` }, role: 'first' },
      decisionsOf(person),
    );
  return bytesBelow(join(root, 'reviews/big'));
});
await timed('git add and commit of them', () => (git('add', 'reviews'), git('commit', '-qm', 'reviews'), bytesBelow(join(root, '.git/objects'))));
await timed('read and settle them', async () => ({ rows: (await decisionsByRow(place, 'big')).size }));
await timed('the same as a file for each decision', () => {
  for (let person = 0; person < people; person += 1)
    for (const one of decisionsOf(person)) {
      const text = JSON.stringify({ ...one, person });
      const hex = hexOf(digestOf(text));
      mkdirSync(join(root, 'single', hex.slice(0, 2)), { recursive: true });
      writeFileSync(join(root, 'single', hex.slice(0, 2), `${hex}.json`), text);
    }
  return bytesBelow(join(root, 'single'));
});
await timed('git add and commit of those', () => (git('add', 'single'), git('commit', '-qm', 'single'), bytesBelow(join(root, '.git/objects'))));

const rows = Number(process.argv[2] ?? 1_000_000);
const data = createWriteStream(join(root, 'rows.jsonl'));
for (let at = 0; at < rows; at += 1)
  if (!data.write(`{"id":${at},"text":"a row of text as long as they are in intents, number ${at}","label":"label ${at % 77}"}\n`))
    await new Promise<void>((resolve) => void data.once('drain', resolve));
await new Promise<void>((resolve) => data.end(resolve));
runPlumb(`add ${rows} rows`, ['add', 'rows.jsonl', '--key', 'id', '--label', 'label']);
runPlumb('review add --sample 1000', ['review', 'add', 'rows', '--sample', '1000']);
runPlumb('a sitting of 500 of them', ['review', 'rows'], 'a\n'.repeat(250) + 'l label 3\n'.repeat(125) + 'r\n'.repeat(125));
runPlumb('review status', ['review', 'status', 'rows']);
runPlumb('review apply', ['review', 'apply', 'rows']);
