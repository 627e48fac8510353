// What a repository is set to: docs.github.com/en/rest/repos/rules, branches/branch-protection, deployments/environments, actions/permissions and more.
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import type { ApiEnvironment } from './settings-state.ts';
import {
  dateOf,
  invalid,
  missing,
  refusedAs,
  type Actor,
  type Answer,
  type ApiProtection,
  type ApiRuleset,
  type Asked,
  type Route,
  type Routes,
  type State,
} from './state.ts';

const repository = '/repos/{owner}/{repo}';

export function settingsRoutes(state: State, objects: Objects): Routes {
  return {
    ...ruleRoutes(state),
    ...environmentRoutes(state, objects),
    ...actionsRoutes(state),
    ...accessRoutes(state, objects),
  };
}

const upgrade = refusedAs(403, 'Upgrade to GitHub Pro or make this repository public to enable this feature.');

function ruleRoutes(state: State): Routes {
  const { settings } = state;
  const own = `${state.owner}/${state.repo}`;
  const read = ['metadata=read'];
  const write = ['administration=write'];
  const route = (needs: readonly string[], answer: (asked: Asked) => Answer): Route => ({
    needs,
    answer: (asked) => (settings.freePlan ? upgrade : answer(asked)),
  });
  const all = (): (ApiRuleset & { source: string })[] => [...settings.parentRulesets, ...state.rulesets.map((one) => ({ ...one, source: own }))];
  return {
    [`GET ${repository}/rulesets`]: route(read, (asked) => {
      const parents = asked.query.get('includes_parents') !== 'false';
      return paged(
        asked,
        all().filter((one) => parents || one.source === own),
        brief,
      );
    }),
    [`GET ${repository}/rulesets/{ruleset_id}`]: route(read, ({ parameters, actor }) => {
      const ruleset = all().find((one) => one.id === Number(parameters['ruleset_id']));
      return ruleset === undefined ? missing : { status: 200, body: whole(ruleset, actor) };
    }),
    [`POST ${repository}/rulesets`]: route(write, ({ body, actor }) => {
      if (state.rulesets.some((one) => one.name === body['name'])) return refusedAs(422, 'Validation Failed: Name must be unique');
      const made: ApiRuleset = { ...emptyRuleset, ...(body as Partial<ApiRuleset>), id: Math.max(100, ...all().map((one) => one.id)) + 1 };
      state.rulesets.push(made);
      return { status: 201, body: whole({ ...made, source: own }, actor) };
    }),
    // what a request does not name stays as it is
    [`PUT ${repository}/rulesets/{ruleset_id}`]: route(write, ({ parameters, body, actor }) => {
      const at = state.rulesets.findIndex((one) => one.id === Number(parameters['ruleset_id']));
      const before = state.rulesets[at];
      if (before === undefined) return missing;
      const after: ApiRuleset = { ...before, ...(body as Partial<ApiRuleset>) };
      state.rulesets[at] = after;
      return { status: 200, body: whole({ ...after, source: own }, actor) };
    }),
    // repos/rules#get-rules-for-a-branch: "all active rules that apply to the specified branch. The branch does not need to exist"
    [`GET ${repository}/rules/branches/{branch}`]: route(read, (asked) => {
      const active = all().filter((one) => one.enforcement === 'active' && fits(one, asked.parameters['branch'] ?? ''));
      const rules = active.flatMap((one) =>
        one.rules.map((rule) => ({ ...rule, ruleset_source_type: kindOf(one), ruleset_source: one.source, ruleset_id: one.id })),
      );
      return paged(asked, rules, (rule) => rule);
    }),
    [`GET ${repository}/branches/{branch}/protection`]: route(['administration=read'], ({ parameters }) => {
      const branch = parameters['branch'] ?? '';
      const protection = state.protections[branch];
      if (protection === undefined) return refusedAs(404, 'Branch not protected');
      return { status: 200, body: { ...classic(protection), ...settings.protectionDetails[branch] } };
    }),
  };

  function fits({ conditions }: ApiRuleset, branch: string): boolean {
    return conditions.ref_name.include.some((one) => {
      if (one === '~ALL' || (one === '~DEFAULT_BRANCH' && branch === state.defaultBranch)) return true;
      const pattern = one.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/\*\*?/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
      return new RegExp(`^${pattern}$`).test(`refs/heads/${branch}`);
    });
  }

  function kindOf({ source }: { readonly source: string }): string {
    return source === own ? 'Repository' : 'Organization';
  }

  function brief(one: ApiRuleset & { source: string }): Record<string, unknown> {
    const { id, name, target, enforcement, source } = one;
    return { id, name, target, enforcement, source, source_type: kindOf(one) };
  }

  function whole(one: ApiRuleset & { source: string }, actor: Actor): unknown {
    // repos/rules#get-a-repository-ruleset: "bypass_actors ... only returned if the user making the API request has write access to the ruleset"
    const shown = can(actor, one.source === own ? 'administration' : 'organization-administration');
    const link = `https://github.test/${own}/rules/${one.id}`;
    const { conditions, rules, bypass_actors: bypass } = one;
    return { ...brief(one), conditions, rules, _links: { html: { href: link } }, ...(shown ? { bypass_actors: bypass } : {}) };
  }
}

const emptyRuleset: Omit<ApiRuleset, 'id'> = {
  name: '',
  target: 'branch',
  enforcement: 'active',
  conditions: { ref_name: { include: [], exclude: [] } },
  rules: [],
  bypass_actors: [],
};

/** As GitHub shows what a PUT wrote. */
function classic({ required_status_checks: checks, required_pull_request_reviews: reviews, enforce_admins: admins }: ApiProtection): object {
  const url = 'https://github.test/api/protection';
  return {
    url,
    enforce_admins: { url, enabled: admins },
    ...(checks === null
      ? {}
      : {
          required_status_checks: {
            strict: checks.strict,
            contexts: checks.checks.map((one) => one.context),
            checks: checks.checks.map(({ context, app_id: app }) => ({ context, app_id: app ?? null })),
          },
        }),
    ...(reviews === null
      ? {}
      : {
          required_pull_request_reviews: {
            dismiss_stale_reviews: false,
            require_code_owner_reviews: false,
            require_last_push_approval: false,
            ...reviews,
          },
        }),
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
  };
}

function can({ can: grant }: Actor, name: string): boolean {
  return grant === 'write' || (typeof grant === 'object' && grant[name] === 'write');
}

function environmentRoutes(state: State, objects: Objects): Routes {
  const all = (): ApiEnvironment[] => state.settings.environments;
  const place = `${repository}/environments/{environment_name}`;
  const of =
    (answer: (environment: ApiEnvironment, asked: Asked) => Answer) =>
    (asked: Asked): Answer => {
      const environment = all().find((one) => one.name === asked.parameters['environment_name']);
      return environment === undefined ? missing : answer(environment, asked);
    };
  const read = ['actions=read'];
  const write = ['administration=write'];
  return {
    [`GET ${repository}/environments`]: { needs: read, answer: (asked) => listed(asked, all(), shown, 'environments') },
    [`PUT ${place}`]: { needs: write, answer: of(replace) },
    [`GET ${place}/deployment-branch-policies`]: {
      needs: read,
      answer: of(({ policies }, asked) => listed(asked, policies, (one) => ({ ...one, node_id: `policy-${one.id}` }), 'branch_policies')),
    },
    [`POST ${place}/deployment-branch-policies`]: { needs: write, answer: of(addPolicy) },
    [`DELETE ${place}/deployment-branch-policies/{branch_policy_id}`]: {
      needs: write,
      answer: of((environment, { parameters }) => {
        const at = environment.policies.findIndex((one) => one.id === Number(parameters['branch_policy_id']));
        if (at === -1) return missing;
        environment.policies.splice(at, 1);
        return { status: 204 };
      }),
    },
    [`GET ${place}/secrets`]: { needs: ['environments=read'], answer: of(({ secrets }, asked) => listed(asked, secrets, secret(state), 'secrets')) },
  };

  // what the request leaves out is taken away
  function replace(environment: ApiEnvironment, { body }: Asked): Answer {
    const {
      wait_timer: wait,
      prevent_self_review: noSelf,
      reviewers,
      deployment_branch_policy: wanted,
    } = body as {
      wait_timer?: number;
      prevent_self_review?: boolean;
      reviewers?: ApiEnvironment['reviewers'] | null;
      deployment_branch_policy?: { protected_branches: boolean; custom_branch_policies: boolean } | null;
    };
    const policy = wanted ?? null;
    // deployments/environments: "protected_branches and custom_branch_policies cannot have the same value"
    if (policy !== null && policy.protected_branches === policy.custom_branch_policies)
      return invalid(state, 'Validation Failed: deployment_branch_policy');
    const branches = policy === null ? null : policy.custom_branch_policies ? 'custom' : 'protected';
    if (branches !== 'custom') environment.policies.length = 0;
    Object.assign(environment, { waitMinutes: wait ?? 0, noSelfReview: noSelf ?? false, reviewers: reviewers ?? [], branches });
    return { status: 200, body: shown(environment) };
  }

  function addPolicy(environment: ApiEnvironment, { body }: Asked): Answer {
    if (environment.branches !== 'custom')
      return refusedAs(404, 'Not Found or deployment_branch_policy.custom_branch_policies property for the environment is set to false');
    const { name, type = 'branch' } = body as { name: string; type?: 'branch' | 'tag' };
    if (environment.policies.some((one) => one.name === name && one.type === type)) return { status: 303 };
    const made = { id: Math.max(500, ...environment.policies.map((one) => one.id)) + 1, name, type };
    environment.policies.push(made);
    return { status: 200, body: { ...made, node_id: `policy-${made.id}` } };
  }

  function shown(one: ApiEnvironment): unknown {
    const id = all().indexOf(one) + 1;
    const at = `https://github.test/api/environments/${encodeURIComponent(one.name)}`;
    const rule = (kind: number, type: string): object => ({ id: id * 10 + kind, node_id: `rule-${id}-${kind}`, type });
    return {
      id,
      node_id: `environment-${id}`,
      name: one.name,
      url: at,
      html_url: at,
      created_at: dateOf(state.now()),
      updated_at: dateOf(state.now()),
      can_admins_bypass: one.adminsBypass,
      protection_rules: [
        ...(one.waitMinutes === 0 ? [] : [{ ...rule(1, 'wait_timer'), wait_timer: one.waitMinutes }]),
        ...(one.reviewers.length === 0
          ? []
          : [{ ...rule(2, 'required_reviewers'), prevent_self_review: one.noSelfReview, reviewers: one.reviewers.map(reviewer) }]),
        ...(one.branches === null ? [] : [rule(3, 'branch_policy')]),
      ],
      deployment_branch_policy:
        one.branches === null ? null : { protected_branches: one.branches === 'protected', custom_branch_policies: one.branches === 'custom' },
    };
  }

  function reviewer({ type, id }: ApiEnvironment['reviewers'][number]): object {
    return { type, reviewer: { ...objects.user(`reviewer-${id}`), id } };
  }
}

function actionsRoutes(state: State): Routes {
  const { settings } = state;
  const place = `${repository}/actions/permissions`;
  const read = ['administration=read'];
  const write = ['administration=write'];
  const get = (body: () => unknown): Route => ({ needs: read, answer: () => ({ status: 200, body: body() }) });
  const put = (change: (body: Asked['body']) => void): Route => ({
    needs: write,
    answer: ({ body }) => {
      change(body);
      return { status: 204 };
    },
  });
  const ofPrivate = (route: Route): Route => ({ ...route, answer: (asked) => (settings.visibility === 'public' ? missing : route.answer(asked)) });
  return {
    [`GET ${place}`]: get(() => settings.actions),
    [`PUT ${place}`]: put((body) => Object.assign(settings.actions, body)),
    [`GET ${place}/workflow`]: get(() => settings.workflowToken),
    [`PUT ${place}/workflow`]: put((body) => Object.assign(settings.workflowToken, body)),
    [`GET ${place}/fork-pr-contributor-approval`]: get(() => ({ approval_policy: settings.forkApproval })),
    [`PUT ${place}/fork-pr-contributor-approval`]: put((body) => Object.assign(settings, { forkApproval: body['approval_policy'] })),
    [`GET ${place}/fork-pr-workflows-private-repos`]: ofPrivate(get(() => settings.privateForks)),
    [`PUT ${place}/fork-pr-workflows-private-repos`]: ofPrivate(put((body) => Object.assign(settings.privateForks, body))),
    [`GET ${repository}/actions/oidc/customization/sub`]: { needs: ['actions=read'], answer: () => ({ status: 200, body: settings.oidc }) },
    [`GET ${repository}/actions/secrets`]: { needs: ['secrets=read'], answer: (asked) => listed(asked, settings.secrets, secret(state), 'secrets') },
    [`GET ${repository}/actions/organization-secrets`]: {
      needs: ['secrets=read'],
      answer: (asked) => listed(asked, settings.organizationSecrets, secret(state), 'secrets'),
    },
    [`GET ${repository}/actions/runners`]: {
      needs: read,
      answer: (asked) =>
        listed(
          asked,
          settings.runners,
          (name) => ({ id: 1, name, os: 'linux', status: 'online', busy: false, labels: [{ name: 'self-hosted' }] }),
          'runners',
        ),
    },
    ['GET /orgs/{org}/actions/runner-groups']: {
      needs: ['organization_self_hosted_runners=read'],
      answer: (asked) =>
        settings.organization
          ? listed(
              asked,
              settings.runnerGroups,
              (one) => ({ ...one, visibility: 'all', default: false, runners_url: 'https://github.test/x', inherited: false }),
              'runner_groups',
            )
          : missing,
    },
  };
}

function accessRoutes(state: State, objects: Objects): Routes {
  const { settings } = state;
  const at = 'https://github.test/api/x';
  const dates = (): object => ({ created_at: dateOf(state.now()), updated_at: dateOf(state.now()) });
  return {
    [`GET ${repository}`]: {
      needs: ['metadata=read'],
      answer: () => {
        const { visibility, organization, permissions } = settings;
        const whole = objects.repository() as { owner: object };
        const kinds = { visibility, private: visibility !== 'public', owner: { ...whole.owner, type: organization ? 'Organization' : 'User' } };
        const merges = { allow_merge_commit: true, allow_squash_merge: true, allow_rebase_merge: false, allow_auto_merge: false };
        return { status: 200, body: { ...whole, ...kinds, ...merges, permissions, network_count: 0, subscribers_count: 0, has_discussions: false } };
      },
    },
    [`GET ${repository}/codeowners/errors`]: {
      needs: ['contents=read'],
      answer: () => ({
        status: 200,
        body: { errors: settings.codeownersErrors.map((one) => ({ ...one, column: 1, message: one.kind, path: '.github/CODEOWNERS' })) },
      }),
    },
    [`GET ${repository}/collaborators`]: {
      needs: ['metadata=read'],
      answer: (asked) => {
        const wanted =
          asked.query.get('affiliation') === 'outside' ? settings.collaborators.filter((one) => one.outside === true) : settings.collaborators;
        // permission=push: who has it or more
        const writing = asked.query.get('permission') === 'push' ? wanted.filter((one) => !['read', 'triage'].includes(one.role)) : wanted;
        return paged(asked, writing, ({ login, role }) => ({ ...objects.user(login), role_name: role }));
      },
    },
    [`GET ${repository}/keys`]: {
      needs: ['administration=read'],
      answer: (asked) => paged(asked, settings.keys, (one) => ({ ...one, key: 'ssh-ed25519 AAAA', url: at, verified: true, ...dates() })),
    },
    [`GET ${repository}/hooks`]: {
      needs: ['repository_hooks=read'],
      answer: (asked) =>
        paged(asked, settings.hooks, ({ id, url, secret: signed, insecure }) => ({
          id,
          type: 'Repository',
          name: 'web',
          active: true,
          events: ['push'],
          // repos/webhooks: a secret is shown as stars
          config: { url, content_type: 'json', insecure_ssl: insecure === true ? '1' : '0', ...(signed === true ? { secret: '********' } : {}) },
          ...dates(),
          url: at,
          test_url: at,
          ping_url: at,
          last_response: { code: null, status: 'unused', message: null },
        })),
    },
  };
}

function secret(state: State): (name: string) => unknown {
  return (name) => ({ name, created_at: dateOf(state.now()), updated_at: dateOf(state.now()) });
}

/** A list below a key, with the number of all. */
function listed<T>(asked: Asked, items: readonly T[], show: (one: T) => unknown, key: string): Answer {
  const { status, body, headers = {} } = paged(asked, items, show);
  return { status, headers, body: { total_count: items.length, [key]: body } };
}
