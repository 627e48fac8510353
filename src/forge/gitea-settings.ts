// Settings of a repository on Gitea and Forgejo. It has no rulesets, no environments and no OIDC; a branch has one protection, the first whose name
// fits. What its interface does not tell (what the token of a job may, the secret of a webhook) stays unknown, and is said so.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import { codeownersPlaces } from '../registry/codeowners.ts';
import type { ForgeOptions } from './forge.ts';
import { failureOf, openSession } from './session.ts';
import { hostOf, newReading, type Reading } from './settings-reading.ts';
import type { Bypass, ForgeSettings, Guard, SettingChange, SettingsPort, SettingsWish, Unread } from './settings.ts';

const perPage = 50;
const administrator = 'the token of an administrator of the repository';
const workflowFolders = ['.gitea/workflows', '.forgejo/workflows', '.github/workflows'];

const names = z.array(z.string()).nullish();
const repositoryData = z.object({
  full_name: z.string(),
  html_url: z.string(),
  private: z.boolean(),
  internal: z.boolean().optional(),
  default_branch: z.string(),
  has_actions: z.boolean().optional(),
  permissions: z.object({ admin: z.boolean(), push: z.boolean() }).nullish(),
  allow_merge_commits: z.boolean().optional(),
  allow_squash_merge: z.boolean().optional(),
  allow_rebase: z.boolean().optional(),
});
const branchData = z.object({ protected: z.boolean(), effective_branch_protection_name: z.string().optional() });
const protectionData = z.object({
  rule_name: z.string(),
  enable_push: z.boolean(),
  enable_push_whitelist: z.boolean(),
  push_whitelist_usernames: names,
  push_whitelist_teams: names,
  push_whitelist_deploy_keys: z.boolean(),
  enable_force_push: z.boolean().optional(),
  enable_status_check: z.boolean(),
  status_check_contexts: names,
  required_approvals: z.int(),
  dismiss_stale_approvals: z.boolean(),
  ignore_stale_approvals: z.boolean().optional(),
  unprotected_file_patterns: z.string(),
  /** Gitea's word, and Forgejo's for the same */
  block_admin_merge_override: z.boolean().optional(),
  apply_to_admins: z.boolean().optional(),
});
const fileData = z.object({ type: z.string(), content: z.string().nullish() });
const entryData = z.object({ type: z.string(), name: z.string(), path: z.string() });
const namedData = z.object({ name: z.string() });
const runnersData = z.object({ runners: z.array(namedData).nullish() });
const keyData = z.object({ id: z.int(), title: z.string(), read_only: z.boolean() });
const hookData = z.object({ id: z.int(), active: z.boolean(), config: z.record(z.string(), z.string()) });
const accountData = z.object({ login: z.string() });
const permissionData = z.object({ permission: z.string() });

type Protection = z.infer<typeof protectionData>;

/** Nothing is asked before the first call. */
export function openGiteaSettings(options: ForgeOptions): SettingsPort {
  const session = openSession('Gitea', options);
  const { octokit, told } = session;
  octokit.hook.before('request', (asked) => {
    asked.headers.accept = 'application/json';
  });
  return {
    get requests() {
      return session.requests;
    },
    readFile: (path) => told(readFile(path)),
    read: (wish) => told(read(wish)),
    change: ({ method, path, body }: SettingChange) =>
      told(
        octokit
          .request(`${method} ${path}`, { ...(body === null ? {} : { data: body }), request: { once: method === 'POST' } })
          .then(() => undefined),
      ),
  };

  async function ask(path: string, words: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const { data } = await octokit.request(`GET /repos/{owner}/{repo}${path}`, { owner: options.owner, repo: options.repo, ...words });
    return data;
  }

  /** All of a list. */
  async function all<T>(what: string, path: string, schema: z.ZodType<T>, words: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    const asked = { owner: options.owner, repo: options.repo, ...words, limit: perPage };
    const entries = session.entries<unknown>(what, async (page) => {
      const { data, headers } = await octokit.request(`GET ${path}`, { ...asked, page });
      return { data: check(z.array(z.unknown()), data ?? []), headers };
    });
    return Array.fromAsync(entries, (one) => check(schema, one));
  }

  async function readFile(path: string): Promise<string | null> {
    const data = await ask('/contents/{path}', { path }).catch(noneIfMissing);
    const file = data === null || Array.isArray(data) ? null : check(fileData, data);
    return file === null || file.type !== 'file' ? null : Buffer.from(file.content ?? '', 'base64').toString('utf8');
  }

  async function read({ auditBranch }: SettingsWish): Promise<ForgeSettings> {
    const data = check(repositoryData, await ask(''));
    const { part, unread } = newReading();
    const organization = await readOrganization();
    const main = data.default_branch;
    const hidden = notTold(data.has_actions !== false);
    const settings = {
      forge: 'gitea' as const,
      repository: data.full_name,
      page: data.html_url,
      visibility: data.private ? ('private' as const) : data.internal === true ? ('internal' as const) : ('public' as const),
      organization,
      main,
      token: { push: data.permissions?.push ?? false, administer: data.permissions?.admin ?? false },
      merges: { methods: mergeMethods(data), auto: false },
      guards: { main: await readGuards(part, data, main), audit: await readGuards(part, data, auditBranch) },
      environments: [],
      secrets: await readSecrets(part, organization),
      actions: {
        enabled: data.has_actions !== false,
        allowed: null,
        pinned: null,
        token: null,
        // the account of jobs cannot review
        approvesPulls: false,
        // built in: a stranger waits until somebody has let one run of his go on
        forkApproval: 'first-time' as const,
        forks: null,
      },
      runners: await part({
        what: 'runners of the repository',
        needs: administrator,
        read: async () => ({ names: (check(runnersData, await ask('/actions/runners')).runners ?? []).map(({ name }) => name), openGroups: [] }),
      }),
      codeowners: await part({ what: 'CODEOWNERS', needs: 'read:repository', read: readCodeowners }),
      writers: await readWriters(part),
      workflows: await part({ what: 'workflow files', needs: 'read:repository', read: readWorkflows }),
      hooks: await readHooks(part),
      oidc: null,
    };
    return { ...settings, unread: [...unread, ...hidden] };
  }

  async function readOrganization(): Promise<string | null> {
    const found = await octokit.request('GET /orgs/{org}', { org: options.owner }).catch(noneIfMissing);
    return found === null ? null : options.owner;
  }

  async function readGuards(part: Reading['part'], { html_url: page, full_name: source }: z.infer<typeof repositoryData>, branch: string) {
    return part<readonly Guard[]>({
      what: `protection of branch ${branch}`,
      needs: administrator,
      read: async () => {
        const name = await ruleOf(branch);
        if (name === null) return [];
        const rule = check(protectionData, await ask('/branch_protections/{name}', { name }));
        return [guardOf(rule, { page: `${page}/settings/branches`, source })];
      },
    });
  }

  /** Which rule holds for a branch is the server's business; of one that is not there yet, a rule of its very name is looked for. */
  async function ruleOf(branch: string): Promise<string | null> {
    const found = await ask('/branches/{branch}', { branch }).catch(noneIfMissing);
    if (found === null) {
      const rules = await all('the list of protections', '/repos/{owner}/{repo}/branch_protections', z.object({ rule_name: z.string() }));
      return rules.find((one) => one.rule_name === branch)?.rule_name ?? null;
    }
    const { protected: guarded, effective_branch_protection_name: name = '' } = check(branchData, found);
    // the name is for administrators only; asking for the rule then says what is lacking
    return guarded ? name || branch : null;
  }

  async function readSecrets(part: Reading['part'], organization: string | null): Promise<string[] | null> {
    return part({
      what: 'names of the secrets of the repository',
      needs: administrator,
      read: async () => {
        const own = await all('the list of secrets', '/repos/{owner}/{repo}/actions/secrets', namedData);
        const lent =
          organization === null
            ? []
            : await all('the list of secrets of the organisation', '/orgs/{org}/actions/secrets', namedData, { org: organization });
        return [...own, ...lent].map((one) => one.name);
      },
    });
  }

  async function readCodeowners(): Promise<NonNullable<ForgeSettings['codeowners']>> {
    for (const path of codeownersPlaces.gitea) {
      const text = await readFile(path);
      if (text !== null) return { path, text, errors: [] };
    }
    return { path: null, text: '', errors: null };
  }

  /** The first folder that has files, as the server takes them. */
  async function readWorkflows(): Promise<{ path: string; text: string }[]> {
    for (const folder of workflowFolders) {
      const data = await ask('/contents/{path}', { path: folder }).catch(noneIfMissing);
      if (data === null) continue;
      const files = check(z.array(entryData), data).filter((one) => one.type === 'file' && /\.ya?ml$/.test(one.name));
      const texts: { path: string; text: string }[] = [];
      for (const { path } of files) texts.push({ path, text: (await readFile(path)) ?? '' });
      return texts;
    }
    return [];
  }

  async function readWriters(part: Reading['part']): Promise<ForgeSettings['writers']> {
    const people = await part({
      what: 'who may write',
      needs: administrator,
      read: async () => {
        const accounts = await all('the list of collaborators', '/repos/{owner}/{repo}/collaborators', accountData);
        const found: { login: string; role: string; outside: boolean }[] = [];
        for (const { login } of accounts) {
          const { permission } = check(permissionData, await ask('/collaborators/{login}/permission', { login }));
          if (['write', 'admin', 'owner'].includes(permission)) found.push({ login, role: permission, outside: false });
        }
        return found;
      },
    });
    const keys = await part({
      what: 'deploy keys',
      needs: administrator,
      read: async () => {
        const found = await all('the list of deploy keys', '/repos/{owner}/{repo}/keys', keyData);
        return found.filter((one) => !one.read_only).map(({ id, title }) => ({ id, title }));
      },
    });
    return { people, keys };
  }

  async function readHooks(part: Reading['part']): Promise<ForgeSettings['hooks']> {
    return part({
      what: 'webhooks',
      needs: administrator,
      read: async () => {
        const hooks = await all('the list of webhooks', '/repos/{owner}/{repo}/hooks', hookData);
        return hooks
          .filter((one) => one.active)
          .map(({ id, config }) => ({
            id,
            host: hostOf(config['url']),
            // whether there is one is told to nobody
            secret: null,
            tls: (config['url'] ?? '').startsWith('https:'),
          }));
      },
    });
  }
}

function notTold(actions: boolean): Unread[] {
  if (!actions) return [];
  return [
    {
      what: 'what the token of a job may by default',
      needs: 'a look at its page: Settings, Actions, General',
      said: 'Gitea has no interface for it',
    },
  ];
}

function mergeMethods(data: z.infer<typeof repositoryData>): string[] {
  const methods = { merge: data.allow_merge_commits, squash: data.allow_squash_merge, rebase: data.allow_rebase };
  return Object.entries(methods).flatMap(([name, allowed]) => (allowed === true ? [name] : []));
}

function guardOf(rule: Protection, { page, source }: { page: string; source: string }): Guard {
  // whoever may write may push, reviewed or not
  const open = rule.enable_push && !rule.enable_push_whitelist;
  return {
    kind: 'protection',
    name: rule.rule_name,
    id: null,
    source,
    page,
    enforcement: 'active',
    bypass: bypassOf(rule),
    pull: open
      ? null
      : {
          approvals: rule.required_approvals,
          codeowners: false,
          dismissesStale: rule.dismiss_stale_approvals || rule.ignore_stale_approvals === true,
          lastPush: false,
        },
    // a status may be set by whoever may write: Gitea binds none to an account
    checks: rule.enable_status_check ? (rule.status_check_contexts ?? []).map((context) => ({ context, app: null })) : [],
    keepsHistory: rule.enable_force_push !== true,
    // nobody deletes a protected branch
    keepsBranch: true,
  };
}

/** Source: routers/private/hook_pre_receive.go and services/pull/check.go of Gitea. */
function bypassOf(rule: Protection): Bypass[] {
  const pushers = !rule.enable_push || !rule.enable_push_whitelist ? [] : [...(rule.push_whitelist_usernames ?? []), ...teamsOf(rule)];
  const keys = rule.enable_push && rule.enable_push_whitelist && rule.push_whitelist_deploy_keys ? ['deploy keys'] : [];
  const admins = rule.block_admin_merge_override === true || rule.apply_to_admins === true ? [] : ['administrators of the repository'];
  const files = rule.unprotected_file_patterns.trim();
  return [
    ...[...pushers, ...keys].map((who): Bypass => ({ who, mode: 'always', of: 'all' })),
    ...admins.map((who): Bypass => ({ who, mode: 'pull_request', of: 'all' })),
    ...(files === '' ? [] : [{ who: `whoever changes nothing but ${files}`, mode: 'always', of: 'all' } as const]),
  ];
}

const teamsOf = (rule: Protection): string[] => (rule.push_whitelist_teams ?? []).map((team) => `team ${team}`);

function noneIfMissing(error: unknown): null {
  if (failureOf(error)?.status === 404) return null;
  throw error;
}

function check<T>(schema: z.ZodType<T>, data: unknown): T {
  const { success, error, data: known } = schema.safeParse(data);
  if (success) return known;
  const what = `Gitea answered what it is not documented to answer: ${z.prettifyError(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`;
  throw new PlumbError('FORGE_FAILED', { what, mend: 'report it with the version of the server' });
}
