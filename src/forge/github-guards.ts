// What guards a branch on GitHub: rulesets of the repository and of those above it, and classic branch protection. Which rulesets hold for a branch is
// asked of GitHub, for their patterns are its own business; who may pass by them stands in each ruleset, for those who may edit it.
import type { RestEndpointMethodTypes } from '@octokit/rest';
import type { GitHubReader } from './settings-reading.ts';
import type { Bypass, Guard, PullRule, RequiredCheck } from './settings.ts';

type Repos = RestEndpointMethodTypes['repos'];
type Ruleset = Repos['getRepoRuleset']['response']['data'];
type ActiveRule = Repos['getBranchRules']['response']['data'][number];
type Protection = Repos['getBranchProtection']['response']['data'];

/** @returns by branch; null where the rules that hold are not told */
export async function readGuards(reader: GitHubReader, branches: readonly string[]): Promise<Map<string, readonly Guard[] | null>> {
  const rulesets = await readRulesets(reader);
  const guards = new Map<string, readonly Guard[] | null>();
  for (const branch of branches) {
    const rules = await readActiveRules(reader, branch);
    const classic = await readProtection(reader, branch);
    const idle = rulesets.filter((one) => one.enforcement !== 'active' && namesBranch(one, branch, branch === branches[0]));
    const layers = rules === null ? null : [...activeGuards(reader, rules, rulesets), ...idle.map((one) => guardOf(reader, one.rules ?? [], one))];
    guards.set(branch, layers === null ? null : [...layers, ...(classic === null ? [] : [classic])]);
  }
  return guards;
}

/** Those of branches, whole, the ones of the organisation too; one that is not shown is left out, and its bypass list is then not known. */
async function readRulesets({ octokit, owner, repo, entries, part }: GitHubReader): Promise<Ruleset[]> {
  const list = await part({
    what: 'rulesets',
    needs: 'metadata: read',
    read: () =>
      Array.fromAsync(
        entries<Ruleset>('the list of rulesets', (page) =>
          octokit.rest.repos.getRepoRulesets({ owner, repo, includes_parents: true, per_page: 100, page }),
        ),
      ),
    none: { value: [], said: /upgrade/i },
  });
  const whole: Ruleset[] = [];
  for (const { id, name, target } of list ?? []) {
    if (target !== undefined && target !== 'branch') continue;
    const one = await part({
      what: `ruleset ${name}`,
      needs: 'metadata: read',
      read: async () => (await octokit.rest.repos.getRepoRuleset({ owner, repo, ruleset_id: id, includes_parents: true })).data,
    });
    if (one !== null) whole.push(one);
  }
  return whole;
}

function readActiveRules({ octokit, owner, repo, entries, part }: GitHubReader, branch: string): Promise<ActiveRule[] | null> {
  return part({
    what: `rules of branch ${branch}`,
    needs: 'metadata: read',
    read: () =>
      Array.fromAsync(
        entries<ActiveRule>('the list of rules', (page) => octokit.rest.repos.getBranchRules({ owner, repo, branch, per_page: 100, page })),
      ),
    none: { value: [], said: /upgrade/i },
  });
}

/** Only whole names, since it is only said, not decided by: what holds comes from GitHub. */
function namesBranch({ conditions }: Ruleset, branch: string, isDefault: boolean): boolean {
  const included = conditions?.ref_name?.include ?? [];
  return included.some((one) => one === '~ALL' || one === `refs/heads/${branch}` || (isDefault && one === '~DEFAULT_BRANCH'));
}

function activeGuards(reader: GitHubReader, rules: readonly ActiveRule[], rulesets: readonly Ruleset[]): Guard[] {
  const ids = new Set(rules.map((one) => one.ruleset_id ?? 0));
  return [...ids].map((id) => {
    const ofIt = rules.filter((one) => (one.ruleset_id ?? 0) === id);
    const [first] = ofIt;
    const known = rulesets.find((one) => one.id === id);
    const named = { id, name: `ruleset ${id}`, source: first?.ruleset_source ?? 'unknown', enforcement: 'active' as const };
    return guardOf(reader, ofIt, known ?? named);
  });
}

type Named = Pick<Ruleset, 'id' | 'name' | 'source' | 'enforcement'> & Partial<Pick<Ruleset, 'bypass_actors' | '_links'>>;

function guardOf({ owner, repo, page }: GitHubReader, rules: readonly { type: string; parameters?: unknown }[], ruleset: Named): Guard {
  const own = ruleset.source.toLowerCase() === `${owner}/${repo}`.toLowerCase();
  const has = (type: string): boolean => rules.some((one) => one.type === type);
  return {
    kind: 'ruleset',
    name: ruleset.name,
    id: own ? ruleset.id : null,
    source: ruleset.source,
    page: ruleset._links?.html?.href ?? `${page}/rules/${ruleset.id}`,
    enforcement: ruleset.enforcement,
    bypass: ruleset.bypass_actors?.map(bypassOf) ?? null,
    pull: pullRuleOf(rules),
    checks: rules.flatMap((one) => (one.type === 'required_status_checks' ? checksOf(one.parameters) : [])),
    keepsHistory: has('non_fast_forward'),
    keepsBranch: has('deletion'),
  };
}

interface PullParameters {
  readonly required_approving_review_count: number;
  readonly require_code_owner_review: boolean;
  readonly dismiss_stale_reviews_on_push: boolean;
  readonly require_last_push_approval: boolean;
}

function pullRuleOf(rules: readonly { type: string; parameters?: unknown }[]): PullRule | null {
  const found = rules.filter((one) => one.type === 'pull_request').map((one) => (one.parameters ?? {}) as Partial<PullParameters>);
  if (found.length === 0) return null;
  return {
    approvals: Math.max(...found.map((one) => one.required_approving_review_count ?? 0)),
    codeowners: found.some((one) => one.require_code_owner_review === true),
    dismissesStale: found.some((one) => one.dismiss_stale_reviews_on_push === true),
    lastPush: found.some((one) => one.require_last_push_approval === true),
  };
}

function checksOf(parameters: unknown): RequiredCheck[] {
  const { required_status_checks: checks = [] } = (parameters ?? {}) as {
    required_status_checks?: readonly { context: string; integration_id?: number }[];
  };
  return checks.map(({ context, integration_id: app }) => ({ context, app: app ?? null }));
}

/** The built-in roles by number: as GitHub's own provider for Terraform has them. */
const roles: Readonly<Record<number, string>> = { 2: 'maintainers', 4: 'everyone who may write', 5: 'administrators of the repository' };

function bypassOf({ actor_type: type, actor_id: id, bypass_mode: mode }: NonNullable<Ruleset['bypass_actors']>[number]): Bypass {
  const number = id ?? 0;
  const names: Readonly<Record<string, string>> = {
    OrganizationAdmin: 'owners of the organisation',
    RepositoryRole: roles[number] ?? `role ${number}`,
    Team: `team ${number}`,
    Integration: `app ${number}`,
    DeployKey: 'deploy keys',
    User: `person ${number}`,
  };
  return { who: names[type] ?? type, mode: mode ?? 'always', of: 'all' };
}

/** Classic protection of a branch. */
async function readProtection({ octokit, owner, repo, page, part }: GitHubReader, branch: string): Promise<Guard | null> {
  const data = await part<Protection | null>({
    what: `classic protection of branch ${branch}`,
    needs: 'administration: read',
    read: async () => (await octokit.rest.repos.getBranchProtection({ owner, repo, branch })).data,
    // "Not Found" alone is how GitHub hides it
    none: { value: null, said: /branch not (protected|found)|upgrade/i },
  });
  if (data === null) return null;
  const reviews = data.required_pull_request_reviews;
  const admins: Bypass = { who: 'administrators of the repository', mode: 'always', of: 'all' };
  return {
    kind: 'protection',
    name: `classic protection of ${branch}`,
    id: null,
    source: `${owner}/${repo}`,
    page: `${page}/settings/branches`,
    enforcement: 'active',
    bypass: [...(data.enforce_admins?.enabled === true ? [] : [admins]), ...allowances(reviews?.bypass_pull_request_allowances)],
    pull:
      reviews === undefined
        ? null
        : {
            approvals: reviews.required_approving_review_count ?? 0,
            codeowners: reviews.require_code_owner_reviews,
            dismissesStale: reviews.dismiss_stale_reviews,
            lastPush: reviews.require_last_push_approval ?? false,
          },
    checks: classicChecks(data.required_status_checks),
    keepsHistory: data.allow_force_pushes?.enabled !== true,
    keepsBranch: data.allow_deletions?.enabled !== true,
  };
}

/** An app of -1 is "any source", as is none. */
function classicChecks(data: Protection['required_status_checks']): RequiredCheck[] {
  return (data?.checks ?? []).map(({ context, app_id: app }) => ({ context, app: app === null || app < 0 ? null : app }));
}

type Allowances = NonNullable<Protection['required_pull_request_reviews']>['bypass_pull_request_allowances'];

function allowances(data: Allowances): Bypass[] {
  const names = [
    ...(data?.users ?? []).map((one) => one.login),
    ...(data?.teams ?? []).map((one) => `team ${one.slug}`),
    ...(data?.apps ?? []).map((one) => `app ${one?.slug ?? 'unknown'}`),
  ];
  return names.map((who) => ({ who, mode: 'always', of: 'pull' }));
}
