// Settings of a repository on GitHub. Source: docs.github.com/en/rest: repos/rules, branches/branch-protection, deployments/environments,
// actions/{permissions,secrets,self-hosted-runners,oidc}, repos/{repos,contents,webhooks}, collaborators, deploy-keys.
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { codeownersPlaces } from '../registry/codeowners.ts';
import type { ForgeOptions } from './forge.ts';
import { readEnvironments } from './github-environments.ts';
import { readGuards } from './github-guards.ts';
import { openSession } from './session.ts';
import { hostOf, newReading, type GitHubReader } from './settings-reading.ts';
import type { ActionsSettings, ForgeSettings, RunnerSettings, SettingChange, SettingsPort, SettingsWish } from './settings.ts';

type Repos = RestEndpointMethodTypes['repos'];
type RepositoryData = Repos['get']['response']['data'];

/** Nothing is asked before the first call. */
export function openGitHubSettings(options: ForgeOptions): SettingsPort {
  const session = openSession('GitHub', options);
  const { octokit, told } = session;
  const place = { owner: options.owner, repo: options.repo };
  octokit.hook.before('request', (asked) => {
    asked.headers['x-github-api-version'] = '2022-11-28';
  });
  return {
    get requests() {
      return session.requests;
    },
    readFile: (path) => told(readFile({ ...session, ...place }, path)),
    read: (wish) => told(read(wish)),
    change: ({ method, path, body }: SettingChange) =>
      // one that may have been made already is not made twice
      told(
        octokit
          .request(`${method} ${path}`, { ...(body === null ? {} : { data: body }), request: { once: method === 'POST' } })
          .then(() => undefined),
      ),
  };

  async function read({ auditBranch }: SettingsWish): Promise<ForgeSettings> {
    const { data } = await octokit.rest.repos.get(place);
    const { part, unread } = newReading();
    const reader: GitHubReader = { octokit, entries: session.entries, ...place, page: data.html_url, part };
    const organization = data.owner.type === 'Organization' ? data.owner.login : null;
    const visibility = visibilityOf(data);
    const main = data.default_branch;
    const guards = await readGuards(reader, [main, auditBranch]);
    const settings = {
      forge: 'github' as const,
      repository: data.full_name,
      page: data.html_url,
      visibility,
      organization,
      main,
      token: { push: data.permissions?.push ?? false, administer: data.permissions?.admin ?? false },
      merges: { methods: mergeMethods(data), auto: data.allow_auto_merge ?? false },
      guards: { main: guards.get(main) ?? null, audit: guards.get(auditBranch) ?? null },
      environments: await readEnvironments(reader),
      secrets: await readSecrets(reader, organization),
      actions: await readActions(reader, visibility),
      runners: await readRunners(reader, organization),
      codeowners: await readCodeowners(reader),
      writers: await readWriters(reader),
      workflows: await readWorkflows(reader),
      hooks: await readHooks(reader),
      oidc: await readOidc(reader),
    };
    return { ...settings, unread };
  }
}

function visibilityOf(data: RepositoryData): ForgeSettings['visibility'] {
  if (data.visibility === 'internal') return 'internal';
  return data.private ? 'private' : 'public';
}

function mergeMethods(data: RepositoryData): string[] {
  const methods = { merge: data.allow_merge_commit, squash: data.allow_squash_merge, rebase: data.allow_rebase_merge };
  return Object.entries(methods).flatMap(([name, allowed]) => (allowed === true ? [name] : []));
}

type Place = Pick<GitHubReader, 'octokit' | 'owner' | 'repo'>;

/** Of the default branch; null: no such file. */
async function readFile({ octokit, owner, repo }: Place, path: string): Promise<string | null> {
  const found = await octokit.rest.repos.getContent({ owner, repo, path }).catch((error: unknown) => {
    if ((error as { status?: unknown }).status === 404) return null;
    throw error;
  });
  const data = found?.data;
  if (data === undefined || Array.isArray(data) || data.type !== 'file' || !('content' in data)) return null;
  return Buffer.from(data.content, 'base64').toString('utf8');
}

async function readSecrets({ octokit, owner, repo, part }: GitHubReader, organization: string | null): Promise<string[] | null> {
  return part({
    what: 'names of the secrets of the repository',
    needs: 'secrets: read',
    read: async () => {
      const asked = { owner, repo, per_page: 100 };
      const own = await octokit.rest.actions.listRepoSecrets(asked);
      const lent = organization === null ? null : await octokit.rest.actions.listRepoOrganizationSecrets(asked);
      return [...own.data.secrets, ...(lent?.data.secrets ?? [])].map((one) => one.name);
    },
  });
}

async function readActions(reader: GitHubReader, visibility: ForgeSettings['visibility']): Promise<ActionsSettings | null> {
  const { octokit, owner, repo, part } = reader;
  const needs = 'administration: read';
  const asked = { owner, repo };
  const what = 'settings of Actions';
  const general = await part({ what, needs, read: async () => (await octokit.rest.actions.getGithubActionsPermissionsRepository(asked)).data });
  if (general === null) return null;
  const token = await part({
    what: 'what the token of a job may by default',
    needs,
    read: async () => (await octokit.rest.actions.getGithubActionsDefaultWorkflowPermissionsRepository(asked)).data,
  });
  return {
    enabled: general.enabled,
    allowed: general.allowed_actions ?? null,
    pinned: general.sha_pinning_required ?? null,
    token: token?.default_workflow_permissions ?? null,
    approvesPulls: token?.can_approve_pull_request_reviews ?? null,
    forkApproval: visibility === 'public' ? await readForkApproval(reader) : null,
    forks: visibility === 'public' ? null : await readPrivateForks(reader),
  };
}

const approvals = {
  first_time_contributors_new_to_github: 'new-accounts',
  first_time_contributors: 'first-time',
  all_external_contributors: 'everyone',
} as const;

function readForkApproval({ octokit, owner, repo, part }: GitHubReader): Promise<ActionsSettings['forkApproval']> {
  return part({
    what: 'whose pull requests from forks wait for approval',
    needs: 'administration: read',
    read: async () => {
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/permissions/fork-pr-contributor-approval', { owner, repo });
      return approvals[data.approval_policy] ?? null;
    },
  });
}

function readPrivateForks({ octokit, owner, repo, part }: GitHubReader): Promise<ActionsSettings['forks']> {
  return part({
    what: 'what pull requests from forks of a private repository get',
    needs: 'administration: read',
    read: async () => {
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/permissions/fork-pr-workflows-private-repos', { owner, repo });
      return {
        run: data.run_workflows_from_fork_pull_requests,
        writeToken: data.send_write_tokens_to_workflows,
        secrets: data.send_secrets_and_variables,
        approval: data.require_approval_for_fork_pr_workflows,
      };
    },
  });
}

async function readRunners({ octokit, owner, repo, page, part }: GitHubReader, organization: string | null): Promise<RunnerSettings | null> {
  const names = await part({
    what: 'runners of the repository',
    needs: 'administration: read',
    read: async () => (await octokit.rest.actions.listSelfHostedRunnersForRepo({ owner, repo, per_page: 100 })).data.runners.map((one) => one.name),
  });
  if (organization === null) return names === null ? null : { names, openGroups: [] };
  const groups = await part({
    what: 'runner groups of the organisation',
    needs: 'organization self-hosted runners: read',
    read: async () => {
      const asked = { org: organization, visible_to_repository: repo, per_page: 100 };
      return (await octokit.request('GET /orgs/{org}/actions/runner-groups', asked)).data.runner_groups;
    },
  });
  if (names === null || groups === null) return null;
  const server = new URL(page).origin;
  const open = groups.filter((one) => one.allows_public_repositories);
  const pageOf = (id: number): string => `${server}/organizations/${encodeURIComponent(organization)}/settings/actions/runner-groups/${id}`;
  return { names, openGroups: open.map(({ id, name }) => ({ id, name, page: pageOf(id) })) };
}

async function readCodeowners(reader: GitHubReader): Promise<ForgeSettings['codeowners']> {
  const { octokit, owner, repo, part } = reader;
  const found = await part({
    what: 'CODEOWNERS',
    needs: 'contents: read',
    read: async () => {
      for (const path of codeownersPlaces.github) {
        const text = await readFile(reader, path);
        if (text !== null) return { path, text };
      }
      return { path: null, text: '' };
    },
  });
  if (found === null || found.path === null) return found === null ? null : { ...found, errors: null };
  const errors = await part({
    what: 'errors of CODEOWNERS',
    needs: 'contents: read',
    read: async () => {
      const { data } = await octokit.rest.repos.codeownersErrors({ owner, repo });
      return data.errors.map((one) => `line ${one.line}: ${one.kind}`);
    },
  });
  return { ...found, errors };
}

async function readWriters({ octokit, owner, repo, entries, part }: GitHubReader): Promise<ForgeSettings['writers']> {
  type Person = Repos['listCollaborators']['response']['data'][number];
  const listed = (affiliation: 'all' | 'outside'): Promise<Person[]> =>
    Array.fromAsync(
      entries<Person>('the list of collaborators', (page) =>
        octokit.rest.repos.listCollaborators({ owner, repo, affiliation, permission: 'push', per_page: 100, page }),
      ),
    );
  const people = await part({
    what: 'who may write',
    needs: 'metadata: read, by an account that may write',
    read: async () => {
      const outside = new Set((await listed('outside')).map((one) => one.login));
      return (await listed('all')).map(({ login, role_name: role }) => ({ login, role, outside: outside.has(login) }));
    },
  });
  const keys = await part({
    what: 'deploy keys',
    needs: 'administration: read',
    read: async () => {
      const { data } = await octokit.rest.repos.listDeployKeys({ owner, repo, per_page: 100 });
      return data.filter((one) => !one.read_only).map(({ id, title }) => ({ id, title }));
    },
  });
  return { people, keys };
}

async function readWorkflows(reader: GitHubReader): Promise<ForgeSettings['workflows']> {
  const { octokit, owner, repo, part } = reader;
  return part({
    what: 'workflow files',
    needs: 'contents: read',
    read: async () => {
      const { data } = await octokit.rest.repos.getContent({ owner, repo, path: '.github/workflows' });
      const paths = Array.isArray(data) ? data.filter(({ type, name }) => type === 'file' && /\.ya?ml$/.test(name)).map(({ path }) => path) : [];
      const files: { path: string; text: string }[] = [];
      for (const path of paths) files.push({ path, text: (await readFile(reader, path)) ?? '' });
      return files;
    },
    none: { value: [], said: /^not found/i },
  });
}

function readHooks({ octokit, owner, repo, part }: GitHubReader): Promise<ForgeSettings['hooks']> {
  return part({
    what: 'webhooks',
    needs: 'webhooks: read',
    read: async () => {
      const { data } = await octokit.rest.repos.listWebhooks({ owner, repo, per_page: 100 });
      return data
        .filter((one) => one.active)
        .map(({ id, config }) => ({
          id,
          host: hostOf(config.url),
          // shown as stars where there is one
          secret: config.secret !== undefined && config.secret !== '',
          tls: (config.url ?? '').startsWith('https:') && String(config.insecure_ssl ?? '0') === '0',
        }));
    },
  });
}

function readOidc({ octokit, owner, repo, part }: GitHubReader): Promise<ForgeSettings['oidc']> {
  return part({
    what: 'subject of OIDC tokens',
    needs: 'actions: read',
    read: async () => {
      const { data } = await octokit.rest.actions.getCustomOidcSubClaimForRepo({ owner, repo });
      return { claims: data.use_default ? null : (data.include_claim_keys ?? []) };
    },
  });
}
