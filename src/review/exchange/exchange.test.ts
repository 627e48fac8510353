import { byCodeUnit } from '../../base/canonical.ts';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rowDigest } from '../../datasets/row-digest.ts';
import { jsonl } from '../../datasets/project.fixture.ts';
import { editDecision, type RowShape, type RowValue } from '../change.ts';
import { ada, bob, by, eve } from '../decision.fixture.ts';
import type { Decision } from '../schema.ts';
import { outcomeOf, type Decided } from '../settled.ts';
import { fromArgilla, toArgilla } from './argilla.ts';
import { importRows, type ImportRequest } from './incoming.ts';
import { fromLabelStudio, labelStudioConfig, toLabelStudio } from './label-studio.ts';
import { uuidOf, type IncomingRow, type OutgoingRow } from './outside.ts';

const shape: RowShape = { format: 'jsonl', columns: ['id', 'text', 'label', 'score'], label: 'label' };
const values: RowValue[] = [
  { id: 'a', text: 'Mail ada@example.org 🙂 now', label: 'contact', score: 3 },
  { id: 'b', text: 'My card is still not here', label: 'card_arrival', score: 1 },
  { id: 'c', text: 'Wie spät ist es? 🙂', label: 'other', score: 2 },
  { id: 'd', text: 'I lost my crad', label: 'lost', score: 2 },
];
const now = new Date('2026-11-21T09:00:00.000Z');
const at = '2026-11-21T07:00:00.000Z';

function decide(value: RowValue, action: Decision['action'], edit: Record<string, string | number> = {}, note?: string): Decision {
  const made = editDecision(value, edit, shape);
  const rest = action === 'reject' ? {} : { label: String(value['label']) };
  return { row: rowDigest(value), action, why: [], at, ...rest, ...made, ...(note === undefined ? {} : { note }) };
}

const decided: readonly (readonly Decided[])[] = [
  [by(ada, decide(values[0] ?? {}, 'edit', { text: 'Mail me now', score: 4 }, 'an address')), by(bob, decide(values[0] ?? {}, 'reject'), 'second')],
  [by(ada, decide(values[1] ?? {}, 'label', { label: 'card_linking' }))],
  [by(bob, decide(values[2] ?? {}, 'accept'))],
  [],
];
const outgoing: OutgoingRow[] = values.map((value, index) => ({
  digest: rowDigest(value),
  row: index + 1,
  key: String(value['id']),
  value,
  why: ['sample of 4, seed 1'],
  votes: [],
  findings: index === 0 ? [{ kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', message: 'an address', span: [5, 20] }] : [],
  decisions: decided[index] ?? [],
}));

async function importing(rows: readonly IncomingRow[], parts: Partial<ImportRequest> = {}): ReturnType<typeof importRows> {
  const path = join(await mkdtemp(join(tmpdir(), 'plumb-exchange-')), 'rows.jsonl');
  await writeFile(path, jsonl(values));
  return importRows(rows, {
    data: 'intents',
    tool: 'argilla',
    source: { path, name: 'intents', format: 'jsonl' },
    shape,
    question: 'label',
    people: new Map([ada, bob, eve].map((person) => [uuidOf(person), person])),
    decided: [],
    now,
    signal: new AbortController().signal,
    ...parts,
  });
}

function saidBy(imported: Awaited<ReturnType<typeof importRows>>): string[] {
  return imported.files
    .flatMap(({ header, decisions }) => decisions.map((one) => [header.annotator.name, one.row, outcomeOf(one), one.label, one.note]))
    .map((one) => JSON.stringify(one))
    .toSorted(byCodeUnit);
}
const said = decided.flat().map((one) => [one.annotator.name, one.row, outcomeOf(one), one.label, one.note]);

describe.each([
  ['argilla', toArgilla, fromArgilla],
  ['label-studio', toLabelStudio, fromLabelStudio],
] as const)('%s', (tool, out, back) => {
  test('decisions that go out come back as they were, and once', async () => {
    const text = JSON.stringify(out(outgoing, shape, 'label'));
    const imported = await importing(back(text, 'file.json'), { tool });
    expect(saidBy(imported)).toEqual(said.map((one) => JSON.stringify(one)).toSorted(byCodeUnit));
    expect(imported).toMatchObject({ decisions: 4, unmatched: 0, unanswered: 1, ignored: [] });
    const again = await importing(back(text, 'file.json'), { tool, decided: decided.flat() });
    expect(again).toMatchObject({ decisions: 0, known: 4, files: [] });
  });

  test.each(['[{"fields": 3, "data": 3}]', '{"a"', '[1]', '[{"fields":{"text":"x"},"responses":[],"data":{"text":"x"},"annotations":{}}]'])(
    '%s is refused',
    (text) => {
      expect(() => back(text, 'file.json')).toThrow(expect.objectContaining({ code: 'REVIEW_IMPORT' }));
    },
  );

  test('rows of other data are told, not guessed at', async () => {
    await expect(
      importing([{ row: null, fields: { prompt: 'x' }, answers: [{ who: { id: '1' }, values: { decision: 'accept' }, at }] }]),
    ).rejects.toMatchObject({ code: 'REVIEW_IMPORT' });
    const twice = { row: null, fields: { score: '2' }, answers: [{ who: { id: '1' }, values: { decision: 'accept' }, at }] };
    expect(await importing([twice])).toMatchObject({ decisions: 0, unmatched: 1 });
  });
});

describe('files of the tools themselves', () => {
  test("records as Argilla's SDK writes them: rows are found by what they say, strangers keep their ids", async () => {
    const text = await readFile(new URL('argilla.fixture.json', import.meta.url), 'utf8');
    const imported = await importing(fromArgilla(text, 'records.json'), { people: new Map([['11111111-1111-4111-8111-111111111111', ada]]) });
    expect(imported).toMatchObject({ decisions: 4, unmatched: 1, unanswered: 1, ignored: ['mood'] });
    const byName = new Map(imported.files.map(({ header, decisions }) => [header.annotator.name, decisions]));
    expect(byName.get('Ada')).toEqual([
      expect.objectContaining({ action: 'label', label: 'card_linking', note: 'see the ticket' }),
      expect.objectContaining({ action: 'reject', row: rowDigest(values[2] ?? {}) }),
    ]);
    expect(byName.get('argilla user 22222222-2222-4222-8222-222222222222')).toEqual([
      expect.objectContaining({ action: 'accept', label: 'card_arrival' }),
      expect.objectContaining({ action: 'edit', edit: { text: 'I lost my card' } }),
    ]);
  });

  // HumanSignal/label-studio-sdk, tests/custom/converter/data/test_export_csv/csv_test_history.json, Apache License 2.0 as this repository
  test("an export of Label Studio's own tests: who, when, and the answer to the question that is named", async () => {
    const text = await readFile(new URL('label-studio.fixture.json', import.meta.url), 'utf8');
    const [task] = fromLabelStudio(text, 'tasks.json');
    const value = { text: String(task?.fields['text']), label: 'Neutral' };
    const path = join(await mkdtemp(join(tmpdir(), 'plumb-exchange-')), 'rows.jsonl');
    await writeFile(path, jsonl([value]));
    const rows = fromLabelStudio(text, 'tasks.json');
    const source = { path, name: 'tweets', format: 'jsonl' as const };
    const own: RowShape = { format: 'jsonl', columns: ['text', 'label'], label: 'label' };
    const imported = await importing(rows, { tool: 'label-studio', source, shape: own, question: 'sentiment' });
    expect(imported.files).toEqual([
      {
        header: { plumbline: 'review/1', data: 'intents', role: 'first', annotator: { name: 'sergei@heartex.test', email: 'sergei@heartex.test' } },
        decisions: [expect.objectContaining({ action: 'label', label: 'Positive', at: '2024-05-15T12:09:16.789Z' })],
      },
    ]);
    const unnamed = await importing(rows, { tool: 'label-studio', source, shape: own });
    expect(unnamed).toMatchObject({ decisions: 0, ignored: ['sentiment'] });
  });
});

describe('what goes out', () => {
  test('flagged places are predictions, in UTF-16 units; the label that is there is one, too', () => {
    const [task] = toLabelStudio(outgoing, shape, 'label');
    const [label, flag] = task?.predictions[0]?.result ?? [];
    expect(label).toMatchObject({ from_name: 'label', to_name: 'id', type: 'choices', value: { choices: ['contact'] } });
    expect(flag).toMatchObject({ type: 'labels', value: { start: 5, end: 20, text: 'ada@example.org', labels: ['EMAIL_ADDRESS'] } });
  });

  test('names of columns and labels stay text in the interface', () => {
    const config = labelStudioConfig(['a"b', 'label'], ['<x>&'], [], { ...shape, columns: ['a"b', 'label'] }, 'label');
    expect(config).toContain('<Text name="a&quot;b" value="$a&quot;b"/>');
    expect(config).toContain('<Choice value="&lt;x&gt;&amp;"/>');
  });
});
