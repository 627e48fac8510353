// Runs of workflows on Gitea. It does not tell who started a run again: that is whoever began it.
import { z } from 'zod';
import { giteaAccount } from './account.ts';
import type { Dispatch, Forge, WorkflowRun } from './forge.ts';
import { accountData, orNull, perPage, read, type GiteaPlace } from './gitea-place.ts';

const runData = z.object({
  id: z.int(),
  /** 'promote.yml@refs/heads/main': without its folder */
  path: z.string(),
  event: z.string(),
  status: z.string(),
  head_branch: z.string().nullish(),
  head_sha: z.string(),
  actor: accountData,
  trigger_actor: accountData,
  /** the year 1970 until it starts, or ends */
  started_at: z.coerce.date(),
  completed_at: z.coerce.date(),
  html_url: z.string(),
});
type RunData = z.infer<typeof runData>;
const pageData = z.object({ workflow_runs: z.array(runData).nullish() });

/** WORKFLOW_DIRS of a server that nobody changed: the first that a commit has counts alone. */
const folders = ['.gitea/workflows', '.github/workflows'] as const;
/** A run that began earlier than this before the time asked for is not looked for. The list has no filter by time. */
const longestMs = 65 * 24 * 3_600_000;

type Parts = Pick<Forge, 'dispatch' | 'runsOfWorkflow' | 'workflowRun'>;

export function openRuns({ session, ask }: GiteaPlace): Parts {
  /** by commit */
  const known = new Map<string, Promise<string>>();
  return { dispatch, runsOfWorkflow, workflowRun };

  async function dispatch({ workflow, ref, inputs }: Dispatch): Promise<string | null> {
    // the query is Gitea's own way to ask for the run
    const path = '/actions/workflows/{workflow}/dispatches?return_run_details=true';
    const { data } = await ask('POST', path, { workflow, ref, inputs, request: { once: true } });
    return z.object({ html_url: z.string() }).safeParse(data).data?.html_url ?? null;
  }

  async function runsOfWorkflow(file: string, { from, to }: { readonly from: Date; readonly to: Date }): Promise<readonly WorkflowRun[]> {
    const name = file.split('/').at(-1) ?? '';
    const runs: WorkflowRun[] = [];
    const pages = session.entries<RunData>('the list of runs', async (page) => {
      const { data, headers } = await ask('GET', '/actions/runs', { limit: perPage, page });
      return { data: read(pageData, data).workflow_runs ?? [], headers };
    });
    for await (const one of pages) {
      if (!hasBegun(one)) continue;
      // the newest first
      if (one.started_at.getTime() < from.getTime() - longestMs) break;
      if (nameOf(one) !== name || one.started_at > to || (endOf(one)?.getTime() ?? Infinity) < from.getTime()) continue;
      const run = await runOf(one);
      if (file === name || run.file === file) runs.push(run);
    }
    return runs.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  }

  async function workflowRun(id: string): Promise<WorkflowRun | null> {
    if (!/^[1-9]\d{0,15}$/.test(id)) return null;
    const found = await orNull(ask('GET', '/actions/runs/{id}', { id }));
    return found === null ? null : runOf(read(runData, found.data));
  }

  async function runOf(data: RunData): Promise<WorkflowRun> {
    return {
      id: String(data.id),
      file: `${await folderAt(data.head_sha)}/${nameOf(data)}`,
      event: data.event,
      by: giteaAccount(data.trigger_actor ?? data.actor),
      attempt: null,
      branch: data.head_branch === '' ? null : (data.head_branch ?? null),
      commit: data.head_sha,
      startedAt: data.started_at,
      endedAt: endOf(data),
      url: data.html_url,
    };
  }

  /** Where the workflows of a commit stand. */
  function folderAt(commit: string): Promise<string> {
    const found = known.get(commit) ?? findFolder(commit);
    known.set(commit, found);
    return found;
  }

  async function findFolder(commit: string): Promise<string> {
    const first = await orNull(ask('GET', '/contents/{path}', { path: folders[0], ref: commit }));
    return first === null ? folders[1] : folders[0];
  }
}

function nameOf({ path }: RunData): string {
  return path.replace(/@.*$/s, '');
}

function hasBegun({ started_at: at }: RunData): boolean {
  return at.getTime() > 0;
}

function endOf({ status, completed_at: at }: RunData): Date | null {
  return status === 'completed' ? at : null;
}
