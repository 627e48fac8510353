// What is said of a commit: statuses and check runs. Source: docs.github.com/en/rest/commits/statuses, checks/runs, apps/apps
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { githubAccount } from './account.ts';
import type { Forge, PostedStatus, Status } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { listCutShort } from './refusals.ts';
import { failureOf } from './session.ts';
import { cut } from './text.ts';

const mostDescription = 140;

type StatusData = RestEndpointMethodTypes['repos']['listCommitStatusesForRef']['response']['data'][number];
type RunData = RestEndpointMethodTypes['checks']['listForRef']['response']['data']['check_runs'][number];

type Parts = Pick<Forge, 'setStatus' | 'statuses'>;

export function openStatuses({ session, rest, repository }: GitHubPlace): Parts {
  /** by the name of the App in its login */
  const apps = new Map<string, Promise<number | null>>();
  return { setStatus, statuses };

  async function setStatus(commit: string, status: Status): Promise<void> {
    await rest.repos.createCommitStatus({
      ...repository,
      sha: commit,
      context: status.context,
      state: status.state,
      description: cut(status.description, mostDescription),
      ...(status.link === null ? {} : { target_url: status.link }),
    });
  }

  async function statuses(commit: string): Promise<readonly PostedStatus[]> {
    const latest = new Map<string, StatusData>();
    const ask = (page: number) => rest.repos.listCommitStatusesForRef({ ...repository, ref: commit, per_page: 100, page });
    for await (const one of session.entries<StatusData>(`the statuses of ${commit}`, ask)) {
      if ((latest.get(one.context)?.id ?? 0) < one.id) latest.set(one.context, one);
    }
    const said = await Promise.all([...latest.values()].map(statusOf));
    return [...said, ...(await checkRuns(commit))];
  }

  /** A status names its writer and no App: the number is that of the App whose login it is. */
  async function statusOf(data: StatusData): Promise<PostedStatus> {
    const by = githubAccount(data.creator);
    const slug = by?.kind === 'bot' ? /^(.+)\[bot\]$/.exec(by.login)?.[1] : undefined;
    const { context, description, target_url: link } = data;
    return { context, state: stateOf(data.state), description: description ?? '', link, by, app: slug === undefined ? null : await appOf(slug) };
  }

  function appOf(slug: string): Promise<number | null> {
    const asked = apps.get(slug) ?? readApp(slug);
    apps.set(slug, asked);
    return asked;
  }

  /** @returns null for an App that is another organisation's own */
  async function readApp(slug: string): Promise<number | null> {
    try {
      return (await rest.apps.getBySlug({ app_slug: slug })).data?.id ?? null;
    } catch (error) {
      if ([403, 404].includes(failureOf(error)?.status ?? 0)) return null;
      throw error;
    }
  }

  async function checkRuns(commit: string): Promise<PostedStatus[]> {
    let total = 0;
    const what = `the check runs of ${commit}`;
    const pages = session.entries<RunData>(what, async (page) => {
      const { data, headers } = await rest.checks.listForRef({ ...repository, ref: commit, filter: 'latest', per_page: 100, page });
      total = data.total_count;
      return { data: data.check_runs, headers };
    });
    const runs = await Array.fromAsync(pages, checkOf);
    if (runs.length < total) throw listCutShort(what, runs.length);
    return runs;
  }
}

function checkOf(data: RunData): PostedStatus {
  const { name: context, output, details_url: link, app } = data;
  const by = app?.slug === undefined ? null : ({ login: `${app.slug}[bot]`, kind: 'bot' } as const);
  return { context, state: conclusionOf(data), description: output.title ?? '', link, by, app: app?.id ?? null };
}

/** One that was skipped, or is neutral, has said nothing: GitHub's rules take it as passed, we do not. */
function conclusionOf({ status, conclusion }: RunData): Status['state'] {
  if (status !== 'completed' || conclusion === 'skipped' || conclusion === 'neutral') return 'pending';
  return conclusion === 'success' ? 'success' : 'failure';
}

function stateOf(state: string): Status['state'] {
  return (['success', 'failure', 'pending'] as const).find((one) => one === state) ?? 'error';
}
