// What the actions promote and rollback do alike: plumb opens the pull request, with the one token that it has for that.
import * as core from '@actions/core';
import { PlumbError } from '../src/base/errors.ts';
import { z } from '../src/base/schema.ts';
import { findPlumb } from './find-plumb.ts';
import { readFolder } from './job.ts';
import { childEnvironment, QuietGroup, runPlumb, type Environment } from './plumb-process.ts';

export interface PullInputs {
  /** of the project, absolute, inside the work space */
  readonly folder: string;
  /** plumb.js; outside of the work space */
  readonly plumb: string;
  /** of an App, or fine-grained */
  readonly token: string;
  /** the job's own, to know it by; '' where there is none */
  readonly jobToken: string;
}

/** @throws PlumbError ACTION_INPUT, ACTION_PLUMB */
export function readPullInputs(get: (name: string) => string, env: Environment): PullInputs {
  const workspace = env['GITHUB_WORKSPACE'] ?? process.cwd();
  const token = get('token').trim();
  if (token === '')
    throw new PlumbError('ACTION_INPUT', {
      what: 'the input token is empty',
      mend: 'give the token of an App or a fine-grained one: what the job has itself starts no checks; a secret that is not set is empty, too',
    });
  return {
    folder: readFolder(get('folder'), workspace),
    plumb: get('plumb').trim() || findPlumb(workspace, env),
    token,
    jobToken: get('job-token').trim(),
  };
}

const answerSchema = z.object({
  branch: z.string(),
  commit: z.string(),
  pull: z.object({ number: z.number(), url: z.string(), state: z.string() }),
});
export type PullAnswer = z.infer<typeof answerSchema>;

const failureSchema = z.object({ error: z.object({ code: z.string(), what: z.string(), mend: z.string() }) });

/**
 * Runs a command of plumb that opens a pull request.
 * @throws PlumbError ACTION_PLUMB, with what plumb says
 */
export async function openByPlumb({ folder, plumb, token, jobToken }: PullInputs, words: readonly string[], env: Environment): Promise<PullAnswer> {
  const group = new QuietGroup(`plumb ${words[0]}`, (text) => void process.stdout.write(text));
  // both: plumb refuses the one that is the other, before anything is sent
  const tokens = { PLUMB_FORGE_TOKEN: token, ...(jobToken === '' ? {} : { GITHUB_TOKEN: jobToken }) };
  const order = { script: plumb, words: ['-C', folder, '--json', ...words], env: { ...childEnvironment(env), ...tokens } };
  const { code, json } = await runPlumb({ ...order, onText: (text) => group.add(text) }).finally(() => group.end());
  const answer = answerSchema.safeParse(json);
  if (code === 0 && answer.success) return answer.data;
  const failure = failureSchema.safeParse(json);
  if (!failure.success)
    throw new PlumbError('ACTION_PLUMB', {
      what: `plumb ${words[0]} ended with ${code} and said nothing that is understood`,
      mend: 'see the log above',
    });
  const { code: name, what, mend } = failure.data.error;
  throw new PlumbError('ACTION_PLUMB', { what: `${what} [${name}]`, mend });
}

export function putOut({ branch, commit, pull }: PullAnswer): void {
  for (const [name, value] of Object.entries({ number: pull.number, url: pull.url, state: pull.state, branch, commit })) core.setOutput(name, value);
}

/** An option with its value, where there is one. */
export function option(name: string, value: string): string[] {
  // as one word: a value that begins with a dash is no option
  return value.trim() === '' ? [] : [`${name}=${value}`];
}
