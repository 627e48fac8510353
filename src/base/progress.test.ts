import { describe, expect, test } from 'vitest';
import { describeProgress, streamProgress, tellBatches, tellEach, type ProgressBar } from './progress.ts';

describe('a line of progress', () => {
  const shown = (columns: number | undefined): string => {
    let [time, said] = [0, ''];
    const stream = { isTTY: true, write: (text: string) => (said += text), ...(columns === undefined ? {} : { columns }) };
    const bar = streamProgress(stream, () => time).start('read', 400, 'rows');
    time = 2000;
    bar.advance(100);
    return said;
  };

  test('says rate and time left', () => {
    expect(shown(200)).toBe('\r\u001b[2Kread  25 %  100 rows of 400 rows  50 rows/s  6.0 s left');
  });

  test('what takes long has a rate, too, and what is half done is not done', () => {
    expect(describeProgress({ label: 'values', done: 2.75, total: 5, unit: 'steps', seconds: 11 })).toBe(
      'values  55 %  2 steps of 5 steps  0.25 steps/s  9.0 s left',
    );
  });

  test('a terminal that says no width, or 0, loses no letter', () => {
    expect(shown(0)).toBe(shown(200));
    expect(shown(undefined)).toBe(shown(200));
    expect(shown(11)).toBe('\r\u001b[2Kread  25 %');
  });
});

describe('batches that are told', () => {
  const told: (number | 'end')[] = [];
  const bar: ProgressBar = { advance: (amount) => void told.push(amount), end: () => void told.push('end') };
  async function* batches(): AsyncGenerator<number[]> {
    yield [1, 2];
    yield [3];
    throw new Error('the third batch is wrong');
  }

  test('come as they are, and the line goes where reading stops', async () => {
    const seen: number[][] = [];
    for await (const batch of tellBatches(batches(), () => bar)) {
      seen.push(batch);
      if (batch.includes(3)) break;
    }
    expect(seen).toEqual([[1, 2], [3]]);
    expect(told.splice(0)).toEqual([2, 'end']);
    await expect(Array.fromAsync(tellBatches(batches(), () => bar))).rejects.toThrow('third batch');
    expect(told).toEqual([2, 1, 'end']);
  });
});

test('a line is drawn while the first of many things is waited for', async () => {
  const told: (number | 'end')[] = [];
  let waited = (): void => undefined;
  const bar: ProgressBar = {
    advance: (amount) => {
      told.push(amount);
      waited();
    },
    end: () => void told.push('end'),
  };
  async function* things(): AsyncGenerator<string> {
    await new Promise<void>((resolve) => (waited = resolve));
    yield 'one';
  }
  expect(await Array.fromAsync(tellEach(things(), bar))).toEqual(['one']);
  expect(told[0]).toBe(0);
  expect(told.slice(-2)).toEqual([1, 'end']);
});
