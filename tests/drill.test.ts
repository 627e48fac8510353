// The way back, rehearsed by the real command in scratch clones; production is looked at before and after.
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drillHolds, drillHtml, drillMarkdown, parseObjective, type Drill, type DrilledModel } from '../src/cli/drill-report.ts';
import { publicText } from '../src/pipeline/attestation.ts';
import { newFolder, newProject, type Repository } from './plumb.ts';
import { files, twoModels } from './two-models.ts';

const audit = (): string => `\naudit: { keys: [{ name: ci, public: ${publicText(generateKeyPairSync('ed25519').publicKey)} }] }\n`;
const policy = `
version: 1
models:
  topics: { production: { gate: default, approvals: { count: 2 }, reverts: { approvals: 1 } } }
access: { promote: { teams: [ml] } }
gates:
  default:
    - { metric: accuracy, at_least: 0.2 }
`;

/** Pushed to an origin. */
async function project(): Promise<{ repository: Repository; origin: string }> {
  const { repository } = await twoModels({ 'policy.yaml': policy });
  const origin = join(await newFolder(), 'origin.git');
  await repository.git('clone', '-q', '--bare', '.', origin);
  await repository.git('remote', 'add', 'origin', origin);
  await repository.git('fetch', '-q', 'origin');
  return { repository, origin };
}

const scratchFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('plumb-drill-'));

async function production({ repository, origin }: Awaited<ReturnType<typeof project>>): Promise<string[]> {
  return [
    await repository.git('for-each-ref'),
    await repository.git('status', '--porcelain'),
    await repository.git('-C', origin, 'for-each-ref'),
    await repository.git('count-objects', '-v'),
    await repository.git('-C', origin, 'count-objects', '-v'),
    ...readdirSync(join(repository.folder, '.plumb'), { recursive: true }).map(String).toSorted(),
  ];
}

describe('plumb drill', () => {
  test('goes the way back for real, times each step, and touches nothing of production; with a log of decisions, and without', async () => {
    const place = await project();
    const { repository } = place;
    for (const log of [false, true]) {
      if (log) {
        await repository.write('policy.yaml', policy + audit());
        await repository.git('commit', '-qam', 'decisions are logged');
        await repository.git('push', '-q', 'origin', 'main');
      }
      const before = await production(place);
      const others = scratchFolders();
      const ended = await repository.run([process.execPath, join(import.meta.dirname, '../bin/plumb.js'), 'drill', '--json', '--out', 'drill.md'], {
        GITHUB_ACTIONS: '',
        PLUMB_FORGE_TOKEN: 'nothing may be done with this',
      });
      expect(ended.stderr).not.toContain('nothing may');
      const drill = JSON.parse(ended.stdout) as Drill;
      expect(drill).toMatchObject({ plumbline: 'drill/1', holds: true, log, objectiveSeconds: 300, skipped: [] });
      const [model] = drill.models;
      expect(model?.steps.map(({ step }) => step)).toEqual(['rollback', 'merge', ...(log ? ['reconcile'] : []), 'answering']);
      expect(model).toMatchObject({ model: 'topics', stage: 'production', unanswered: 0 });
      expect(model?.asked).toBeGreaterThan(0);
      expect(model?.notes).toHaveLength(log ? 1 : 0);
      expect(ended.exit).toBe(0);
      expect(await repository.read('drill.md')).toContain('the way back holds');
      await repository.git('clean', '-qf', 'drill.md');
      expect(await production(place)).toEqual(before);
      expect(scratchFolders().filter((name) => !others.includes(name))).toEqual([]);
    }
  }, 90_000);

  test('there is nothing to rehearse before the second model, and the first promotion', async () => {
    const empty = await newProject({ ...files, 'policy.yaml': policy });
    expect(await empty.json('drill')).toMatchObject({ error: { code: 'NOTHING_TO_ROLL_BACK' } });
    expect(await empty.json('drill', '--objective', 'soon')).toMatchObject({ error: { code: 'USAGE' } });
    expect(await empty.json('drill', '--out', 'drill.pdf')).toMatchObject({ error: { code: 'USAGE' } });
  });
});

describe('the report of a drill', () => {
  const model: DrilledModel = {
    model: 'intents|<img>',
    stage: 'production',
    from: `sha256:${'a'.repeat(64)}`,
    to: `sha256:${'b'.repeat(64)}`,
    with: ['<b>base</b>'],
    steps: [
      { step: 'rollback', seconds: 2 },
      { step: 'answering', seconds: 3 },
    ],
    secondsInAll: 5,
    secondsFromMerge: 3,
    asked: 10,
    unanswered: 0,
    notes: ['[a](javascript:alert(1))'],
  };
  const drill = (models: DrilledModel[]): Drill => ({
    plumbline: 'drill/1',
    at: '2026-11-21T00:00:00.000Z',
    objectiveSeconds: 10,
    log: true,
    models,
    skipped: [{ model: 'other', why: '<script>' }],
    holds: drillHolds(models, 10),
  });

  test('holds only where all answered in time, and no request was left without an answer', () => {
    expect(drillHolds([model], 5)).toBe(true);
    expect(drillHolds([model], 4)).toBe(false);
    expect(drillHolds([], 5)).toBe(false);
    expect(drillHolds([model, { ...model, secondsInAll: null }], 5)).toBe(false);
    expect(drillHolds([{ ...model, unanswered: 1 }], 5)).toBe(false);
  });

  test('names are text in both forms', () => {
    const html = drillHtml(drill([model]));
    expect(html).not.toMatch(/<img>|<b>base|<script>/);
    expect(html).toContain('&lt;script&gt;');
    const markdown = drillMarkdown(drill([model]));
    // behind backticks, where Markdown and HTML mean nothing
    for (const wild of ['<img>', '<b>', '<script>'])
      for (const line of markdown.split('\n')) expect(line.replaceAll(/`[^`]*`/g, '')).not.toContain(wild);
    expect(markdown).toContain('the way back holds');
    expect(drillMarkdown(drill([{ ...model, secondsInAll: null }]))).toContain('NOT HOLD');
  });

  test('an objective is a time', () => {
    expect([parseObjective('5 minutes'), parseObjective('90 seconds'), parseObjective('1 hour')]).toEqual([300, 90, 3600]);
    for (const wrong of ['', '5', '0 minutes', '5 days', '-1 minutes', '1e9 hours']) expect(() => parseObjective(wrong)).toThrow(/no time/);
  });
});

test('the workflows of a drill are written for both forges', () => {
  const read = (path: string): string => readFileSync(join(import.meta.dirname, '../templates/forges', path), 'utf8');
  for (const text of [read('github/.github/workflows/drill.yml'), read('gitea/.gitea/workflows/drill.yml')]) {
    expect(text).toContain('plumb drill');
    expect(text).toContain('fetch-depth: 0');
    expect(text).toContain('persist-credentials: false');
  }
});
