// What a job of CI says of itself, from its environment. Another CI than GitHub's or Gitea's may set the same variables.
import { at, type Environment } from '../project/trust-domain.ts';
import type { Job } from './attestation.ts';

export type JobFacts = Omit<Job, 'workflow'> & {
  /** null: the forge does not say */
  readonly workflowPath: string | null;
  /** commit whose workflow file the job was made of */
  readonly workflowCommit: string;
};

/**
 * @param event parsed GITHUB_EVENT_PATH
 * @returns null where no run of CI is named
 */
export function readJob(env: Environment, event: unknown): JobFacts | null {
  const repository = env['GITHUB_REPOSITORY'];
  const runId = env['GITHUB_RUN_ID'];
  const checkedOut = env['GITHUB_SHA'];
  if (!repository || !runId || !checkedOut) return null;
  const repositoryId = env['GITHUB_REPOSITORY_ID'];
  const head = at(event, 'pull_request', 'head', 'sha') ?? (at(event, 'inputs', 'pull') === undefined ? undefined : at(event, 'inputs', 'sha'));
  return {
    repository,
    ...(repositoryId ? { repositoryId } : {}),
    ref: env['GITHUB_REF'] ?? '',
    commit: typeof head === 'string' && /^[0-9a-f]{40,64}$/.test(head) ? head : checkedOut,
    checkedOut,
    event: env['GITHUB_EVENT_NAME'] ?? '',
    runId,
    attempt: Number(env['GITHUB_RUN_ATTEMPT'] ?? 1) || 1,
    workflowPath: env['PLUMB_WORKFLOW'] ?? workflowPath(env['GITHUB_WORKFLOW_REF'] ?? '', repository),
    workflowCommit: env['GITHUB_WORKFLOW_SHA'] ?? checkedOut,
  };
}

/** 'o/r/.github/workflows/pr.yml@refs/heads/main' -> '.github/workflows/pr.yml' */
function workflowPath(text: string, repository: string): string | null {
  const [path = ''] = text.split('@');
  return path.startsWith(`${repository}/`) ? path.slice(repository.length + 1) : null;
}
