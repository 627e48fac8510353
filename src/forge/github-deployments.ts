// Deployments on GitHub: a record of what is where, made for readers. GitHub acts on none of them, and neither do we.
// Source: docs.github.com/en/rest/deployments
import type { RestEndpointMethodTypes } from '@octokit/rest';
import type { Deployment, Deployments } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { refused } from './refusals.ts';
import { failureOf } from './session.ts';
import { cut } from './text.ts';

/** Tells ours from those of jobs with `environment:`. */
const task = 'deploy:plumbline';
const mostDescription = 140;

type Calls = RestEndpointMethodTypes['repos'];
type DeploymentData = Calls['listDeployments']['response']['data'][number];
type StateData = Calls['listDeploymentStatuses']['response']['data'][number];

export function openDeployments({ session, rest, repository, options }: GitHubPlace): Deployments {
  const { told } = session;
  return {
    latest: (environment) => told(latest(environment)),
    create: (wanted) => told(create(wanted)),
    setState: (...words) => told(setState(...words)),
  };

  async function latest(environment: string): Promise<Deployment | null> {
    const { data } = await rest.repos.listDeployments({ ...repository, environment, task, per_page: 100 });
    const ours = data.filter((one) => one.environment === environment && one.task === task && one.creator?.login === options.author);
    const newest = newestOf(ours);
    return newest === null ? null : deploymentOf(newest, stateOf(await newestState(newest.id)));
  }

  async function create(wanted: Parameters<Deployments['create']>[0]): Promise<Deployment> {
    const { environment, commit, key, production } = wanted;
    for (let attempt = 0; ; attempt += 1) {
      const there = await latest(environment);
      if (there?.key === key && there.commit === commit) return there;
      try {
        const { data } = await rest.repos.createDeployment({
          ...repository,
          ref: commit,
          task,
          environment,
          // GitHub would merge the main branch into a commit that is behind it, and wait for checks that nobody asked of us
          auto_merge: false,
          required_contexts: [],
          payload: { plumbline: key },
          description: cut(wanted.description, mostDescription),
          production_environment: production,
          transient_environment: false,
          request: { once: true },
        });
        if (!('id' in data)) throw refused('GitHub', `a deployment of ${commit}`, data.message ?? 'it was not made');
        return deploymentOf(data, null);
      } catch (error) {
        const failure = failureOf(error);
        if (failure?.status === 409 || failure?.status === 422) throw refused('GitHub', `a deployment of ${commit}`, failure.message);
        // it may be there although its answer was lost: look again before it is made a second time
        await session.pauseOrThrow(error, attempt);
      }
    }
  }

  /** Said again, by a job that was started again, it stands there once. */
  async function setState(...[deployment, state, description, link]: Parameters<Deployments['setState']>): Promise<void> {
    const said = cut(description, mostDescription);
    const last = await newestState(deployment);
    if (last?.state === state && last.description === said && (last.log_url ?? '') === (link ?? '')) return;
    const where = link === null ? {} : { log_url: link };
    // of a production environment GitHub itself leaves the earlier ones active: who deploys says that they are not
    await rest.repos.createDeploymentStatus({ ...repository, deployment_id: deployment, state, description: said, ...where });
  }

  async function newestState(deployment: number): Promise<StateData | null> {
    return newestOf((await rest.repos.listDeploymentStatuses({ ...repository, deployment_id: deployment, per_page: 100 })).data);
  }
}

/** The order of these lists is not documented; seen, it is the newest first. */
function newestOf<T extends { readonly id: number | bigint }>(list: readonly T[]): T | null {
  return list.reduce<T | null>((newest, one) => (newest === null || one.id > newest.id ? one : newest), null);
}

function stateOf(data: StateData | null): Deployment['state'] {
  return data === null ? null : data.state === 'queued' ? 'pending' : data.state;
}

function deploymentOf({ id, environment, sha, payload }: DeploymentData, state: Deployment['state']): Deployment {
  return { id, environment, commit: sha, key: keyOf(payload), state };
}

/** What was sent as an object may come back as its text. */
function keyOf(payload: unknown): string | null {
  const words = typeof payload === 'string' ? parsed(payload) : payload;
  const key = typeof words === 'object' && words !== null && 'plumbline' in words ? words.plumbline : null;
  return typeof key === 'string' ? key : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
