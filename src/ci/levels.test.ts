import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateGpuMinutes, estimateMinutes } from './estimate.ts';
import { planLevels, type Job, type Work } from './levels.ts';
import { checkMatrix, matrixText } from './matrix.ts';

const runner = ['ubuntu-24.04'];

function work(stage: string, after: readonly string[] = [], more: Partial<Work> = {}): Work {
  return { stage, after, labels: [], gpus: 0, minutes: undefined, seconds: null, why: 'never run', ...more };
}

const stageName = fc.oneof(
  fc.stringMatching(/^[\p{L}\p{N}_][\p{L}\p{N}_-]{0,20}(@[\p{L}\p{N}_.-]{1,20})?$/u),
  fc.constantFrom(
    'train',
    'Train',
    'TRAIN',
    'train@a',
    'train_a',
    'train@ä',
    'train@ö',
    'обучение',
    '訓練',
    'x'.repeat(100),
    `${'x'.repeat(99)}y`,
    '__proto__',
  ),
);

/** Stages in an order in which each comes after all that it needs. */
const graph = fc
  .uniqueArray(stageName, { maxLength: 25 })
  .chain((names) =>
    fc
      .tuple(
        ...names.map((name, at) => fc.record({ name: fc.constant(name), after: fc.subarray(names.slice(0, at), { maxLength: Math.min(3, at) }) })),
      )
      .map((stages) => (stages as { name: string; after: string[] }[]).map(({ name, after }) => work(name, [...after, 'from the cache']))),
  );
const most = fc.integer({ min: 1, max: 5 });

test('every stage has one job, after the jobs of all that it needs, in at most as many levels as there may be; the same bytes again', () => {
  fc.assert(
    fc.property(graph, most, (stages, levels) => {
      const plan = planLevels(stages, { most: levels, runner });
      expect(plan.levels.length).toBeLessThanOrEqual(levels);
      expect(plan.levels.every((jobs) => jobs.length > 0)).toBe(true);
      const place = new Map(
        plan.levels.flatMap((jobs, level) => jobs.flatMap((job, at) => job.stages.map((stage, step) => [stage, { level, at, step }]))),
      );
      expect(
        plan.levels
          .flat()
          .flatMap((job) => job.stages)
          .toSorted(),
      ).toEqual(stages.map(({ stage }) => stage).toSorted());
      for (const { stage, after } of stages) {
        const here = place.get(stage);
        for (const before of after.map((name) => place.get(name))) {
          if (before === undefined || here === undefined) continue;
          const isEarlier = before.level < here.level || (before.level === here.level && before.at === here.at && before.step < here.step);
          expect(isEarlier).toBe(true);
        }
      }
      expect(JSON.stringify(planLevels(structuredClone(stages), { most: levels, runner }))).toBe(JSON.stringify(plan));
    }),
  );
});

test('names of jobs are safe and of one job each, whatever stages are called; the order of stages does not matter to them', () => {
  fc.assert(
    fc.property(graph, most, (stages, levels) => {
      const names = planLevels(stages, { most: levels, runner })
        .levels.flat()
        .map((job) => job.name);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_.@+-]{1,80}$/);
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    }),
  );
  const alone = jobsOf('train@ä', 'train@ö', 'check').map((job) => job.name);
  expect(jobsOf('check', 'train@ö', 'train@ä').map((job) => job.name)).toEqual(alone.toReversed());
  expect(alone).toEqual([expect.stringMatching(/^train@_\+[0-9a-f]{12}$/), expect.stringMatching(/^train@_\+[0-9a-f]{12}$/), 'check']);

  function jobsOf(...names: string[]): readonly Job[] {
    return planLevels(
      names.map((name) => work(name)),
      { most: 4, runner },
    ).levels.flat();
  }
});

test('only the last level puts stages into one job: those that hang together, in order', () => {
  const chain = [work('a'), work('b', ['a']), work('c', ['b']), work('x'), work('y', ['x']), work('d', ['c', 'y'])];
  const names = (levels: number): string[][] =>
    planLevels(chain, { most: levels, runner }).levels.map((jobs) => jobs.map((job) => job.stages.join(' ')));
  expect(names(4)).toEqual([['a', 'x'], ['b', 'y'], ['c'], ['d']]);
  expect(names(2)).toEqual([['a', 'x'], ['b c y d']]);
  expect(names(1)).toEqual([['a b c x y d']]);
  expect(planLevels(chain, { most: 1, runner }).levels[0]?.[0]?.name).toBe('a+5');
  expect(planLevels([], { most: 4, runner })).toEqual({ levels: [], warnings: [] });
});

test('labels, limits and estimates of a job are those of its stages together', () => {
  const stages = [
    work('prepare', [], { minutes: 0.5, seconds: 30 }),
    work('train', ['prepare'], { labels: ['self-hosted', 'gpu'], gpus: 2, minutes: 90, seconds: 3600 }),
    work('evaluate', ['train'], { labels: ['gpu', 'self-hosted'], seconds: 60 }),
  ];
  const { levels, warnings } = planLevels(stages, { most: 2, runner });
  expect(warnings).toEqual([]);
  expect(levels).toEqual([
    [{ name: 'prepare', stages: ['prepare'], 'runs-on': runner, minutes: 11, estimate: 0.5, gpus: 0, why: 'never run' }],
    [
      {
        name: 'train+1',
        stages: ['train', 'evaluate'],
        'runs-on': ['self-hosted', 'gpu'],
        minutes: 450,
        estimate: 61,
        gpus: 2,
        why: 'train: never run\nevaluate: never run',
      },
    ],
  ]);
  const seconds = new Map(stages.map((stage) => [stage.stage, stage.seconds ?? 0]));
  expect(estimateMinutes(levels, seconds)).toEqual({ estimate: 61.5, elapsed: 61.5, known: 3, of: 3 });
  expect(estimateGpuMinutes(levels.flat())).toBe(122);
  const unknown = planLevels([work('train', [], { gpus: 1, labels: ['gpu'] }), work('b', [], { seconds: 6 })], { most: 4, runner }).levels;
  expect(estimateMinutes(unknown, new Map([['b', 6]]))).toEqual({ estimate: null, elapsed: null, known: 1, of: 2 });
  expect(estimateGpuMinutes(unknown.flat())).toBeNull();
  expect(estimateMinutes([], new Map())).toEqual({ estimate: 0, elapsed: 0, known: 0, of: 0 });
});

test('what cannot end well is said before a job starts', () => {
  const gpu = work('train', [], { gpus: 1 });
  expect(planLevels([gpu], { most: 4, runner }).warnings).toEqual([expect.stringContaining('"train" wants 1 GPU and names no runner')]);
  const two = [work('a', [], { labels: ['big'] }), work('b', ['a'], { labels: ['gpu'] })];
  expect(planLevels(two, { most: 2, runner }).warnings).toEqual([]);
  expect(planLevels(two, { most: 1, runner }).warnings).toEqual([expect.stringContaining('run in one job and name different runners')]);
});

test('T3: labels of strangers: printable and of bounded length, or refused', () => {
  for (const label of ['gpu\n::set-output::', '', 'x'.repeat(257), '\u0000', '\u202egpu', '\ud800']) {
    expect(() => planLevels([work('train', [], { labels: [label] })], { most: 4, runner })).toThrow(/no label of a runner/);
  }
  expect(() => planLevels([work('train', [], { labels: Array.from({ length: 21 }, (_, at) => `l${at}`) })], { most: 4, runner })).toThrow(
    /21 runner labels/,
  );
  const odd = planLevels([work('train', [], { labels: ['${{ secrets.X }}', 'größe: 8'] })], { most: 4, runner }).levels;
  expect(JSON.parse(matrixText(odd[0] ?? []))).toMatchObject({ include: [{ 'runs-on': ['${{ secrets.X }}', 'größe: 8'] }] });
});

test('a level without jobs is [], one of too many is refused', () => {
  const side = (count: number): readonly (readonly Job[])[] =>
    planLevels(
      Array.from({ length: count }, (_, at) => work(`s@${at}`)),
      { most: 4, runner },
    ).levels;
  expect(matrixText([])).toBe('[]');
  expect(() => checkMatrix(side(256))).not.toThrow();
  expect(() => checkMatrix(side(257))).toThrow(expect.objectContaining({ code: 'CI_MATRIX_LIMIT' }));
});

test('a thousand stages, side by side, one behind the other, or crossed, are planned within a second', () => {
  const count = 1000;
  const shapes = {
    side: Array.from({ length: count }, (_, at) => work(`s@${at}`)),
    chain: Array.from({ length: count }, (_, at) => work(`s@${at}`, at === 0 ? [] : [`s@${at - 1}`])),
    crossed: Array.from({ length: count }, (_, at) =>
      work(
        `s@${at}`,
        [1, 2, 3, 5, 8, 13, 21].map((back) => `s@${at - back}`),
      ),
    ),
  };
  const before = process.cpuUsage();
  for (const stages of Object.values(shapes))
    expect(
      planLevels(stages, { most: 4, runner })
        .levels.flat()
        .flatMap((job) => job.stages),
    ).toHaveLength(count);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(1);
});
