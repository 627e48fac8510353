import { expect, test } from 'vitest';
import type { Deployment } from '../forge/forge.ts';
import { planDeployment, type DeploymentStep, type WantedDeployment } from './deploy-plan.ts';

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

const served = (name: string): WantedDeployment => ({ ...base, commit: name, key: `served:${name}`, state: 'success' });
const refused = (name: string): WantedDeployment => ({ ...base, commit: name, key: `refused:${name}`, state: 'failure' });
const base = { environment: 'production', production: true, description: 'intents' };

/** What was wanted, one after the other; null: nothing is served. */
const stories: Readonly<Record<string, readonly (WantedDeployment | null)[]>> = {
  'one after the other': [served('a'), served('b'), served('c')],
  'refused, then healed': [served('a'), refused('b'), served('b')],
  'refused twice, then gone back': [served('a'), refused('b'), refused('c'), served('d')],
  'taken out of the stage': [served('a'), refused('b'), null, served('c')],
  'nothing served, only refused': [refused('a'), null],
  'the first is refused, then healed': [refused('a'), served('a'), null],
};

for (const [name, story] of Object.entries(stories)) {
  test(`an environment says what is served, wherever runs are killed: ${name}`, () => {
    // each number a run that is killed after so many steps; the last one of each chapter runs to its end
    for (let kills = 0; kills < 4 ** story.length; kills += 1) {
      const environment = new Environment();
      for (const [chapter, wanted] of story.entries()) {
        const most = Math.floor(kills / 4 ** chapter) % 4;
        environment.carryOut(planDeployment(wanted, environment.latest()), most);
        // killed again at the same place, by another run at the same time
        environment.carryOut(planDeployment(wanted, environment.latest()), most);
        while (!environment.carryOut(planDeployment(wanted, environment.latest()), 4));
        const active = environment.all.filter(({ state }) => state === 'success').map(({ commit }) => commit);
        expect(active, `${kills}`).toEqual(activeAfter(story.slice(0, chapter + 1)));
        expect(environment.all.filter(({ state }) => state === null)).toEqual([]);
        expect(planDeployment(wanted, environment.latest())).toEqual([]);
      }
    }
  });
}

function activeAfter(story: readonly (WantedDeployment | null)[]): string[] {
  const last = story.findLast((one) => one === null || one.state === 'success');
  return last === undefined || last === null ? [] : [last.commit];
}

test('a chapter that was cut off and never came to its end leaves nothing half done for the next', () => {
  const environment = new Environment();
  environment.carryOut(planDeployment(served('a'), null), 4);
  for (const most of [1, 2]) {
    environment.carryOut(planDeployment(served('b'), environment.latest()), most);
    environment.carryOut(planDeployment(served('c'), environment.latest()), 9);
    expect(environment.all.map(({ commit, state }) => [commit, state]).filter(([, state]) => state === 'success')).toEqual([['c', 'success']]);
    expect(environment.all.filter(({ state }) => state === null)).toEqual([]);
  }
});
