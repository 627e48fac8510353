// The rules that close what doctor-branches.ts finds. On GitHub a layer of our own is added: layers add up, so nothing that is there is changed, and
// whoever may pass by another layer does not pass by this one, which nobody may pass. On Gitea a branch has one protection, which is made stricter.
import type { Guard, SettingChange } from '../forge/settings.ts';
import { byRequest, type Closing } from './doctor-gap.ts';
import { actionsApp, apiPath, checkApp, checkContext, listed, ownersCover, type Judging } from './doctor-judging.ts';

/** Names of the rulesets that are ours. */
const mainRuleset = 'plumbline: main';
const logRuleset = 'plumbline: log of decisions';

export function closeMain(judging: Judging): Closing {
  return byRequest(judging.settings.forge === 'github' ? mainOnGitHub(judging) : mainOnGitea(judging));
}

export function closeLog(judging: Judging, branch: string): Closing {
  return byRequest(judging.settings.forge === 'github' ? logOnGitHub(judging, branch) : logOnGitea(judging, branch));
}

/** Never less than some layer asks for now. Where owners cover the files that decide, a rollback need not wait for somebody who approves it. */
function wantedApprovals(judging: Judging): { readonly count: number; readonly owners: boolean } {
  const pulls = (judging.settings.guards.main ?? []).filter((one) => one.enforcement === 'active').map((one) => one.pull);
  const owners = judging.settings.forge === 'github' && ownersCover(judging);
  return { count: Math.max(owners ? 0 : 1, ...pulls.map((one) => one?.approvals ?? 0)), owners };
}

function mainOnGitHub(judging: Judging): SettingChange {
  const { count, owners } = wantedApprovals(judging);
  const context = checkContext(judging);
  const app = checkApp(judging) ?? boundNow(judging, context);
  const rules = [
    { type: 'deletion' },
    { type: 'non_fast_forward' },
    {
      type: 'pull_request',
      parameters: {
        required_approving_review_count: count,
        require_code_owner_review: owners,
        dismiss_stale_reviews_on_push: true,
        require_last_push_approval: true,
        required_review_thread_resolution: false,
      },
    },
    {
      type: 'required_status_checks',
      parameters: {
        strict_required_status_checks_policy: false,
        required_status_checks: [app === null ? { context } : { context, integration_id: app }],
      },
    },
  ];
  const approvals = owners
    ? `an approval of an owner of what it changes${count === 0 ? '' : `, ${count} in all`}`
    : `${count} approval${count === 1 ? '' : 's'}`;
  const after = [
    `a change comes by pull request, with ${approvals}, dismissed by a push and not of the last pusher`,
    `check ${context}${app === null ? '' : ` of app ${app}`}`,
    'no force push, no deletion, nobody may pass',
  ].join('; ');
  return ruleset(judging, { name: mainRuleset, branch: '~DEFAULT_BRANCH', guards: judging.settings.guards.main, rules, after });
}

/** Which App another layer has bound the check to. */
function boundNow({ settings }: Judging, context: string): number | null {
  const apps = (settings.guards.main ?? []).flatMap((one) => one.checks.filter((check) => check.context === context).map((check) => check.app));
  return apps.find((app) => app !== null && app !== actionsApp) ?? null;
}

function logOnGitHub(judging: Judging, branch: string): SettingChange {
  const rules = [{ type: 'deletion' }, { type: 'non_fast_forward' }];
  const after = 'no force push, no deletion, nobody may pass';
  return ruleset(judging, { name: logRuleset, branch: `refs/heads/${branch}`, guards: judging.settings.guards.audit, rules, after });
}

interface WantedRuleset {
  readonly name: string;
  /** as a condition names it */
  readonly branch: string;
  readonly guards: readonly Guard[] | null;
  readonly rules: readonly object[];
  readonly after: string;
}

/** Made, or brought to what it should be where we made one before. */
function ruleset({ settings }: Judging, { name, branch, guards, rules, after }: WantedRuleset): SettingChange {
  const ours = guards?.find((one) => one.name === name && one.id !== null);
  const body = {
    name,
    target: 'branch',
    enforcement: 'active',
    bypass_actors: [],
    conditions: { ref_name: { include: [branch], exclude: [] } },
    rules,
  };
  const place = `${apiPath(settings)}/rulesets`;
  const said = `ruleset "${name}": ${after}`;
  if (ours === undefined) return { method: 'POST', path: place, body, before: `no ruleset "${name}"`, after: said };
  return { method: 'PUT', path: `${place}/${ours.id}`, body, before: `ruleset "${name}": ${describeGuard(ours)}`, after: said };
}

function mainOnGitea(judging: Judging): SettingChange {
  const { settings } = judging;
  const { count } = wantedApprovals(judging);
  const context = checkContext(judging);
  const [there] = settings.guards.main ?? [];
  const contexts = [...new Set([...(there?.checks ?? []).map((one) => one.context), context])];
  const body = {
    enable_push: false,
    enable_force_push: false,
    required_approvals: count,
    dismiss_stale_approvals: true,
    block_on_rejected_reviews: true,
    enable_status_check: true,
    status_check_contexts: contexts,
    unprotected_file_patterns: '',
    block_admin_merge_override: true,
  };
  const after = `a change comes by pull request, with ${count} approval${count === 1 ? '' : 's'}, dismissed by a push; checks ${listed(contexts)}; no push, no force push, administrators too`;
  return protection(judging, { branch: settings.main, there, body, after });
}

/** Pushes stay possible: the log grows by them. */
function logOnGitea(judging: Judging, branch: string): SettingChange {
  const [there] = judging.settings.guards.audit ?? [];
  const body = { enable_push: true, enable_push_whitelist: false, enable_force_push: false };
  return protection(judging, { branch, there, body, after: 'whoever may write may push; no force push, no deletion' });
}

interface WantedProtection {
  readonly branch: string;
  readonly there: Guard | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly after: string;
}

function protection({ settings }: Judging, { branch, there, body, after }: WantedProtection): SettingChange {
  const place = `${apiPath(settings)}/branch_protections`;
  // a rule of another name may hold for other branches, too: those are left as they are
  if (there === undefined || there.name !== branch) {
    return { method: 'POST', path: place, body: { rule_name: branch, ...body }, before: `no protection of ${branch} alone`, after };
  }
  return { method: 'PATCH', path: `${place}/${encodeURIComponent(branch)}`, body, before: describeGuard(there), after };
}

function describeGuard({ pull, checks, keepsHistory, keepsBranch, bypass, enforcement }: Guard): string {
  const approvals = pull === null ? 'no pull request needed' : `pull request with ${pull.approvals} approval${pull.approvals === 1 ? '' : 's'}`;
  const also =
    pull === null ? [] : [pull.dismissesStale ? 'dismissed by a push' : 'kept after a push', ...(pull.lastPush ? ['not of the last pusher'] : [])];
  const passed =
    bypass === null ? 'who may pass is not known' : bypass.length === 0 ? 'nobody may pass' : `may pass: ${bypass.map((one) => one.who).join(', ')}`;
  return [
    ...(enforcement === 'active' ? [] : [`not enforced (${enforcement})`]),
    [approvals, ...also].join(', '),
    checks.length === 0 ? 'no check' : `checks ${checks.map((one) => one.context).join(', ')}`,
    keepsHistory ? 'no force push' : 'force push allowed',
    keepsBranch ? 'no deletion' : 'deletion allowed',
    passed,
  ].join('; ');
}
