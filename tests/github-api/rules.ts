// The rules of a branch, as GitHub holds them against a merge and a push: rulesets and classic protection, and who may pass by them.
// docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository
import type { Actor, ApiProtection, ApiReview, ApiRuleset, Pull, State } from './state.ts';

/** What one layer demands. */
interface Layer {
  readonly name: string;
  /** 'exempt': it is not even looked at */
  readonly bypass: 'always' | 'pull_request' | 'exempt' | null;
  readonly pull: { readonly approvals: number; readonly dismissesStale: boolean; readonly lastPush: boolean } | null;
  readonly checks: readonly { readonly context: string; readonly app: number | null }[];
  readonly queue: boolean;
}

const ranks = ['none', 'read', 'triage', 'write', 'maintain', 'admin'];

export interface Rules {
  /** What is against it, in GitHub's words; what is passed by is written down. */
  against(pull: Pull, actor: Actor): string | null;
  /** The same of a commit of the merge queue: its checks alone. */
  againstGroup(branch: string, head: string): string | null;
  /** @returns whether a push by this one alone is refused */
  refusesPush(branch: string, actor: Actor): boolean;
  /** Whether a push takes approvals away. */
  dismissesStale(branch: string): boolean;
  hasQueue(branch: string): boolean;
}

export function rulesOf(state: State): Rules {
  return {
    against,
    againstGroup: (branch, head) => first(layersFor(branch, null).flatMap((layer) => missingChecks(layer, head))),
    refusesPush: (branch, actor) => layersFor(branch, actor).some((one) => one.pull !== null && one.bypass !== 'always' && one.bypass !== 'exempt'),
    dismissesStale: (branch) => layersFor(branch, null).some((one) => one.pull?.dismissesStale === true),
    hasQueue: (branch) => layersFor(branch, null).some((one) => one.queue),
  };

  function against(pull: Pull, actor: Actor): string | null {
    for (const layer of layersFor(pull.baseRef ?? state.defaultBranch, actor)) {
      if (layer.bypass === 'exempt') continue;
      const wrong = [
        ...(layer.queue ? ['Changes must be made through the merge queue'] : []),
        ...missingApprovals(layer, pull),
        ...missingChecks(layer, pull.head),
      ];
      if (wrong.length === 0) continue;
      if (layer.bypass === null) return layer.name === 'protection' ? first(wrong) : `Repository rule violations found\n\n${wrong.join('\n\n')}\n\n`;
      state.bypasses.push({ pull: pull.number, login: actor.login, rule: layer.name });
    }
    return null;
  }

  function layersFor(branch: string, actor: Actor | null): Layer[] {
    const classic = state.protections[branch];
    const rulesets = [...state.settings.parentRulesets, ...state.rulesets].filter((one) => one.enforcement === 'active' && holdsFor(one, branch));
    return [...rulesets.map((one) => layerOf(one, actor)), ...(classic === undefined ? [] : [classicLayer(classic, actor)])];
  }

  function holdsFor({ conditions }: ApiRuleset, branch: string): boolean {
    const names = (pattern: string): boolean =>
      pattern === '~ALL' ||
      (pattern === '~DEFAULT_BRANCH' ? branch === state.defaultBranch : [`refs/heads/${branch}`, 'refs/heads/**'].includes(pattern));
    return conditions.ref_name.include.some(names) && !conditions.ref_name.exclude.some(names);
  }

  function layerOf({ name, rules, bypass_actors: bypassers }: ApiRuleset, actor: Actor | null): Layer {
    const of = (type: string): Readonly<Record<string, unknown>> | undefined => {
      const rule = rules.find((one) => one.type === type);
      return rule === undefined ? undefined : (rule.parameters ?? {});
    };
    const pull = of('pull_request');
    const checks = (of('required_status_checks')?.['required_status_checks'] ?? []) as { context: string; integration_id?: number }[];
    const bypass = actor === null ? null : (bypassers.find((one) => isActor(one, actor))?.bypass_mode ?? null);
    return {
      name,
      bypass,
      pull:
        pull === undefined
          ? null
          : {
              approvals: Number(pull['required_approving_review_count'] ?? 0),
              dismissesStale: pull['dismiss_stale_reviews_on_push'] === true,
              lastPush: pull['require_last_push_approval'] === true,
            },
      checks: checks.map((one) => ({ context: one.context, app: one.integration_id ?? null })),
      queue: of('merge_queue') !== undefined,
    };
  }

  /** "actor_id" of a role: 2 maintain, 4 write, 5 admin; of an organisation's administrators 1. */
  function isActor({ actor_id: id, actor_type: type }: ApiRuleset['bypass_actors'][number], { login, app }: Actor): boolean {
    if (type === 'Integration') return app !== undefined && state.apps[app] === id;
    if (type === 'RepositoryRole')
      return rankOf(login) >= ranks.indexOf(({ 2: 'maintain', 4: 'write', 5: 'admin' } as Record<number, string>)[id ?? 0] ?? 'none') && id !== null;
    if (type === 'OrganizationAdmin') return rankOf(login) >= ranks.indexOf('admin');
    if (type === 'Team') return Object.entries(state.teams).some(([name, team]) => teamNumber(name) === id && team.members[login] === 'active');
    return false;
  }

  function classicLayer(
    { required_status_checks: checks, required_pull_request_reviews: reviews, ...rest }: ApiProtection,
    actor: Actor | null,
  ): Layer {
    const admin = actor !== null && rankOf(actor.login) >= ranks.indexOf('admin');
    return {
      name: 'protection',
      bypass: admin && !rest.enforce_admins ? 'always' : null,
      pull:
        reviews === null
          ? null
          : {
              approvals: reviews.required_approving_review_count,
              dismissesStale: reviews.dismiss_stale_reviews === true,
              lastPush: reviews.require_last_push_approval === true,
            },
      checks: (checks?.checks ?? []).map((one) => ({ context: one.context, app: one.app_id === undefined || one.app_id < 0 ? null : one.app_id })),
      queue: false,
    };
  }

  /** "users with write access"; a bot is one that is not asked. */
  function rankOf(login: string): number {
    const role = state.permissions[login] ?? '';
    return ranks.indexOf(role.split(':').at(-1) ?? '');
  }

  function missingApprovals({ pull: rule }: Layer, pull: Pull): string[] {
    if (rule === null) return [];
    const latest = new Map<string, ApiReview>();
    const said = state.reviews.filter((one) => one.pull === pull.number && !['COMMENTED', 'PENDING'].includes(one.state));
    for (const one of said) if (one.login !== null) latest.set(one.login, one);
    const counting = [...latest.values()].filter(
      ({ login }) => login !== null && (rankOf(login) >= ranks.indexOf('write') || login.endsWith('[bot]')),
    );
    if (counting.some((one) => one.state === 'CHANGES_REQUESTED')) return ['Changes have been requested by a reviewer with write access.'];
    const pusher = rule.lastPush ? lastPusher(pull) : null;
    const approvals = counting.filter((one) => one.state === 'APPROVED' && one.login !== pusher).length;
    if (approvals >= rule.approvals) return [];
    const many = rule.approvals === 1 ? 'approving review is' : 'approving reviews are';
    return [`At least ${rule.approvals} ${many} required by reviewers with write access.`];
  }

  function lastPusher({ headRepository, headRef }: Pull): string | null {
    const repository = headRepository ?? `${state.owner}/${state.repo}`;
    return state.activities.findLast((one) => one.repository === repository && one.ref === `refs/heads/${headRef}`)?.actor ?? null;
  }

  /** A check that was skipped, or is neutral, counts as passed. One that is bound to an App counts of that App alone. */
  function missingChecks({ checks }: Layer, head: string): string[] {
    return checks.flatMap(({ context, app }) => {
      const wanted = `Required status check "${context}" is`;
      const states = [
        ...state.statuses
          .filter((one) => one.sha === head && one.context === context)
          .map((one) => ({ app: appOfLogin(one.creator), passed: one.state === 'success' })),
        ...state.checkRuns
          .filter((one) => one.sha === head && one.name === context)
          .map((one) => ({ app: state.apps[one.app ?? 'github-actions'], passed: ['success', 'neutral', 'skipped'].includes(one.conclusion ?? '') })),
      ];
      const last = states.findLast((one) => app === null || one.app === app);
      if (last === undefined) return [`${wanted} expected.`];
      return last.passed ? [] : [`${wanted} failing.`];
    });
  }

  function appOfLogin(login = 'github-actions[bot]'): number | undefined {
    return state.apps[login.replace(/\[bot\]$/, '')];
  }
}

function first(wrong: readonly string[]): string | null {
  return wrong[0] ?? null;
}

/** GitHub's number of a team: ours is made of its name. */
export function teamNumber(name: string): number {
  return [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_000, 7) + 1;
}
