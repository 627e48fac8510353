import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Predictor } from '../train/predictor.ts';
import { createHost, type Host, type HostEvent } from './host.ts';
import type { NamedModel, PointerReading } from './pointers.ts';

const digests = { a: digestOf('a'), b: digestOf('b'), c: digestOf('c'), d: digestOf('d'), e: digestOf('e') };

/** Models that open when the test says so, and know whether they are open. */
function bench(): {
  host: Host;
  events: HostEvent[];
  opened: Digest[];
  closed: Digest[];
  finish(digest: Digest, error?: Error): void;
  history: NamedModel[];
} {
  const waiting = new Map<Digest, PromiseWithResolvers<Predictor>>();
  const events: HostEvent[] = [];
  const opened: Digest[] = [];
  const closed: Digest[] = [];
  const history: NamedModel[] = [];
  const gate = (digest: Digest): PromiseWithResolvers<Predictor> => {
    const known = waiting.get(digest) ?? Promise.withResolvers<Predictor>();
    waiting.set(digest, known);
    return known;
  };
  const host = createHost({
    open({ digest }) {
      opened.push(digest);
      return gate(digest).promise;
    },
    async *earlier({ names }) {
      for (const model of history) if (names.includes(model.name)) yield new Map([[model.name, model]]);
    },
    tell: (event) => void events.push(event),
    now: () => new Date(0),
    clock: () => 0,
    retryMs: { first: 1, most: 4 },
  });
  return {
    host,
    events,
    opened,
    closed,
    history,
    finish(digest, error) {
      const { promise, resolve, reject } = gate(digest);
      waiting.delete(digest);
      promise.catch(() => undefined);
      if (error !== undefined) return reject(error);
      resolve({
        labels: [digest],
        format: 'onnx',
        predict: async (texts) => {
          if (closed.includes(digest)) throw new Error('asked after it was closed');
          return texts.map(() => ({ label: digest, score: 1, top: [] }));
        },
        close: async () => void closed.push(digest),
      });
    },
  };
}

let commits = 0;
const named = (digest: Digest, name = 'intents'): NamedModel => ({
  name,
  stage: 'production',
  digest,
  parts: [],
  bytes: 1,
  run: digestOf('run'),
  commit: `commit-${(commits += 1)}`,
  path: `models/${name}/production.json`,
});
const reading = (...models: NamedModel[]): PointerReading => ({
  commit: models[0]?.commit ?? 'empty',
  named: new Map(models.map((model) => [model.name, model])),
  broken: new Map(),
  units: [],
  revoked: new Set(),
});
const brokenReading = (name = 'intents'): PointerReading => ({
  commit: 'broken',
  named: new Map(),
  broken: new Map([[name, new PlumbError('POINTER_INVALID', { what: 'broken', mend: 'mend' })]]),
  units: [],
  revoked: new Set(),
});
const ask = (host: Host): Promise<string | undefined> => host.use('intents', async (model) => (await model.predict(['x']))[0]?.label);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function serving(...path: Digest[]): Promise<ReturnType<typeof bench>> {
  const made = bench();
  for (const digest of path) {
    made.host.follow(reading(named(digest)), 0);
    made.finish(digest);
    await made.host.settled();
  }
  return made;
}

test('a model answers once it is loaded, and the old one until then', async () => {
  const { host, finish } = await serving(digests.a);
  host.follow(reading(named(digests.b)), 0);
  expect(await ask(host)).toBe(digests.a);
  finish(digests.b);
  await host.settled();
  expect(await ask(host)).toBe(digests.b);
});

test('a request that runs keeps its model open through two swaps, and the model is closed when it ends', async () => {
  const { host, finish, closed } = await serving(digests.a);
  const slow = Promise.withResolvers<void>();
  const answer = host.use('intents', async (model) => {
    await slow.promise;
    return (await model.predict(['x']))[0]?.label;
  });
  for (const digest of [digests.b, digests.c]) {
    host.follow(reading(named(digest)), 0);
    finish(digest);
    await host.settled();
  }
  expect(await ask(host)).toBe(digests.c);
  await turn();
  expect(closed).toEqual([]);
  slow.resolve();
  expect(await answer).toBe(digests.a);
  await turn();
  expect(closed).toEqual([digests.a]);
});

test('a revert is answered in the same turn, from the model that was kept warm', async () => {
  const { host, opened, closed, events } = await serving(digests.a, digests.b);
  host.follow(reading(named(digests.a)), 0);
  expect(await ask(host)).toBe(digests.a);
  host.follow(reading(named(digests.b)), 0);
  expect(await ask(host)).toBe(digests.b);
  expect(opened).toEqual([digests.a, digests.b]);
  expect(closed).toEqual([]);
  expect(events.filter((event) => event.event === 'swap').map((event) => event.warm)).toEqual([false, false, true, true]);
});

test('a third model closes the first: one is kept, not all', async () => {
  const { host, closed } = await serving(digests.a, digests.b, digests.c);
  await turn();
  expect(closed).toEqual([digests.a]);
  expect(host.states()[0]?.previous).toBe(digests.b);
});

test('a load that was overtaken never answers, and a revert does not wait for it', async () => {
  const { host, finish, closed } = await serving(digests.a);
  host.follow(reading(named(digests.b)), 0);
  host.follow(reading(named(digests.a)), 0);
  expect(host.states()[0]?.answering?.digest).toBe(digests.a);
  finish(digests.b);
  await host.settled();
  expect(await ask(host)).toBe(digests.a);
  expect(closed).toEqual([digests.b]);
});

test('pointers that move faster than models load end at the newest, with at most two loads at once', async () => {
  const { host, finish, opened } = await serving();
  for (const digest of [digests.a, digests.b, digests.c]) host.follow(reading(named(digest)), 0);
  expect(opened).toEqual([digests.a, digests.b]);
  finish(digests.a);
  await turn();
  expect(opened).toEqual([digests.a, digests.b, digests.c]);
  finish(digests.b);
  finish(digests.c);
  await host.settled();
  expect(await ask(host)).toBe(digests.c);
});

test('a broken pointer leaves the old model answering, says so, and is mended by the next good one', async () => {
  const { host, events } = await serving(digests.a);
  host.follow(brokenReading(), 0);
  expect(await ask(host)).toBe(digests.a);
  expect(host.states()[0]).toMatchObject({ wanted: null, trouble: { code: 'POINTER_INVALID' } });
  host.follow(brokenReading(), 0);
  host.follow(reading(named(digests.a)), 0);
  expect(host.states()[0]?.trouble).toBeNull();
  expect(events.map((event) => event.event)).toEqual(['swap', 'broken', 'mended']);
});

test('bytes that are missing are looked for again until they are there', async () => {
  const { host, finish, opened } = await serving(digests.a);
  host.follow(reading(named(digests.b)), 0);
  finish(digests.b, new PlumbError('BYTES_MISSING', { what: 'missing', mend: 'push' }));
  await host.settled();
  expect(host.states()[0]).toMatchObject({ wanted: digests.b, answering: { digest: digests.a }, trouble: { code: 'BYTES_MISSING' } });
  await expect.poll(() => opened.filter((digest) => digest === digests.b).length).toBe(2);
  finish(digests.b);
  await host.settled();
  expect(await ask(host)).toBe(digests.b);
  expect(host.states()[0]?.trouble).toBeNull();
});

test('a file that is no model is not opened again and again', async () => {
  const { host, finish, opened } = await serving(digests.a);
  host.follow(reading(named(digests.b)), 0);
  finish(digests.b, new PlumbError('MODEL_INVALID', { what: 'no model', mend: 'another' }));
  await host.settled();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(opened.filter((digest) => digest === digests.b)).toHaveLength(1);
  expect(await ask(host)).toBe(digests.a);
});

test('a server that starts under a broken pointer answers with the newest good model of history, degraded', async () => {
  const { host, history, opened, finish } = bench();
  history.push(named(digests.b), named(digests.a));
  host.follow(brokenReading(), 0);
  await turn();
  expect(opened).toEqual([digests.b]);
  finish(digests.b, new PlumbError('BYTES_MISSING', { what: 'missing', mend: 'push' }));
  await turn();
  finish(digests.a);
  await host.settled();
  expect(await ask(host)).toBe(digests.a);
  expect(host.states()[0]?.trouble?.code).toBe('POINTER_INVALID');
});

test('a pointer that was taken away withdraws its model, and one that comes back is answered at once', async () => {
  const { host, closed } = await serving(digests.a);
  host.follow(reading(), 0);
  await expect(ask(host)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  expect(host.states()).toEqual([]);
  host.follow(reading(named(digests.a)), 0);
  expect(await ask(host)).toBe(digests.a);
  expect(closed).toEqual([]);
});

test('one model in trouble does not touch another', async () => {
  const { host, finish } = bench();
  host.follow(reading(named(digests.a, 'one'), named(digests.b, 'two')), 0);
  finish(digests.a);
  finish(digests.b, new PlumbError('MODEL_INVALID', { what: 'no model', mend: 'another' }));
  await host.settled();
  expect(host.states().map((slot) => [slot.name, slot.answering?.digest ?? null, slot.trouble?.code ?? null])).toEqual([
    ['one', digests.a, null],
    ['two', null, 'MODEL_INVALID'],
  ]);
  await expect(host.use('two', async () => 1)).rejects.toMatchObject({ code: 'MODEL_NOT_READY' });
});

test('closing waits for the requests and closes every model', async () => {
  const { host, closed } = await serving(digests.a, digests.b);
  const slow = Promise.withResolvers<void>();
  const answer = host.use('intents', () => slow.promise);
  let done = false;
  const closing = host.close().then(() => (done = true));
  await turn();
  expect(done).toBe(false);
  slow.resolve();
  await Promise.all([answer, closing]);
  expect(closed.toSorted()).toEqual([digests.a, digests.b].toSorted());
});

const together = (...models: NamedModel[]): PointerReading => ({ ...reading(...models), units: [models.map((model) => model.name)] });
const answers = (host: Host): (string | undefined)[] => host.states().map((slot) => slot.answering?.digest);
const missing = new PlumbError('BYTES_MISSING', { what: 'missing', mend: 'push' });

/** 'one' answers with a, 'two' with b. */
async function servingTwo(): Promise<ReturnType<typeof bench>> {
  const made = bench();
  made.host.follow(reading(named(digests.a, 'one'), named(digests.b, 'two')), 0);
  made.finish(digests.a);
  made.finish(digests.b);
  await made.host.settled();
  return made;
}

test('models of one decision are swapped in the same turn, when the last of them is loaded', async () => {
  const { host, finish, events } = await servingTwo();
  host.follow(together(named(digests.c, 'one'), named(digests.d, 'two')), 0);
  finish(digests.c);
  await turn();
  expect(answers(host)).toEqual([digests.a, digests.b]);
  finish(digests.d);
  await host.settled();
  expect(answers(host)).toEqual([digests.c, digests.d]);
  expect(events.filter((event) => event.event === 'swap')).toHaveLength(4);
});

test('where one of a decision cannot be loaded none is swapped, and each says why; it is swapped when it can', async () => {
  const { host, finish, opened } = await servingTwo();
  host.follow(together(named(digests.c, 'one'), named(digests.d, 'two')), 0);
  finish(digests.c);
  finish(digests.d, missing);
  await host.settled();
  expect(answers(host)).toEqual([digests.a, digests.b]);
  expect(host.states().map((slot) => slot.trouble?.code)).toEqual(['MODEL_NOT_READY', 'BYTES_MISSING']);
  await expect.poll(() => opened.filter((digest) => digest === digests.d).length).toBe(2);
  finish(digests.d);
  await host.settled();
  expect(answers(host)).toEqual([digests.c, digests.d]);
  expect(host.states().map((slot) => slot.trouble)).toEqual([null, null]);
});

test('a decision that is overtaken for one of its models takes the other along with what came next', async () => {
  const { host, finish } = await servingTwo();
  host.follow(together(named(digests.c, 'one'), named(digests.d, 'two')), 0);
  finish(digests.c);
  finish(digests.d, missing);
  await host.settled();
  // the second decision moves 'two' alone; 'one' has not arrived where the first wanted it
  host.follow(reading(named(digests.c, 'one'), named(digests.e, 'two')), 0);
  await turn();
  expect(answers(host)).toEqual([digests.a, digests.b]);
  finish(digests.e);
  await host.settled();
  expect(answers(host)).toEqual([digests.c, digests.e]);
});

test('a server that starts where a decision cannot be carried out answers with what all of its models were before', async () => {
  const { host, finish, history } = bench();
  history.push(named(digests.a, 'one'));
  host.follow(together(named(digests.c, 'one'), named(digests.d, 'two')), 0);
  finish(digests.c);
  finish(digests.d, missing);
  await turn();
  finish(digests.a);
  await host.settled();
  expect(answers(host)).toEqual([digests.a, undefined]);
  finish(digests.d);
  await host.close();
});

const forbidding = (...revoked: Digest[]): PointerReading => ({ ...reading(), revoked: new Set(revoked) });

test('a revoked model answers no more, at once, and no other one takes its place unless it is named', async () => {
  const { host, closed, events, history } = await serving(digests.a, digests.b);
  history.push(named(digests.a));
  const model = named(digests.b);
  host.follow({ ...reading(model), revoked: new Set([digests.b]) }, 0);
  await expect(ask(host)).rejects.toMatchObject({ code: 'MODEL_REVOKED' });
  await host.settled();
  await expect(ask(host)).rejects.toMatchObject({ code: 'MODEL_REVOKED' });
  expect(host.states()[0]).toMatchObject({ wanted: digests.b, answering: null, trouble: { code: 'MODEL_REVOKED' } });
  expect(events.filter((event) => event.event === 'revoked')).toEqual([{ event: 'revoked', name: 'intents', digest: digests.b }]);
  await turn();
  expect(closed).toEqual([digests.b]);
  host.follow({ ...reading(named(digests.a)), revoked: new Set([digests.b]) }, 0);
  expect(await ask(host)).toBe(digests.a);
});

test('an answer that was under way when its model was revoked is not given', async () => {
  const { host, closed } = await serving(digests.a);
  const slow = Promise.withResolvers<void>();
  const answer = host.use('intents', async (model) => {
    await slow.promise;
    return model.predict(['x']);
  });
  host.forbid(new Set([digests.a]));
  slow.resolve();
  await expect(answer).rejects.toMatchObject({ code: 'MODEL_REVOKED' });
  await turn();
  expect(closed).toEqual([digests.a]);
});

test('a model that is revoked while it loads never answers, nor one that is kept warm, nor one of whose parts that is true', async () => {
  const { host, finish, closed } = await serving(digests.a, digests.b);
  host.follow(reading(named(digests.c)), 0);
  host.follow({ ...forbidding(digests.c, digests.a), named: new Map([['intents', named(digests.c)]]) }, 0);
  finish(digests.c);
  await host.settled();
  await turn();
  expect(closed.toSorted()).toEqual([digests.a, digests.c].toSorted());
  // the pointer names what is revoked: the one from before is not revoked, and goes on
  expect(await ask(host)).toBe(digests.b);
  host.follow({ ...forbidding(digests.c, digests.a), named: new Map([['intents', { ...named(digests.b), parts: [digests.c] }]]) }, 0);
  await expect(ask(host)).rejects.toMatchObject({ code: 'MODEL_REVOKED' });
});

test('a server that starts under a broken pointer passes over what was revoked', async () => {
  const { host, history, opened, finish } = bench();
  history.push(named(digests.b), named(digests.a));
  host.follow({ ...brokenReading(), revoked: new Set([digests.b]) }, 0);
  await turn();
  expect(opened).toEqual([digests.a]);
  finish(digests.a);
  await host.settled();
  expect(await ask(host)).toBe(digests.a);
});
