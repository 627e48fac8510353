import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rowDigest } from '../datasets/row-digest.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { jsonl } from '../datasets/project.fixture.ts';
import type { FlaggedRow } from '../quality/findings.ts';
import { ada, bob, by, eve } from './decision.fixture.ts';
import { findRow } from './find-row.ts';
import { askingOf, openQueue, planQueue, type Asking } from './queue.ts';
import { drawSample } from './sample.ts';
import type { Decision } from './schema.ts';
import { settle } from './settled.ts';
import { partsOf } from './spans.ts';

const signal = new AbortController().signal;
const rows = Array.from({ length: 40 }, (_, id) => ({ id, text: `row ${id % 38}`, lang: id % 4 === 0 ? 'de' : 'en' }));

async function sourceOf(values: readonly object[]): Promise<RowSource> {
  const path = join(await mkdtemp(join(tmpdir(), 'plumb-queue-')), 'rows.jsonl');
  await writeFile(path, jsonl(values));
  return { path, name: 'rows', format: 'jsonl', key: 'id' };
}

function flagged(id: number, severity: 'error' | 'warning' | 'info'): FlaggedRow {
  const value = rows[id] ?? {};
  return {
    row: id + 1,
    key: String(id),
    digest: rowDigest(value),
    findings: [{ kind: 'EMAIL', severity, column: 'text', span: [0, 3], message: 'an address' }],
  };
}

function decisionOn(id: number, action: Decision['action'] = 'accept'): Decision {
  return { row: rowDigest(rows[id] ?? {}), action, why: [], at: '2026-11-21T07:00:00.000Z' };
}

describe('the queue', () => {
  const asked: Asking[] = [
    askingOf('pii', [flagged(7, 'warning'), flagged(9, 'error'), flagged(3, 'error'), flagged(5, 'info')]),
    { why: 'sample of 1, seed 1', rows: [1, 3].map((id) => ({ row: rowDigest(rows[id] ?? {}), findings: [] })) },
  ];

  test('the gravest first, then as they stand in the data; what is only counted does not wait', async () => {
    const waiting = planQueue(asked, new Map(), { me: ada, role: 'first' });
    const { items } = await openQueue(await sourceOf(rows), waiting, { limit: 10, signal });
    expect(items.map(({ key }) => key)).toEqual(['3', '9', '7', '1']);
    expect(items[0]?.why).toEqual(['EMAIL in text (pii)', 'sample of 1, seed 1']);
  });

  test('kind and column are said once: they are no part of the message', () => {
    const messageOf = (message: string): unknown => {
      const row = flagged(1, 'error');
      return askingOf('pii', [{ ...row, findings: row.findings.map((finding) => ({ ...finding, message })) }]).rows[0]?.findings[0]?.message;
    };
    expect(['EMAIL in text, 0 to 3', 'EMAIL in other, 0 to 3', 'an address'].map(messageOf)).toEqual([
      '0 to 3',
      'EMAIL in other, 0 to 3',
      'an address',
    ]);
  });

  test('more than fit are counted, and rows of another version are told', async () => {
    const waiting = planQueue(asked, new Map(), { me: ada, role: 'first' });
    const queue = await openQueue(await sourceOf(rows.slice(0, 9)), waiting, { limit: 2, signal });
    expect(queue.items.map(({ key, value }) => [key, value['text']])).toEqual([
      ['3', 'row 3'],
      ['7', 'row 7'],
    ]);
    expect(queue).toMatchObject({ waiting: 3, gone: 1 });
  });

  test('who waits for whom', () => {
    const settled = settle([
      by(ada, decisionOn(3)),
      by(ada, decisionOn(9)),
      by(bob, decisionOn(9, 'reject'), 'second'),
      by(ada, decisionOn(7)),
      by(eve, decisionOn(7, 'reject'), 'adjudicator'),
    ]);
    const keys = (me: typeof ada, role: 'first' | 'second' | 'adjudicator'): (number | undefined)[] =>
      planQueue(asked, settled, { me, role }).map(({ digest }) => rows.findIndex((row) => rowDigest(row) === digest));
    expect(keys(bob, 'first')).toEqual([1]);
    expect(keys(bob, 'second')).toEqual([3]);
    expect(keys(ada, 'second')).toEqual([]);
    expect(keys(eve, 'adjudicator')).toEqual([9]);
    expect(keys(bob, 'adjudicator')).toEqual([]);
    // a second look knows nothing of the first
    expect(planQueue(asked, settled, { me: bob, role: 'second' }).flatMap(({ votes }) => votes)).toEqual([]);
    expect(planQueue(asked, settled, { me: eve, role: 'adjudicator' })[0]?.votes.map(({ action }) => action)).toEqual(['accept', 'reject']);
  });
});

describe('a sample', () => {
  const ask = { size: 5, seed: 7, where: null };

  test('the seed draws it, the order of rows does not; another version keeps what it has', async () => {
    const drawn = await drawSample(await sourceOf(rows), ask, { signal });
    expect(drawn).toHaveLength(5);
    expect(await drawSample(await sourceOf(rows.toReversed()), ask, { signal })).toEqual(drawn);
    expect(await drawSample(await sourceOf(rows), { ...ask, seed: 8 }, { signal })).not.toEqual(drawn);
    const without = rows.filter((row) => rowDigest(row) !== drawn[0]);
    expect((await drawSample(await sourceOf(without), ask, { signal })).filter((row) => drawn.includes(row))).toHaveLength(4);
  });

  test('only rows that have the value, and no more than there are', async () => {
    const german = await drawSample(await sourceOf(rows), { size: 100, seed: 1, where: { column: 'lang', value: 'de' } }, { signal });
    expect(german).toEqual(
      rows
        .filter((row) => row.lang === 'de')
        .map(rowDigest)
        .toSorted(),
    );
  });

  test('each row has the same chance', async () => {
    const source = await sourceOf(rows);
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 300; seed += 1)
      for (const row of await drawSample(source, { size: 4, seed, where: null }, { signal })) counts.set(row, (counts.get(row) ?? 0) + 1);
    // 300 draws of 4 from 40: 30 each; chi-square with 39 degrees of freedom, 99.9 % of draws lie below 72
    const chi = rows.map((row) => counts.get(rowDigest(row)) ?? 0).reduce((sum, count) => sum + (count - 30) ** 2 / 30, 0);
    expect(chi).toBeLessThan(72);
  });
});

describe('one row', () => {
  test('by its key, its number, or digits of its digest', async () => {
    const source = await sourceOf(rows);
    expect((await findRow(source, '12', signal))?.row).toBe(13);
    expect((await findRow({ ...source, key: 'lang' }, 'row 12', signal))?.row).toBe(12);
    expect((await findRow(source, rowDigest(rows[20] ?? {}).slice(7, 19), signal))?.key).toBe('20');
    expect(await findRow(source, 'nobody', signal)).toBeNull();
    const { key: _, ...keyless } = source;
    expect((await findRow(keyless, '12', signal))?.row).toBe(12);
  });

  test('a key that is gone does not lead to the row that stands at its number', async () => {
    const source = await sourceOf(rows.filter(({ id }) => String(id) !== '12'));
    expect(await findRow(source, '12', signal)).toBeNull();
    expect((await findRow(source, 'row 12', signal))?.row).toBe(12);
  });
});

describe('flagged places', () => {
  test('spans count code points, may lie over each other, and may be wrong', () => {
    expect(
      partsOf('😀 ab cd', [
        { kind: 'A', span: [2, 4] },
        { kind: 'B', span: [3, 7] },
      ]),
    ).toEqual([
      { text: '😀 ', kinds: [] },
      { text: 'a', kinds: ['A'] },
      { text: 'b', kinds: ['A', 'B'] },
      { text: ' cd', kinds: ['B'] },
    ]);
    expect(
      partsOf('ab', [{ kind: 'A', span: [1, 99] }])
        .map(({ text }) => text)
        .join(''),
    ).toBe('ab');
    expect(partsOf('ab', [{ kind: 'A', span: [50, 99] }])).toEqual([{ text: 'ab', kinds: [] }]);
    expect(partsOf('', [{ kind: 'A', span: [0, 1] }])).toEqual([]);
  });
});
