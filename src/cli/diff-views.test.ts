import { expect, test } from 'vitest';
import { diffDatasets, type DataDiff } from '../datasets/diff.ts';
import { createProject, jsonl, quiet, type TestProject } from '../datasets/project.fixture.ts';
import { renderDiffMarkdown, renderDiffText } from './diff-views.ts';

const plain = { bold: String, dim: String, red: String, green: String, yellow: String };
const words = { before: 'HEAD', after: 'working copy' };

async function diffOf(project: TestProject): Promise<DataDiff> {
  return diffDatasets(await project.open(), { before: 'HEAD', after: null }, { limit: 5, ...quiet });
}

test('a sentence a data set, then what changed in it, then examples', async () => {
  const project = await createProject();
  const rows = Array.from({ length: 6 }, (_, id) => ({ id, text: `text ${id}`, label: id < 3 ? 'x' : 'y' }));
  await project.write('data/a.jsonl', jsonl(rows));
  await project.write('data/b.jsonl', jsonl(rows));
  await project.write('data/files/x', 'x');
  await project.add('data/a.jsonl', { key: 'id', label: 'label' });
  await project.add('data/b.jsonl', { key: 'id' });
  await project.add('data/files');
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'one');
  const none = await diffOf(project);
  expect(renderDiffText(none, words, plain)).toBe('HEAD → working copy: no data set changed');
  expect(renderDiffMarkdown(none, words)).toBe('### Data: `HEAD` to `working copy`\n\nNo data set changed.');
  const [, second, third, , , last] = rows;
  await project.write(
    'data/a.jsonl',
    jsonl([rows[3], { ...second, label: 'y' }, { ...third, text: 'TWO' }, rows[4], last, { id: 9, text: 'new', label: 'z', more: 1 }] as object[]),
  );
  await project.write('data/b.jsonl', jsonl(rows.toReversed()));
  await project.write('data/files/y', 'y');
  await project.write('data/c.csv', 'a\n1\n');
  await project.add('data/c.csv');
  const diff = await diffOf(project);
  expect(renderDiffText(diff, words, plain)).toBe(`HEAD → working copy

a  data/a.jsonl  6 rows: 1 added, 1 removed, 1 edited, 1 relabelled
  changed columns: label (1), text (1)
  schema: +more integer?
  classes: x 3 → 1, y 3 → 4, z 0 → 1
  # 1  label: "x" → "y"  text: "text 1"
  ~ 2  text: "text 2" → "TWO"  label: "x"
  - 0  text: "text 0"  label: "x"
  + 9  text: "new"  label: "z"  more: 1

b  data/b.jsonl  6 rows: all the same, in another order

c  data/c.csv  new data set: 1 row, 4 B

files  data/files  1 → 2 files: 1 added
  + y`);
  expect(renderDiffMarkdown(diff, words)).toContain('| relabelled | `1` | `label: x` | `label: y` |');
});

test('numbers, lists and objects are what they are, text is quoted, counts are read at a glance', async () => {
  const project = await createProject();
  const rows = Array.from({ length: 1234 }, (_, id) => ({ id, zip: '0815 a', from: [{ source: 'desk' }] }));
  await project.write('data/a.jsonl', jsonl(rows));
  await project.add('data/a.jsonl', { key: 'id' });
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'one');
  await project.write(
    'data/a.jsonl',
    jsonl([...rows.slice(1), { id: 9999, zip: '4711 b', from: [{ source: 'mail' }] }, { id: 9998, zip: '1', from: [] }]),
  );
  const text = renderDiffText(await diffOf(project), words, plain);
  expect(text).toContain('1,234 → 1,235 rows: 2 added, 1 removed');
  expect(text).toContain('+ 9999  zip: "4711 b"  from: [{"source":"mail"}]');
});

test('cells cannot move the cursor, nor break a table or notify anybody', async () => {
  const project = await createProject();
  const evil = '\u001b[2J\u0007|`</td><script>\n| @everyone #1 \u202e';
  await project.write('data/a.jsonl', jsonl([{ id: 1, [evil]: 'x' }]));
  await project.add('data/a.jsonl', { key: 'id', label: evil });
  await project.git('add', '-A');
  await project.git('commit', '-qm', evil);
  await project.write('data/a.jsonl', jsonl([{ id: 1, [evil]: evil }, { id: evil }]));
  const diff = await diffOf(project);
  const text = renderDiffText(diff, words, plain);
  expect(text).toContain('1 relabelled');
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  const markdown = renderDiffMarkdown(diff, words);
  const outside = markdown
    .replace(/`[^`\n]*`/g, 'CODE')
    .replaceAll('<br>', '')
    .replace('### Data', '');
  expect(outside).not.toMatch(/[@#<>]|script|everyone/);
  expect(markdown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  for (const line of markdown.split('\n').filter((row) => row.startsWith('|'))) expect(line.split('|').length).toBe(6);
});
