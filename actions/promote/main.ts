// A promotion as a pull request: plumb decides and opens it.
import * as core from '@actions/core';
import { fail, wordsOf, wrongInput } from '../job.ts';
import { openByPlumb, option, putOut, readPullInputs } from '../pull-command.ts';

async function main(): Promise<void> {
  const inputs = readPullInputs((name) => core.getInput(name), process.env);
  const answer = await openByPlumb(
    inputs,
    readWords((name) => core.getInput(name)),
    process.env,
  );
  putOut(answer);
  core.notice(`Pull request ${answer.pull.number} (${answer.pull.state}): ${answer.pull.url}`);
}

/** What plumb is told. @throws PlumbError ACTION_INPUT */
function readWords(get: (name: string) => string): string[] {
  const models = wordsOf('models', get('models'));
  if (models.length === 0) throw wrongInput('models', get('models'), 'one name of a model, or several');
  const stage = get('stage').trim();
  if (stage !== 'staging' && stage !== 'production') throw wrongInput('stage', stage, 'staging or production');
  const flags = (['force', 'again'] as const).flatMap((name) => {
    const value = get(name).trim() || 'false';
    if (value !== 'true' && value !== 'false') throw wrongInput(name, value, 'true or false');
    return value === 'true' ? [`--${name}`] : [];
  });
  return ['promote', `--to=${stage}`, '--pr', ...flags, ...option('--reason', get('reason')), '--', ...models];
}

await main().catch((error: unknown) => fail(error));
