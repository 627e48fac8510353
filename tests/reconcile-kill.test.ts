// A run that is killed anywhere, and two that run at once, come to where one that was left alone comes. Runs are killed at what they ask of the forge, not at a
// time: it is the same on every machine.
import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, expect, test } from 'vitest';
import { better, good } from '../src/registry/example.fixture.ts';
import { openScene, removeScenes, removeTemplates, type ReconcileScene, type Runner } from './reconcile-scene.ts';

afterEach(removeScenes);
afterAll(removeTemplates);

/** A promotion that holds, one that does not, and the way back: three decisions. */
async function busyDay(scene: ReconcileScene): Promise<void> {
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  await scene.merge(pull);
  const revert = await scene.pushDirectly('ada', () => scene.git.run('revert', '--no-edit', 'HEAD'));
  expect(revert).not.toBe('');
  await scene.pushDirectly('mallory', () => scene.team.promote({ candidate: better, production: good, again: { reason: 'because' } }));
}

/** What is to be seen of it, with no number or time that depends on how often a run was begun. */
async function outcome(scene: ReconcileScene): Promise<unknown> {
  const log = await scene.log();
  const last = new Map(scene.github.deployments.map((one) => [`${one.environment} ${one.sha}`, one.states.at(-1)?.state]));
  const names = new Map((await scene.git.git.log('main', { firstParent: true })).toReversed().map(({ oid }, at) => [oid, `commit ${at}`]));
  const named = (text: string): string => [...names].reduce((all, [oid, name]) => all.replaceAll(oid, name).replaceAll(oid.slice(0, 12), name), text);
  return {
    records: log.records.map(({ decision }) => [
      decision.kind,
      names.get(decision.commit),
      decision.holds,
      decision.moves.map(({ served }) => served),
    ]),
    served: log.allServed().map(({ model, stage, artifact, commit }) => [model, stage, artifact, names.get(commit)]),
    issues: scene.github.issues.map(({ title, state }) => `${state} ${named(title)}`).toSorted(),
    active: [...last]
      .filter(([, state]) => state === 'success')
      .map(([key]) => named(key))
      .toSorted(),
    unfinished: [...last].filter(([, state]) => state === undefined).map(([key]) => named(key)),
  };
}

/** Kills a run when it asks for the n-th thing, of the forge or of git. */
async function killedAt(scene: ReconcileScene, runner: Runner, n: number): Promise<boolean> {
  let child: ChildProcess | undefined;
  let asked = 0;
  const count = (): void => {
    asked += 1;
    if (asked === n && child?.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const stop = scene.onRequest(count);
  const { exit } = await runner.command([], (started) => (child = started));
  stop();
  return exit === null;
}

test('killed at each thing that it asks for, it comes to where a run that was left alone comes', { timeout: 120_000 }, async () => {
  const alone = await openScene();
  await busyDay(alone.scene);
  await alone.runner.reconcile();
  const wanted = await outcome(alone.scene);
  expect(wanted).toMatchObject({
    records: [
      ['start', 'commit 5', true, [true, true]],
      ['promotion', 'commit 6', true, [true]],
      ['rollback', 'commit 7', true, [true]],
      ['promotion', 'commit 8', false, [false]],
    ],
    unfinished: [],
  });
  expect((wanted as { active: string[] }).active).toHaveLength(2);

  const { scene, runner } = await openScene();
  await busyDay(scene);
  // each run dies a little later than the one before, wherever that is by now; some on a machine that starts anew
  for (const [at, n] of [9, 17, 12, 28].entries()) {
    const where = at % 2 === 1 ? await scene.runner() : runner;
    await killedAt(scene, where, n);
  }
  await runner.reconcile();
  await runner.reconcile();
  expect(await outcome(scene)).toEqual(wanted);
});

test('two runners at once write each decision once', { timeout: 60_000 }, async () => {
  const { scene, runner } = await openScene();
  const other = await scene.runner();
  await busyDay(scene);
  const [one, two] = await Promise.all([runner.reconcile(), other.reconcile()]);
  expect([one.error, two.error]).toEqual([null, null]);
  expect(one.json.written.length + two.json.written.length).toBe(3);
  await runner.reconcile();
  const log = await scene.log();
  expect(log.records.map(({ decision }) => decision.kind)).toEqual(['start', 'promotion', 'rollback', 'promotion']);
  expect(scene.activeIn('production/intents')).toHaveLength(1);
  const open = scene.github.issues.filter(({ state, title }) => state === 'open' && title.startsWith('Not served'));
  expect(open).toHaveLength(1);
});
