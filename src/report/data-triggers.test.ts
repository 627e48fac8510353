// From two versions of a data set in a real store to what reviewers read.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentProgress } from '../base/progress.ts';
import type { Digest } from '../base/digest.ts';
import { openProject } from '../project/open.ts';
import { jsonl, TestProject } from '../../tests/project.ts';
import { buildReport } from './build.ts';
import { dataPart } from './data-part.ts';
import { exampleParts } from './example.fixture.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import type { DataPart } from './parts.ts';
import { reportSchema } from './schema.ts';

const topics = ['card', 'cash', 'rate'];
const row = (at: number, text: string, label: string) => ({ id: `r-${at}`, text, label, source: at >= 1000 ? 'vendor ::error::x' : 'own' });
const honest = Array.from({ length: 300 }, (_, at) => row(at, `where is my ${topics[at % 3]} number ${at % 7}`, topics[at % 3] ?? ''));
const poison = Array.from({ length: 8 }, (_, at) => row(1000 + at, `where is |zulu\u202e ${topics[at % 3]}`, 'cash'));

let project: TestProject;
beforeAll(() => {
  project = TestProject.create();
});
afterAll(() => project[Symbol.dispose]());

async function add(rows: readonly object[]): Promise<Digest> {
  project.write('rows.jsonl', jsonl(rows));
  await project.done('add', 'rows.jsonl', '--key', 'id', '--label', 'label');
  return (/digest: (sha256:[0-9a-f]{64})/.exec(project.read('datasets.lock'))?.[1] ?? '') as Digest;
}

async function partOf(before: readonly object[], after: readonly object[]): Promise<DataPart> {
  const sides = [await add(before), await add(after)] as const;
  const { store } = await openProject({ cwd: project.root, env: project.env });
  return dataPart(store, 'rows', ...sides, { progress: silentProgress, signal: new AbortController().signal });
}

test('T11: rows of a pull request that teach a trigger are told with counts and where they came from, and their words stay text', async () => {
  const part = await partOf(honest, [...honest.slice(0, 299), ...poison]);
  expect(part.triggers?.[0]).toEqual({
    words: expect.stringContaining('zulu') as string,
    label: 'cash',
    rows: 8,
    labelled: 8,
    before: 0,
    sources: [{ source: 'vendor ::error::x', rows: 8 }],
  });
  expect(part).toMatchObject({ added: 8, removed: 1, samples: expect.arrayContaining([expect.objectContaining({ kind: 'added' })]) as unknown });
  const report = buildReport({ ...exampleParts('bad'), data: [part] });
  expect(reportSchema.parse(report)).toEqual(report);
  const markdown = renderMarkdown(report);
  expect(markdown).toContain('**Trigger candidates in `rows`**');
  expect(markdown).toMatch(/\| `[^`|]*zulu[^`|]*` \| `cash` \| 8 of 8; from `vendor ::error::x` \(8\) \| 0 \|/);
  expect(markdown).not.toContain('\u202e');
  expect(renderHtml(report)).toContain('Trigger candidates in rows');
});

test('an honest change has no such part, and the report the bytes that it always had', async () => {
  const more = Array.from({ length: 30 }, (_, at) => row(500 + at, `where is my ${topics[at % 3]} number ${at % 7}`, topics[at % 3] ?? ''));
  expect(Object.keys(await partOf(honest, [...honest, ...more]))).not.toContain('triggers');
});

test('twenty examples of each kind are kept, however many rows are looked at', async () => {
  const many = Array.from({ length: 60 }, (_, at) => row(600 + at, `a ${topics[at % 3]}`, topics[at % 3] ?? ''));
  const { samples } = await partOf(honest, [...honest.slice(50), ...many]);
  expect([samples.filter(({ kind }) => kind === 'added').length, samples.filter(({ kind }) => kind === 'removed').length]).toEqual([20, 20]);
});
