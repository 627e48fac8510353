import { expect, test } from 'vitest';
import type { Deployment } from '../forge/forge.ts';
import { planDeployment, targetsOf, type DeploymentStep, type WantedDeployment, type WantedEnvironment } from './deploy-plan.ts';

/** Deployments of one environment, as a forge keeps them. */
class Environment {
  readonly all: Deployment[] = [];

  latest(): Deployment | null {
    return this.all.at(-1) ?? null;
  }

  /** @param most steps until the run is killed */
  carryOut(steps: readonly DeploymentStep[], most: number): boolean {
    let created = 0;
    for (const step of steps.slice(0, most)) {
      if (step.do === 'create') {
        created = this.all.length + 1;
        const { environment, commit } = step.wanted;
        this.all.push({ id: created, environment, commit, key: step.key, state: null });
      } else {
        const id = step.of === 'created' ? created : step.of;
        const at = this.all.findIndex((one) => one.id === id);
        this.all[at] = { ...(this.all[at] as Deployment), state: step.state };
      }
    }
    return most >= steps.length;
  }
}

const base = { environment: 'production', production: true, description: 'intents' };
const served = (name: string): WantedDeployment => ({ ...base, commit: name, key: `served:${name}`, state: 'success' });

/** 'b over a': a is served, and b was refused since. */
function chapter(text: string): WantedEnvironment {
  const [first = '', below] = text.split(' over ');
  const [name, over] = below === undefined ? [first, null] : [below, first];
  const own = name === 'nothing' ? null : served(name);
  const refused = over === null ? null : { ...base, commit: over, key: `refused:${over}+${own?.key ?? ''}`, state: 'failure' as const };
  return { environment: 'production', served: own, refused };
}

const stories = [
  ['a', 'b', 'c'],
  ['a', 'b over a', 'b'],
  ['a', 'b over a', 'c over a', 'd'],
  ['a', 'b over a', 'nothing', 'c'],
  ['b over nothing', 'nothing', 'b over nothing', 'b'],
  // a run that comes late has never seen what was served below
  ['a', 'c over b', 'd over c', 'd'],
];

/** One run, that is killed after so many steps. @returns whether it came to its end */
function run(environment: Environment, wanted: WantedEnvironment, most: number): boolean {
  let left = most;
  for (const target of targetsOf(wanted, environment.latest())) {
    const steps = planDeployment(target, environment.latest());
    if (!environment.carryOut(steps, left)) return false;
    left -= steps.length;
  }
  return true;
}

for (const story of stories) {
  test(`an environment says what is served, wherever runs are killed: ${story.join(', ')}`, () => {
    const chapters = story.map(chapter);
    for (let kills = 0; kills < 6 ** story.length; kills += 1) {
      const environment = new Environment();
      for (const [at, wanted] of chapters.entries()) {
        const most = Math.floor(kills / 6 ** at) % 6;
        // a run that is killed, and another one at the same place
        run(environment, wanted, most);
        run(environment, wanted, most);
        while (!run(environment, wanted, 9));
        const active = environment.all.filter(({ state }) => state === 'success').map(({ commit }) => commit);
        expect(active, `${kills}`).toEqual(wanted.served === null ? [] : [wanted.served.commit]);
        expect(environment.all.filter(({ state }) => state === null)).toEqual([]);
        if (wanted.refused !== null) expect(environment.latest()).toMatchObject({ commit: wanted.refused.commit, state: 'failure' });
        const count = environment.all.length;
        expect([run(environment, wanted, 9), environment.all.length]).toEqual([true, count]);
      }
    }
  });
}

test('a chapter that was cut off and never came to its end leaves nothing half done for the next', () => {
  for (const most of [1, 2, 3]) {
    const environment = new Environment();
    run(environment, chapter('a'), 9);
    run(environment, chapter('b over a'), most);
    run(environment, chapter('c'), most);
    run(environment, chapter('d'), 9);
    expect(environment.all.filter(({ state }) => state === 'success').map(({ commit }) => commit)).toEqual(['d']);
    expect(environment.all.filter(({ state }) => state === null)).toEqual([]);
  }
});
