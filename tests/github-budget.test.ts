// What a pull request costs of the 1,000 requests an hour that GitHub gives the tokens of jobs: all jobs of pr.yml with the committed bundles, twice.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startStep as startRunStep } from '../actions/run/job.fixture.ts';
import { startStep, type StepEnding } from '../actions/runner.fixture.ts';
import { startGitHub, type GitHubApi } from './github-api/start.ts';
import { jsonl, plumbFile } from './project.ts';
import { Forge, key, type Job } from './trust-forge.ts';

const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const number = 7;
/** of a pull request, both of its pushes together */
const most = 60;

interface Size {
  readonly sets: number;
  readonly stages: number;
}

const countTo = (length: number): number[] => Array.from({ length }, (_, at) => at);
const stagesOf = (size: Size): string[] => countTo(size.stages).map((at) => `stage-${at}`);
const setsOf = (size: Size): string[] => countTo(size.sets).map((at) => `data/set-${at}.jsonl`);

/** Each stage reads a data set and a hyperparameter; none waits for another. */
function pipelineOf(size: Size): string {
  const sets = setsOf(size);
  const stages = stagesOf(size).map((name, at) => {
    const set = sets[at % sets.length];
    return `  ${name}: { cmd: "cp ${set} out/${name}.txt", deps: [${set}], params: [${name}], outs: [out/${name}.txt] }`;
  });
  return `stages:\n${stages.join('\n')}\nmodels:\n  words: { artifact: out/stage-0.txt, evaluation: stage-1 }\n`;
}

/** A commit that changes all data sets and all hyperparameters. @returns the commit */
async function changeAll(forge: Forge, size: Size, turn: number): Promise<string> {
  for (const path of setsOf(size))
    forge.project.write(path, jsonl([{ id: 'a', text: path }, ...countTo(turn).map((at) => ({ id: `row-${at}`, text: path }))]));
  await forge.project.done('add', ...setsOf(size), '--key', 'id');
  await forge.project.done('push');
  const params = stagesOf(size).map((name) => `${name}: ${turn}\n`);
  return forge.commit({ 'params.yaml': params.join('') }, `turn ${turn}`);
}

/** Requests of each job. */
interface Asked {
  readonly plan: readonly string[];
  readonly validate: readonly string[];
  /** of every job that runs a stage, as one of them asked */
  readonly run: readonly string[];
  readonly report: readonly string[];
  /** jobs that run stages */
  readonly jobs: number;
}

const totalOf = ({ plan, validate, run, report, jobs }: Asked): number => plan.length + validate.length + jobs * run.length + report.length;

/** The jobs of one push, in the order of pr.yml. */
async function carryOut(job: Job, github: GitHubApi): Promise<Asked> {
  const env = { ...job.env, GITHUB_API_URL: github.url, GITHUB_TOKEN: token };
  const start = (action: string, inputs: Record<string, string>): Promise<StepEnding> =>
    startStep({
      action,
      inputs: { folder: '.', base: '', ...inputs },
      event: 'pull_request',
      payload: JSON.parse(readFileSync(job.env['GITHUB_EVENT_PATH'] ?? '', 'utf8')) as unknown,
      workspace: job.clone.root,
      temp: job.clone.top,
      env,
    });
  const asked = (): string[] => github.requests.splice(0);

  const planned = await start('plan', { levels: '4', runner: 'ubuntu-24.04', force: '', token });
  expect(planned.log).not.toContain('::error');
  const jobs = (JSON.parse(planned.outputs['level-1'] ?? '') as { include: unknown[] }).include.length;
  const plan = asked();

  expect((await start('validate', {})).outputs).toMatchObject({ holds: 'true' });
  const validate = asked();

  const stages = { stages: '["stage-0"]', 'signing-key': key };
  expect(await startRunStep(job, 'run', stages, { env })).toMatchObject({ code: 0, outputs: { ran: '["stage-0"]' } });
  expect(await startRunStep(job, 'publish', stages, { env })).toMatchObject({ code: 0, outputs: { published: '1' } });
  const run = asked();

  const reported = await start('report', { plumb: plumbFile, comment: 'true', status: 'true', check: 'true', token });
  // the others of its stages have not run: there is no model to judge, and that is what it says
  expect(reported.outputs).toMatchObject({ relevant: 'true', verdict: 'no model' });
  return { plan, validate, run, report: asked(), jobs };
}

/** @param pushes to one pull request @param annotations that its check has each time: 50 are what GitHub takes in a request */
async function pushTo(size: Size, pushes: number, annotations: number): Promise<readonly Asked[]> {
  using forge = new Forge();
  const github = await startGitHub({ token, owner: 'acme', repo: 'intents' });
  try {
    forge.commit({ 'pipeline.yaml': pipelineOf(size), '.gitignore': '.plumb/\nout/\n.plumb-tmp-*\n' }, 'stages');
    const base = await changeAll(forge, size, 1);
    forge.project.git('switch', '-qc', 'topic');
    const all: Asked[] = [];
    for (const at of countTo(pushes)) {
      const head = await changeAll(forge, size, at + 2);
      forge.project.git('switch', '-q', 'main');
      github.pulls.splice(0, 1, { number, state: 'open', head, base, files: [] });
      all.push(await carryOut(forge.pull(number, 'topic'), github));
      forge.project.git('switch', '-q', 'topic');
      expect(github.statuses.at(-1)).toMatchObject({ sha: head });
      expect(github.checkRuns.at(-1)).toMatchObject({ sha: head, status: 'completed' });
      expect(github.checkRuns.at(-1)?.annotations).toHaveLength(annotations);
    }
    expect(github.comments).toMatchObject([{ edits: pushes - 1 }]);
    expect(github.violations).toEqual([]);
    return all;
  } finally {
    await github.close();
  }
}

test('20 data sets and 50 stages, pushed twice: under 60 requests, and a push costs no more than with 2 data sets and 3 stages', async () => {
  const [pushes, small] = await Promise.all([pushTo({ sets: 20, stages: 50 }, 2, 50), pushTo({ sets: 2, stages: 3 }, 1, 5)]);
  expect([...pushes, ...small].map(({ jobs }) => jobs)).toEqual([50, 50, 3]);
  // only the report has a use for the forge: with the history at hand, not even the plan
  for (const { plan, validate, run } of pushes) expect([plan, validate, run]).toEqual([[], [], []]);
  const totals = pushes.map(totalOf);
  // a log that saw nothing must fail
  expect(Math.min(...totals)).toBeGreaterThan(3);
  expect(totals.reduce((sum, total) => sum + total)).toBeLessThan(most);
  expect(new Set([...totals, ...small.map(totalOf)]).size).toBe(1);
}, 90_000);
