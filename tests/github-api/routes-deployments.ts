// Deployments: docs.github.com/en/rest/deployments
import type { GitPlace } from './git.ts';
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { dateOf, invalid, missing, refusedAs, type Answer, type ApiDeployment, type Asked, type Routes, type State } from './state.ts';

export function deploymentRoutes(state: State, objects: Objects, git: GitPlace | null): Routes {
  const deployments = '/repos/{owner}/{repo}/deployments';
  const states = `${deployments}/{deployment_id}/statuses`;
  const deploymentOf = ({ parameters }: Asked): ApiDeployment | undefined =>
    state.deployments.find(({ id }) => id === Number(parameters['deployment_id']));
  return {
    [`GET ${deployments}`]: { needs: ['deployments=read'], answer: list },
    [`POST ${deployments}`]: { needs: ['deployments=write'], answer: create },
    [`GET ${states}`]: {
      needs: ['deployments=read'],
      answer: (asked) => {
        const of = deploymentOf(asked);
        return of === undefined ? missing : paged(asked, of.states.toReversed(), (said) => objects.deploymentState(of, said));
      },
    },
    [`POST ${states}`]: {
      needs: ['deployments=write'],
      answer: (asked) => {
        const of = deploymentOf(asked);
        return of === undefined ? missing : setState(of, asked);
      },
    },
  };

  // the newest first
  function list(asked: Asked): Answer {
    const { query } = asked;
    const wanted = (name: string, value: string): boolean => !query.has(name) || query.get(name) === value;
    const found = state.deployments.filter(
      ({ sha, environment, task }) => wanted('sha', sha) && wanted('environment', environment) && wanted('task', task),
    );
    return paged(asked, found.toReversed(), objects.deployment);
  }

  function create({ body, actor }: Asked): Answer {
    const { ref, environment = 'production', task = 'deploy', payload = {}, description = '' } = body as Record<string, string>;
    const sha = git === null ? ref : git.ask(`${state.owner}/${state.repo}`, 'rev-parse', '--verify', '-q', `${ref}^{commit}`);
    if (sha === null || sha === undefined) return refusedAs(422, `No ref found for: ${ref}`);
    // "auto_merge: Attempts to automatically merge the default branch into the requested ref, if it's behind the default branch. Default: true"
    if (body['auto_merge'] !== false) return invalid(state, 'auto_merge is not false: GitHub would merge the main branch into what is deployed');
    // "If you omit this parameter, GitHub verifies all unique contexts before creating a deployment. To bypass checking entirely, pass an empty array."
    const contexts = (body['required_contexts'] as readonly string[] | undefined) ?? [...new Set(state.statuses.map((one) => one.context))];
    const lacking = contexts.find((context) => state.statuses.findLast((one) => one.sha === sha && one.context === context)?.state !== 'success');
    if (lacking !== undefined) return refusedAs(409, `Conflict: Commit status checks failed for ${ref}.`);
    const deployment: ApiDeployment = {
      id: 40_000 + state.deployments.length + 1,
      sha,
      environment,
      task,
      payload,
      description,
      // "Default: `true` when `environment` is `production` and `false` otherwise."
      production: typeof body['production_environment'] === 'boolean' ? body['production_environment'] : environment === 'production',
      creator: actor.login,
      at: dateOf(state.now()),
      states: [],
    };
    state.deployments.push(deployment);
    return { status: 201, body: objects.deployment(deployment) };
  }

  function setState(of: ApiDeployment, { body, actor }: Asked): Answer {
    const { state: value = '', description = '', log_url: link = '' } = body as Record<string, string>;
    if (description.length > 140) return invalid(state, 'description is too long (maximum is 140 characters)');
    if (link !== '' && !/^https?:\/\//.test(link)) return invalid(state, 'log_url must use http(s) scheme');
    const said = {
      id: 50_000 + state.deployments.reduce((sum, { states: all }) => sum + all.length, 0) + 1,
      state: value,
      description,
      link,
      creator: actor.login,
    };
    of.states.push(said);
    // "auto_inactive: Adds a new inactive status to all prior non-transient, non-production environment deployments with the same repository and environment
    // name ... An inactive status is only added to deployments that had a success state. Default: true"
    if (value === 'success' && body['auto_inactive'] !== false && !of.production) {
      const prior = state.deployments.filter((one) => one.environment === of.environment && one.id < of.id && one.states.at(-1)?.state === 'success');
      for (const one of prior) one.states.push({ ...said, id: said.id + 100_000 + one.id, state: 'inactive', description: '', link: '' });
    }
    return { status: 201, body: objects.deploymentState(of, said) };
  }
}
