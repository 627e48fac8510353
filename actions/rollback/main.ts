// A rollback from a button: plumb opens the pull request, the check says yes by the fast lane, and it is merged. Each step says when it was done, for whoever
// measures how long the way back takes.
import { setTimeout as pause } from 'node:timers/promises';
import * as core from '@actions/core';
import { PlumbError } from '../../src/base/errors.ts';
import { contextHere } from '../../src/ci/base-policy.ts';
import { decideForge } from '../../src/ci/forge-place.ts';
import type { Forge } from '../../src/forge/index.ts';
import { openProject } from '../../src/project/open.ts';
import { openJobForge } from '../job-forge.ts';
import { fail, wrongInput } from '../job.ts';
import { openByPlumb, option, putOut, readPullInputs, type PullAnswer } from '../pull-command.ts';

interface Wish {
  readonly words: readonly string[];
  readonly merge: boolean;
  readonly method: 'merge' | 'squash' | 'rebase';
  readonly minutes: number;
}

async function main(): Promise<void> {
  const began = performance.now();
  const told = (what: string): void => core.info(`${((performance.now() - began) / 1000).toFixed(1)} s: ${what}`);
  const inputs = readPullInputs((name) => core.getInput(name), process.env);
  const wish = readWish((name) => core.getInput(name));
  const answer = await openByPlumb(inputs, wish.words, process.env);
  putOut(answer);
  told(`pull request ${answer.pull.number} ${answer.pull.state}: ${answer.pull.url}`);
  if (!wish.merge) return core.setOutput('merged', '');
  const forge = openJobForge(decideForge({ env: process.env, origin: null }), inputs.token);
  const { git, prefix, config } = await openProject({ cwd: inputs.folder, env: process.env });
  await waitForCheck(forge, answer, { context: await contextHere({ git, prefix, main: config.main }), minutes: wish.minutes });
  told('the check says yes');
  const merged = await forge.merge(answer.pull.number, { head: answer.commit, method: wish.method });
  core.setOutput('merged', merged);
  told(`merged as ${merged}: whoever serves follows`);
}

/** @throws PlumbError ACTION_INPUT */
function readWish(get: (name: string) => string): Wish {
  const oneOf = <T extends string>(name: string, values: readonly T[]): T => {
    const value = get(name).trim() || values[0];
    const found = values.find((one) => one === value);
    if (found === undefined) throw wrongInput(name, value ?? '', values.join(' or '));
    return found;
  };
  const model = get('model').trim();
  if (model === '') throw wrongInput('model', model, 'the name of a model');
  const minutes = Number(get('minutes').trim() || '5');
  if (!(minutes > 0 && minutes <= 60)) throw wrongInput('minutes', get('minutes'), 'a number up to 60');
  const stage = oneOf('stage', ['production', 'staging']);
  return {
    words: ['rollback', `--stage=${stage}`, '--pr', ...option('--to', get('to')), ...option('--reason', get('reason')), '--', model],
    merge: oneOf('merge', ['true', 'false']) === 'true',
    method: oneOf('method', ['merge', 'squash', 'rebase']),
    minutes,
  };
}

const askEveryMs = 2000;

/** Ends with the first answer that is one; what waits for people is told with the page on which they approve. */
async function waitForCheck(forge: Forge, { commit, pull }: PullAnswer, { context, minutes }: { context: string; minutes: number }): Promise<void> {
  const until = performance.now() + minutes * 60_000;
  for (;;) {
    const status = (await forge.statuses(commit)).find((one) => one.context === context);
    if (status?.state === 'success') return;
    const isNo = status?.state === 'failure' || status?.state === 'error';
    if (isNo || performance.now() > until) {
      const said = status === undefined ? 'nothing yet' : `${status.state}: ${status.description}`;
      throw new PlumbError('FORGE_REFUSED', {
        what: `pull request ${pull.number} is open and not merged: ${context} says ${said}`,
        mend: status === undefined ? 'look whether check-promotion.yml runs' : `see ${pull.url}: approve and merge it there, or do what it asks for`,
      });
    }
    await pause(askEveryMs);
  }
}

await main().catch((error: unknown) => fail(error));
