// What an auditor asks, of a clone without network, and what was done to the history before he came.
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCsvText } from '../src/datasets/csv-text.ts';
import type { AuditedRepository } from '../src/registry/audit.fixture.ts';
import { bad, better, good } from '../src/registry/example.fixture.ts';
import { ask, cloneOf, digestOfModel, makeStory, reason } from './audit-story.ts';
import type { Repository } from './plumb.ts';

let audited: AuditedRepository;
let folder: string;
let clone: Repository;
let bare: Repository;
beforeAll(async () => {
  [audited, folder] = await Promise.all([makeStory('a project/'), mkdtemp(join(tmpdir(), 'plumb audit é-'))]);
  clone = await cloneOf(audited, join(folder, 'clone'), 'work tree');
  bare = await cloneOf(audited, join(folder, 'bare'), 'bare');
}, 60_000);
afterAll(async () => {
  await audited.remove();
  await rm(folder, { recursive: true, force: true });
});

/** --json, by one call in this process */
const askClone = async <T = Record<string, unknown>>(...words: string[]): Promise<T> => (await ask(clone.folder, ...words)).json as T;
const askBare = async <T = Record<string, unknown>>(...words: string[]): Promise<T> => (await ask(bare.folder, ...words)).json as T;

interface Served {
  readonly served: { readonly artifact: string; readonly seq: number; readonly findings: unknown[] }[];
  readonly error?: { readonly code: string };
}

describe('what was in production', () => {
  const thenIn = async (when: string, ...more: string[]): Promise<string[]> =>
    (await askClone<Served>('at', when, ...more)).served.map(({ artifact }) => artifact);

  test('at an instant, at the end of a day, at a commit; in a clone and in a bare one', async () => {
    expect(await thenIn('2026-11-22T08:03:00Z')).toEqual([digestOfModel(good)]);
    expect(await thenIn('2026-11-22T10:05:00+02:00', 'intents')).toEqual([digestOfModel(better)]);
    expect(await thenIn('2026-11-21')).toEqual([]);
    expect(await thenIn('2026-11-22')).toEqual([digestOfModel(good)]);
    expect(await thenIn('HEAD~2')).toEqual([digestOfModel(better)]);
    expect(await thenIn('HEAD')).toEqual([digestOfModel(good)]);
    expect(await thenIn('2026-11-22', '--stage', 'staging')).toEqual([digestOfModel(better)]);
    expect(await askClone('at', '2026-11-22', '--stage', 'staging')).toMatchObject({ served: [{ seq: 3, notServedSince: [5] }] });
    const there = await askBare<Served>('at', '2026-11-22', 'intents');
    expect(there.served).toMatchObject([{ artifact: digestOfModel(good), seq: 6, findings: [] }]);
  });

  test('why, approved by whom, on which evidence; no text of others moves the cursor', async () => {
    const { stdout, exit } = await clone.plumb('audit', 'at', '2026-11-22', 'intents');
    expect(exit).toBe(0);
    for (const part of [
      'record 6',
      'rolled back in production',
      'grace (review 11)',
      '7 by ada',
      'default holds',
      '83.33 % of 120 cases',
      'trained',
      'intents  sha256:',
    ])
      expect(stdout).toContain(part);
    expect(stdout).not.toContain('\u001b');
  });

  test('what is no time and no commit is refused, a day that no month has, too', async () => {
    for (const when of ['yesterday', '2026-02-30', '2026-11-22T08:03', '2026-13-01'])
      expect(await askClone<Served>('at', when)).toMatchObject({ error: { code: 'AUDIT_TIME' } });
    expect(await askClone<Served>('log', '--from', 'HEAD')).toMatchObject({ error: { code: 'AUDIT_TIME' } });
  });
});

describe('which decisions', () => {
  interface Log {
    readonly of: number;
    readonly seed: string;
    readonly head: string;
    readonly decisions: { readonly seq: number; readonly record: string }[];
  }
  const numbers = ({ decisions }: Log): number[] => decisions.map(({ seq }) => seq);

  test('all, those of a period, those of a model', async () => {
    expect(numbers(await askClone<Log>('log'))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(numbers(await askClone<Log>('log', '--from', '2026-11-22T08:03:00Z', '--to', '2026-11-22T08:05:00Z'))).toEqual([2, 3, 4]);
    expect(numbers(await askClone<Log>('log', '--from', '2026-11-23'))).toEqual([]);
    expect(numbers(await askClone<Log>('log', '--model', 'intents'))).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await ask(clone.folder, 'log')).text).toMatch(/ 5 +2026-11-22 08:06:00 +intents promoted to staging \(refused\)/);
  });

  test('some by lot: the same for whoever has the seed, and the seed is told', async () => {
    const first = await askClone<Log>('sample', '-n', '3', '--seed', 'Q4');
    expect(first).toMatchObject({ of: 7, seed: 'Q4' });
    expect(numbers(await askBare<Log>('sample', '-n', '3', '--seed', 'Q4'))).toEqual(numbers(first));
    const chance = await askClone<Log>('sample', '-n', '3');
    expect(numbers(await askClone<Log>('sample', '-n', '3', '--seed', chance.seed))).toEqual(numbers(chance));
    // by hand, as the page says
    const all = await askClone<Log>('log');
    const { createHash } = await import('node:crypto');
    const lots = all.decisions.map(({ seq, record }) => ({
      seq,
      lot: createHash('sha256')
        .update(`Q4:${record.slice(7)}`)
        .digest('hex'),
    }));
    const drawn = lots.toSorted((a, b) => (a.lot < b.lot ? -1 : 1)).slice(0, 3);
    expect(drawn.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(numbers(first));
  });
});

describe('an export', () => {
  let at: string;
  let head: string;
  beforeAll(async () => {
    at = join(folder, 'export');
    const made = await askClone<{ head: string }>('export', at);
    head = made.head;
  });

  test('verifies by itself, in another place, without the repository', async () => {
    const elsewhere = { ...process.env, GIT_DIR: '/nowhere' };
    expect(elsewhere.GIT_DIR).toBe('/nowhere');
    // there is no repository in that folder
    expect((await ask(folder, 'verify', at, '--expect-head', head)).json).toMatchObject({
      holds: true,
      of: 'export',
      records: 7,
      head,
      findings: [],
    });
    expect((await bare.plumb('audit', 'verify', at, '--expect-head', `sha256:${'0'.repeat(64)}`)).exit).toBe(1);
  });

  test('is the same bytes each time, and never mixed with other files', async () => {
    const again = join(folder, 'again');
    await askBare('export', again);
    const files = (top: string): [string, string][] =>
      readdirSync(top, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry): [string, string] => [
          join(entry.parentPath, entry.name).slice(top.length),
          readFileSync(join(entry.parentPath, entry.name), 'hex'),
        ])
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(files(again)).toEqual(files(at));
    expect(await askBare('export', again)).toMatchObject({ error: { code: 'FILES_IN_THE_WAY' } });
  });

  test('of a period has the evidence of that period, and the whole log', async () => {
    const some = join(folder, 'some');
    const made = await askClone<{ records: number; files: number }>('export', some, '--to', '2026-11-22T08:03:00Z', '--model', 'intents');
    expect(made.records).toBe(7);
    expect(await askClone('verify', some)).toMatchObject({ holds: true });
    const page = parseHTML(readFileSync(join(some, 'index.html'), 'utf8')).document;
    expect(page.querySelectorAll('tbody tr')).toHaveLength(2);
  });

  test('its page is for people: what is served, every decision; hostile text is text', async () => {
    const html = await readFile(join(at, 'index.html'), 'utf8');
    const { document } = parseHTML(html);
    expect(document.querySelectorAll('script, img, link, iframe')).toHaveLength(0);
    expect(document.querySelector('.served')?.textContent).toContain('grace');
    expect(document.querySelectorAll('tbody tr')).toHaveLength(7);
    expect(document.body.textContent).toContain('<script>alert(1)</script>');
    expect(html).toMatch(/default-src 'none'; style-src 'sha256-/);
  });

  test('its table is for a spreadsheet, in which nothing runs', async () => {
    const rows = parseCsvText(await readFile(join(at, 'decisions.csv'), 'utf8')) ?? [];
    const column = rows[0]?.indexOf('reason') ?? -1;
    expect(rows).toHaveLength(8);
    expect(rows.at(-1)?.[column]).toBe(`'${reason}`);
    expect(rows.flat().filter((cell) => /^[=+\-@]/.test(cell))).toEqual([]);
  });

  test('its model card is read as Hugging Face reads it', async () => {
    const { load } = await import('js-yaml');
    const card = await readFile(join(at, 'models/intents/production/README.md'), 'utf8');
    const front = load(/^---\n([^]*?)---\n/.exec(card)?.[1] ?? '') as { datasets: string[]; 'model-index': { results: { metrics: unknown[] }[] }[] };
    expect(front.datasets).toEqual(['intents']);
    expect(front['model-index'][0]?.results[0]?.metrics[0]).toEqual({ type: 'accuracy', value: 100 / 120 });
    expect(card).toContain('| approved by | `grace` |');
    // in a code span nothing means anything
    expect(card).toMatch(/\| reason \| `[^`|\n]*<script>[^`|\n]*` \|/);
  });

  const changes: [string, (top: string) => void][] = [
    ['a page that says something else', (top) => writeFileSync(join(top, 'index.html'), 'all is well')],
    ['a file that is not in the index', (top) => writeFileSync(join(top, 'note.txt'), 'hello')],
    ['a symlink', (top) => symlinkSync('/etc/hostname', join(top, 'evidence', `${'0'.repeat(64)}.json`))],
  ];
  test.each(changes)('T29: %s is found', async (_, change) => {
    const copy = await mkdtemp(join(folder, 'copy-'));
    await rm(copy, { recursive: true });
    await askClone('export', copy);
    change(copy);
    expect(await askClone('verify', copy)).toMatchObject({ holds: false });
  });
});

describe('T29: a history that was rewritten', () => {
  const verdict = async (...more: string[]): Promise<{ holds: boolean; findings: { kind: string; what: string }[] }> => askBare('verify', ...more);
  const git = (...words: string[]): Promise<string> => bare.git(...words);

  test('T29: holds as it is, and the head may be told', async () => {
    const { head } = await askClone<{ head: string }>('log');
    expect(await verdict('--expect-head', head)).toMatchObject({ holds: true, findings: [] });
    expect((await ask(bare.folder, 'verify')).text).toContain('it vouches for itself');
  });

  test('T29: a log that was cut off is found by what main has, and by the head', async () => {
    const { head } = await askClone<{ head: string }>('log');
    const tip = await git('rev-parse', 'plumb/audit');
    await git('update-ref', 'refs/heads/plumb/audit', 'plumb/audit~1');
    const { holds, findings } = await verdict('--expect-head', head);
    expect(holds).toBe(false);
    expect(findings.map(({ what }) => what)).toEqual([
      expect.stringContaining('changed models/intents/production.json, and no record is about it: nobody decided since'),
      expect.stringContaining('is no record of this log'),
    ]);
    await git('update-ref', 'refs/heads/plumb/audit', tip);
  });

  test('T29: main that was rewritten under the log is found, and nothing is answered from it', async () => {
    const tip = await git('rev-parse', 'main');
    await git('update-ref', 'refs/heads/main', await git('commit-tree', 'main^{tree}', '-p', 'main~2', '-m', 'smoothed'));
    expect(await verdict()).toMatchObject({ holds: false, findings: [{ kind: 'rewritten' }] });
    expect(await askBare('at', '2026-11-22')).toMatchObject({ error: { code: 'AUDIT_REWRITTEN' } });
    await git('update-ref', 'refs/heads/main', tip);
  });

  test('T29: a push to main behind the back of everybody is found', async () => {
    const tip = await git('rev-parse', 'main');
    const work = await cloneOf(audited, join(folder, 'mallory'), 'work tree');
    await work.git('checkout', '-q', 'HEAD~1', '--', 'models/intents/staging.json');
    const pointer = await work.read('models/intents/staging.json');
    await writeFile(join(work.folder, 'models/intents/staging.json'), pointer.replace(digestOfModel(bad), digestOfModel(good)));
    await work.git('commit', '-qam', 'harmless');
    await git('fetch', '-q', join(folder, 'mallory'), '+main:main');
    expect(await verdict()).toMatchObject({ holds: false, findings: [{ what: expect.stringContaining('changed models/intents/staging.json') }] });
    await git('update-ref', 'refs/heads/main', tip);
  });

  test('a clone without the log says what to fetch', async () => {
    await bare.git('update-ref', 'refs/heads/elsewhere', 'plumb/audit');
    await bare.git('update-ref', '-d', 'refs/heads/plumb/audit');
    expect(await askBare('log')).toMatchObject({ error: { code: 'AUDIT_MISSING' } });
    await bare.git('update-ref', 'refs/heads/plumb/audit', 'elsewhere');
    await bare.git('update-ref', '-d', 'refs/heads/elsewhere');
  });
});
