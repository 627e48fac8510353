// Runs of workflows: docs.github.com/en/rest/actions/workflow-runs. They are written down by tests; a dispatch adds none, as GitHub has none at once.
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { invalid, missing, type Answer, type ApiWorkflowRun, type Asked, type Routes, type State } from './state.ts';

export function runRoutes(state: State, objects: Objects): Routes {
  const repository = '/repos/{owner}/{repo}';
  const needs = ['actions=read'];
  const runOf = ({ parameters }: Asked): ApiWorkflowRun | undefined => state.runs.find((one) => one.id === Number(parameters['run_id']));
  return {
    [`GET ${repository}/actions/workflows/{workflow_id}/runs`]: { needs, answer: list },
    [`GET ${repository}/actions/runs/{run_id}`]: { needs, answer: (asked) => shown(runOf(asked)) },
    [`GET ${repository}/actions/runs/{run_id}/attempts/{attempt_number}`]: { needs, answer: (asked) => shown(attemptOf(asked)) },
  };

  function shown(run: ApiWorkflowRun | undefined): Answer {
    return run === undefined ? missing : { status: 200, body: objects.run(run) };
  }

  /** As it was before it was started again. */
  function attemptOf(asked: Asked): ApiWorkflowRun | undefined {
    const run = runOf(asked);
    const number = Number(asked.parameters['attempt_number']);
    return run === undefined || number > run.attempts.length ? undefined : { ...run, attempts: run.attempts.slice(0, number) };
  }

  /** `created` is when the first attempt began: "This endpoint will return up to 1,000 results for each search". The newest first. */
  function list(asked: Asked): Answer {
    const workflow = asked.parameters['workflow_id'] ?? '';
    const runs = state.runs.filter((one) => one.file.endsWith(`/${workflow}`));
    const created = asked.query.get('created');
    const [from, to] = (created ?? '*..*').split('..');
    if (from === undefined || to === undefined) return invalid(state, `created is ${created}: not a time..time`);
    const at = (run: ApiWorkflowRun): number => Date.parse(run.attempts[0]?.startedAt ?? '');
    const found = runs.filter((one) => (from === '*' || at(one) >= Date.parse(from)) && (to === '*' || at(one) <= Date.parse(to)));
    if (runs.length === 0 && state.workflows[workflow] === undefined) return missing;
    const listed = found.toSorted((a, b) => at(b) - at(a) || b.id - a.id).slice(0, 1000);
    const { status, body, headers } = paged(asked, listed, objects.run);
    return { status, body: { total_count: found.length, workflow_runs: body }, ...(headers === undefined ? {} : { headers }) };
  }
}
