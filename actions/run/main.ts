// Three steps, each a process of its own: `run` without any secret of the job, `sweep` ends what was left behind, `publish` has the key.
import * as core from '@actions/core';
import { endMarked } from '../../src/pipeline/executors/leftovers.ts';
import { fail, say } from '../job.ts';
import { childEnvironment, jobMark, QuietGroup, runPlumb, type PlumbAnswer } from '../plumb-process.ts';
import { warnOfLeftovers } from '../runner.ts';
import { readInputs, type Inputs } from './inputs.ts';
import { describePublished, describeRun, nothingRan, type RunOutcome } from './outcome.ts';

const mark = jobMark(process.env);

async function run(inputs: Inputs): Promise<void> {
  setOutputs(nothingRan);
  await warnOfLeftovers(process.env);
  const { stages, force, checkpointMinutes } = inputs;
  const words = ['ci', 'run', '--checkpoint-minutes', checkpointMinutes, ...force.flatMap((stage) => ['--force', stage]), '--', ...stages];
  try {
    const answer = await plumb(inputs, words, { ...childEnvironment(process.env), [mark.name]: mark.value });
    const { outputs, summary, error } = describeRun(answer);
    setOutputs(outputs);
    if (process.env['GITHUB_STEP_SUMMARY'] !== undefined) await core.summary.addRaw(summary, true).write();
    if (error !== null) throw error;
  } finally {
    await sweep();
  }
}

/** Also what a stage started and took out of its group; see the README of a runner that keeps its machine. */
async function sweep(): Promise<void> {
  const ended = await endMarked(mark);
  if (ended > 0)
    core.info(`${ended} ${ended === 1 ? 'process' : 'processes'} of stages had stayed behind, and ${ended === 1 ? 'was' : 'were'} ended.`);
}

/**
 * The key, or what asks the forge for the identity of the job, is in the environment of this process and of plumb's, and of no other. It signs runs of
 * the job's own stages only: what a command writes in the name of another stage is none of them.
 */
async function publish(inputs: Inputs): Promise<void> {
  const secrets = Object.entries(process.env).filter(([name]) => /^(?:PLUMB_SIGNING_KEY|ACTIONS_ID_TOKEN_REQUEST_(?:TOKEN|URL))$/.test(name));
  const env = { ...childEnvironment(process.env), ...(Object.fromEntries(secrets) as Record<string, string>) };
  const { runs, lines } = describePublished(await plumb(inputs, ['ci', 'publish', '--', ...inputs.stages], env));
  for (const line of lines) say(line);
  core.setOutput('published', runs);
}

async function plumb(inputs: Inputs, words: readonly string[], env: Record<string, string>): Promise<PlumbAnswer> {
  const group = new QuietGroup(`plumb ${words.slice(0, 2).join(' ')}`, (text) => void process.stdout.write(text));
  try {
    return await runPlumb({ script: inputs.plumb, words: ['-C', inputs.folder, '--json', ...words], env, onText: (text) => group.add(text) });
  } finally {
    group.end();
  }
}

function setOutputs(outputs: RunOutcome['outputs']): void {
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
}

async function main(step: string | undefined): Promise<void> {
  if (step === 'sweep') return sweep();
  const inputs = readInputs((name) => core.getInput(name), process.env['GITHUB_WORKSPACE'] ?? process.cwd());
  return step === 'publish' ? publish(inputs) : run(inputs);
}

await main(process.argv[2]).catch((error: unknown) => fail(error));
