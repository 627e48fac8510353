// Environments of a repository on GitHub: which branches may use them, who lets a deployment through, which secrets they hold.
// Source: docs.github.com/en/rest/deployments/environments, deployments/branch-policies, actions/secrets
import type { RestEndpointMethodTypes } from '@octokit/rest';
import type { GitHubReader } from './settings-reading.ts';
import type { EnvironmentSettings } from './settings.ts';

type EnvironmentData = NonNullable<RestEndpointMethodTypes['repos']['getAllEnvironments']['response']['data']['environments']>[number];

/** null: not told to this token */
export async function readEnvironments(reader: GitHubReader): Promise<EnvironmentSettings[] | null> {
  const { octokit, owner, repo, entries, part } = reader;
  const list = await part({
    what: 'environments',
    needs: 'actions: read',
    read: () =>
      Array.fromAsync(
        entries<EnvironmentData>('the list of environments', async (page) => {
          const { data, headers } = await octokit.rest.repos.getAllEnvironments({ owner, repo, per_page: 100, page });
          return { data: data.environments ?? [], headers };
        }),
      ),
    none: { value: [], said: /upgrade/i },
  });
  if (list === null) return null;
  const environments: EnvironmentSettings[] = [];
  for (const one of list) environments.push(await environmentOf(reader, one));
  return environments;
}

async function environmentOf(reader: GitHubReader, data: EnvironmentData): Promise<EnvironmentSettings> {
  const rules = data.protection_rules ?? [];
  const review = rules.find((rule) => rule.type === 'required_reviewers') as ReviewRule | undefined;
  const wait = rules.find((rule) => rule.type === 'wait_timer') as { wait_timer?: number } | undefined;
  // in the answers of every server, and missing in the description
  const bypass = (data as { can_admins_bypass?: unknown }).can_admins_bypass;
  return {
    name: data.name,
    branches: await branchesOf(reader, data),
    reviewers: (review?.reviewers ?? []).map(({ type = 'User', reviewer }) => ({
      type,
      id: reviewer?.id ?? 0,
      name: reviewer?.login ?? reviewer?.slug ?? 'unknown',
    })),
    noSelfReview: review?.prevent_self_review ?? false,
    waitMinutes: wait?.wait_timer ?? 0,
    adminsBypass: typeof bypass === 'boolean' ? bypass : null,
    secrets: await environmentSecrets(reader, data.name),
    page: `${reader.page}/settings/environments/${data.id}/edit`,
  };
}

interface ReviewRule {
  readonly prevent_self_review?: boolean;
  readonly reviewers?: readonly {
    readonly type?: 'User' | 'Team';
    readonly reviewer?: { readonly id: number; readonly login?: string; readonly slug?: string };
  }[];
}

/** What is not told counts as any branch: the unread part says why. */
async function branchesOf({ octokit, owner, repo, part }: GitHubReader, data: EnvironmentData): Promise<EnvironmentSettings['branches']> {
  const policy = data.deployment_branch_policy ?? null;
  if (policy === null) return null;
  if (policy.protected_branches) return 'protected';
  return part({
    what: `branches that may deploy to environment ${data.name}`,
    needs: 'actions: read',
    read: async () => {
      const asked = { owner, repo, environment_name: data.name, per_page: 100 };
      const found = await octokit.rest.repos.listDeploymentBranchPolicies(asked);
      return found.data.branch_policies.map(({ id, name, type }) => ({ id: id ?? null, pattern: name ?? '', tag: type === 'tag' }));
    },
  });
}

function environmentSecrets({ octokit, owner, repo, part }: GitHubReader, name: string): Promise<string[] | null> {
  return part({
    what: `names of the secrets of environment ${name}`,
    needs: 'environments: read',
    read: async () => {
      const { data } = await octokit.rest.actions.listEnvironmentSecrets({ owner, repo, environment_name: name, per_page: 100 });
      return data.secrets.map((one) => one.name);
    },
  });
}
