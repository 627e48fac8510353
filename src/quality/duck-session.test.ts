import { describe, expect, test } from 'vitest';
import { tellQueries, withDuckSession } from './duck-session.ts';

const bounds = { memoryMiB: 128, threads: 1 };
/** Some hours of work. */
const endless = 'SELECT count(*) FROM range(1000000000000) a(x) WHERE x % 7 = 3';

describe('a session of DuckDB', () => {
  test('ends a query that runs when the signal comes', async () => {
    const stop = new AbortController();
    const ending = withDuckSession(bounds, stop.signal, async ({ connection }) => {
      const running = connection.run(endless);
      stop.abort(new Error('enough'));
      await running;
    });
    await expect(ending).rejects.toThrow('enough');
  });

  test('ends the next query where the signal came between two', async () => {
    const stop = new AbortController();
    const ending = withDuckSession(bounds, stop.signal, async ({ connection }) => {
      await connection.run('SELECT 1');
      stop.abort(new Error('enough'));
      await connection.run(endless);
    });
    await expect(ending).rejects.toThrow('enough');
  });

  test('ends before its first query where the signal came while it was opened, and after its last', async () => {
    const stop = new AbortController();
    let asked = 0;
    const opening = withDuckSession(bounds, stop.signal, async () => void (asked += 1));
    stop.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    expect(asked).toBe(0);
    const late = new AbortController();
    await expect(withDuckSession(bounds, late.signal, async () => late.abort(new Error('late')))).rejects.toThrow('late');
  });

  test('tells how far a query is, never back, and all of it in the end', async () => {
    const told: number[] = [];
    const bar = { advance: (amount: number) => void told.push(amount), end: () => undefined };
    await withDuckSession(bounds, new AbortController().signal, ({ connection }) =>
      tellQueries(connection, bar, 40, async () => {
        await connection.run('CREATE TABLE counted AS SELECT range AS n FROM range(5000000)');
        await connection.run('SELECT count(*) FROM (SELECT n FROM counted ORDER BY hash(n))');
      }),
    );
    expect(told.every((amount) => amount >= 0)).toBe(true);
    expect(told.reduce((sum, amount) => sum + amount, 0)).toBeCloseTo(40, 6);
  });

  test('tells no end of what failed', async () => {
    const told: number[] = [];
    const bar = { advance: (amount: number) => void told.push(amount), end: () => undefined };
    const ending = withDuckSession(bounds, new AbortController().signal, ({ connection }) =>
      tellQueries(connection, bar, 40, () => connection.run('SELECT * FROM nowhere')),
    );
    await expect(ending).rejects.toThrow('nowhere');
    expect(told).toEqual([]);
  });
});
