import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schedule } from './scheduler.ts';

const free = { failFast: false, signal: new AbortController().signal };

/** 'a', 'b<a', 'c<a,b' */
function graph(...texts: string[]): Map<string, { after: string[]; exclusive: boolean }> {
  return new Map(
    texts.map((text) => [
      text.split('<')[0] ?? '',
      { after: text.includes('<') ? (text.split('<')[1] ?? '').split(',') : [], exclusive: text.endsWith('!') },
    ]),
  );
}

test('a failed stage stops its dependants and nothing else', async () => {
  const endings = await schedule(graph('a', 'b', 'c<a', 'd<c', 'e<b'), async (name) => (name === 'a' ? Promise.reject(new Error('no')) : name), {
    ...free,
    jobs: 2,
  });
  expect(Object.fromEntries([...endings].map(([name, ending]) => [name, ending.state]))).toEqual({
    a: 'failed',
    b: 'done',
    c: 'skipped',
    d: 'skipped',
    e: 'done',
  });
});

test('with failFast nothing new starts after a failure', async () => {
  const endings = await schedule(graph('a', 'b', 'c'), async (name) => (name === 'a' ? Promise.reject(new Error('no')) : name), {
    ...free,
    failFast: true,
    jobs: 1,
  });
  expect([...endings.values()].map((ending) => ending.state)).toEqual(['failed', 'skipped', 'skipped']);
});

test('an abort skips what has not started', async () => {
  const stop = new AbortController();
  const endings = await schedule(graph('a', 'b'), async () => stop.abort(), { failFast: false, signal: stop.signal, jobs: 1 });
  expect([...endings.values()].map((ending) => ending.state)).toEqual(['done', 'skipped']);
});

test('any graph: each stage runs once, after all it needs, never more than the jobs at once', async () => {
  const graphs = fc
    .integer({ min: 1, max: 12 })
    .chain((size) => fc.tuple(...Array.from({ length: size }, (_, at) => fc.subarray(Array.from({ length: at }, (__, before) => `s${before}`)))));
  await fc.assert(
    fc.asyncProperty(graphs, fc.integer({ min: 1, max: 4 }), async (edges, jobs) => {
      const stages = new Map(edges.map((after, at) => [`s${at}`, { after, exclusive: false }]));
      const finished: string[] = [];
      let running = 0;
      await schedule(
        stages,
        async (name) => {
          running += 1;
          expect(running).toBeLessThanOrEqual(jobs);
          for (const before of stages.get(name)?.after ?? []) expect(finished).toContain(before);
          await Promise.resolve();
          running -= 1;
          finished.push(name);
        },
        { ...free, jobs },
      );
      expect(finished.toSorted()).toEqual([...stages.keys()].toSorted());
    }),
    { numRuns: 50 },
  );
});

test('stages that want a GPU take turns', async () => {
  let atOnce = 0;
  await schedule(
    new Map(['a', 'b', 'c'].map((name) => [name, { after: [], exclusive: true }])),
    async () => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
    },
    { ...free, jobs: 3 },
  );
});
