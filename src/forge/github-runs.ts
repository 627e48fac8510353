// Runs of workflows on GitHub. Source: docs.github.com/en/rest/actions/workflow-runs and workflows
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { githubAccount } from './account.ts';
import type { Dispatch, Forge, WorkflowRun } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { listCutShort, refused } from './refusals.ts';
import { failureOf } from './session.ts';

const mostInputs = 25;
/** "This endpoint will return up to 1,000 results for each search when using the following parameters: ... created" */
const mostRuns = 1000;
/** A run is started again until 30 days after it was made, and lasts 35 at most: what is made earlier is not at work any more. */
const longestMs = 65 * 24 * 3_600_000;

type RunData = RestEndpointMethodTypes['actions']['getWorkflowRun']['response']['data'];

type Parts = Pick<Forge, 'dispatch' | 'runsOfWorkflow' | 'workflowRun'>;

export function openRuns({ session, rest, repository }: GitHubPlace): Parts {
  return { dispatch, runsOfWorkflow, workflowRun };

  async function dispatch({ workflow, ref, inputs }: Dispatch): Promise<string | null> {
    if (Object.keys(inputs).length > mostInputs) throw new Error(`a workflow takes at most ${mostInputs} inputs`);
    const asked = { ...repository, workflow_id: workflow, ref, inputs, request: { once: true } };
    try {
      const { data } = await rest.actions.createWorkflowDispatch({ ...asked, return_run_details: true });
      return (data as { html_url?: string } | undefined)?.html_url ?? null;
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.status !== 422) throw error;
      if (!failure.message.includes('return_run_details')) throw refused('GitHub', `to start ${workflow} of ${ref}`, failure.message);
      // an Enterprise Server from before it knew this key
      await rest.actions.createWorkflowDispatch(asked);
      return null;
    }
  }

  async function runsOfWorkflow(file: string, between: { readonly from: Date; readonly to: Date }): Promise<readonly WorkflowRun[]> {
    const name = file.split('/').at(-1) ?? '';
    const made = await runsMade(name, new Date(between.from.getTime() - longestMs), between.to);
    const runs: WorkflowRun[] = [];
    for (const one of made) runs.push(runOf(one), ...(await earlierAttempts(one)));
    return runs
      .filter((one) => one.file === file || (file === name && one.file.endsWith(`/${name}`)))
      .filter((one) => one.startedAt <= between.to && (one.endedAt === null || one.endedAt >= between.from))
      .toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  }

  async function runsMade(name: string, from: Date, to: Date): Promise<RunData[]> {
    let total = 0;
    const created = `${secondsOf(from)}..${secondsOf(to)}`;
    const what = `the runs of ${name} since ${created}`;
    const pages = session.entries<RunData>(what, async (page) => {
      const { data, headers } = await rest.actions.listWorkflowRuns({ ...repository, workflow_id: name, created, per_page: 100, page });
      total = data.total_count;
      return { data: data.workflow_runs, headers };
    });
    try {
      const runs = await Array.fromAsync(pages);
      if (runs.length < total || total >= mostRuns) throw listCutShort(what, runs.length);
      return runs;
    } catch (error) {
      // there is no workflow of that name, and so nothing that it did
      if (failureOf(error)?.status === 404) return [];
      throw error;
    }
  }

  /** A run that was started again says who did that, and no more who started it before. */
  async function earlierAttempts({ id, run_attempt: attempts = 1 }: RunData): Promise<WorkflowRun[]> {
    const earlier: WorkflowRun[] = [];
    for (let attempt = 1; attempt < attempts; attempt += 1) {
      const asked = { ...repository, run_id: id, attempt_number: attempt };
      earlier.push(runOf((await rest.actions.getWorkflowRunAttempt(asked)).data));
    }
    return earlier;
  }

  async function workflowRun(id: string): Promise<WorkflowRun | null> {
    if (!/^[1-9]\d{0,15}$/.test(id)) return null;
    try {
      return runOf((await rest.actions.getWorkflowRun({ ...repository, run_id: Number(id) })).data);
    } catch (error) {
      if (failureOf(error)?.status === 404) return null;
      throw error;
    }
  }
}

function secondsOf(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** There is no time of an end: a run that is done was changed last when it ended, or a little later. */
function runOf(data: RunData): WorkflowRun {
  return {
    id: String(data.id),
    file: data.path.replace(/@.*$/s, ''),
    event: data.event,
    by: githubAccount(data.triggering_actor ?? data.actor),
    attempt: data.run_attempt ?? null,
    branch: data.head_branch,
    commit: data.head_sha,
    startedAt: new Date(data.run_started_at ?? data.created_at),
    endedAt: data.status === 'completed' ? new Date(data.updated_at) : null,
    url: data.html_url,
  };
}
