// The required check of promotions, in a job of the main branch: nothing of a pull request is checked out or run, whatever the event says.
import * as core from '@actions/core';
import { PlumbError } from '../../src/base/errors.ts';
import { commentOf } from '../../src/ci/check-promotion-text.ts';
import { isForgeJob } from '../../src/ci/forge-place.ts';
import { checkPull } from '../../src/cli/ci-check-promotion.ts';
import { openForgeOf, type OpenForge } from '../../src/cli/open-forge.ts';
import { remoteRefs } from '../../src/git/publish.ts';
import { openProject, type Project } from '../../src/project/open.ts';
import { fail, jobCli, readEvent, readFolder, wrongInput } from '../job.ts';
import { commitsToAsk, pullsOf, type Asked } from './pulls.ts';

/** Of one run: a forge gives so many requests an hour. */
const mostPulls = 20;

async function main(): Promise<void> {
  const { env } = process;
  if (!isForgeJob(env))
    throw new PlumbError('ACTION_EVENT', {
      what: 'this is no job of GitHub or Gitea Actions',
      mend: 'elsewhere: plumb ci check-promotion --pull <number>',
    });
  const asked = pullsOf(env['GITHUB_EVENT_NAME'] ?? '', readEvent(env), core.getInput('pull').trim());
  const token = core.getInput('token').trim();
  if (token === '')
    throw new PlumbError('ACTION_INPUT', { what: 'the input token is empty', mend: 'leave it out, or look whether its secret is set' });
  const says = yesOrNo('status');
  const author = core.getInput('author').trim();
  const cli = jobCli(readFolder(core.getInput('folder'), env['GITHUB_WORKSPACE'] ?? process.cwd()), { ...env, PLUMB_FORGE_TOKEN: token });
  const options = author === '' ? {} : { author };
  const project = await openProject(cli);
  const numbers = await numbersOf(asked, project, await openForgeOf(project, options, cli));
  core.setOutput('pulls', JSON.stringify(numbers));
  let holds = true;
  const troubles: unknown[] = [];
  for (const pull of numbers) {
    core.info(`pull request ${pull}`);
    // one that cannot be judged keeps no other from it
    const answer = await checkPull({ ...options, pull, ...(says ? { status: true as const } : {}) }, cli).catch(
      (error: unknown) => void troubles.push(error),
    );
    if (answer === undefined) continue;
    holds &&= answer.checked.judgement?.holds !== false;
    const text = commentOf(answer.checked);
    if (text !== null && env['GITHUB_STEP_SUMMARY'] !== undefined) await core.summary.addRaw(`Pull request ${pull}\n\n${text.body}\n\n`).write();
  }
  core.setOutput('holds', holds && troubles.length === 0);
  for (const trouble of troubles) fail(trouble, project.prefix);
  // where the answer is a status, the job has done what it is for
  if (!says && !holds) process.exitCode = 1;
}

async function numbersOf({ numbers, commits, all }: Asked, { git }: Project, { forge, gitToken }: OpenForge): Promise<number[]> {
  const heads = all ? [...(await remoteRefs(git, { remote: 'origin', token: gitToken, names: ['refs/heads/plumb/*'] })).values()] : [];
  const found = new Set(numbers);
  const { some, left } = commitsToAsk(commits, heads);
  if (left)
    core.warning('There are more branches below plumb/ than are looked at: remove those that are done, or name a pull request by its number.');
  for (const commit of some) {
    if (found.size >= mostPulls) {
      core.warning(`There are more than ${mostPulls} pull requests to look at: the next run looks at the rest.`);
      break;
    }
    const pull = await forge.findPullRequest({ commit });
    if (pull !== null) found.add(pull.number);
  }
  return [...found];
}

function yesOrNo(name: string): boolean {
  const value = core.getInput(name).trim() || 'true';
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrongInput(name, value, 'true or false');
}

await main().catch((error: unknown) => fail(error));
