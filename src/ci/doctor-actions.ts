// Gaps of how jobs run: their token, whose actions they may use, what strangers can start, on which machines.
import type { SettingChange } from '../forge/settings.ts';
import { byRequest, gap, onPage, type Gap } from './doctor-gap.ts';
import { apiPath, listed, type Judging } from './doctor-judging.ts';
import { hasLooseActions, usesOwnRunners } from './doctor-workflows.ts';

export function actionsGaps(judging: Judging): Gap[] {
  const { settings } = judging;
  if (settings.actions?.enabled === false) return [];
  return [...tokenGaps(judging), ...whoseActions(judging), ...forkGaps(judging), ...runnerGaps(judging)];
}

function tokenGaps({ settings }: Judging): Gap[] {
  const { actions } = settings;
  if (actions === null) return [];
  const subject = 'Actions';
  const now = `jobs: ${actions.token ?? 'unknown'}, approve pull requests: ${actions.approvesPulls === true ? 'yes' : 'no'}`;
  const set = (body: Readonly<Record<string, unknown>>, after: string): SettingChange => ({
    method: 'PUT',
    path: `${apiPath(settings)}/actions/permissions/workflow`,
    body,
    before: now,
    after,
  });
  // one request for both: GitHub keeps what is not named, but a plan should not write the same place twice
  const both = byRequest(
    set({ default_workflow_permissions: 'read', can_approve_pull_request_reviews: false }, 'jobs: read, approve pull requests: no'),
  );
  return [
    ...(actions.token === 'write'
      ? [gap('TOKEN_WRITES_BY_DEFAULT', { subject, what: 'default workflow permissions are "write"', closing: both })]
      : []),
    ...(actions.approvesPulls === true
      ? [gap('BOTS_MAY_APPROVE', { subject, what: '"Allow GitHub Actions to create and approve pull requests" is on', closing: both })]
      : []),
  ];
}

function whoseActions({ settings }: Judging): Gap[] {
  const { actions } = settings;
  if (settings.forge === 'gitea' || actions === null) return [];
  const say = 'choose which actions may be used: those of the organisation, of GitHub, and named others';
  const found: Gap[] = [];
  if (actions.allowed === 'all') {
    const closing = onPage(`${settings.page}/settings/actions`, say);
    found.push(gap('ACTIONS_UNRESTRICTED', { subject: 'Actions', what: 'allowed actions: all', closing }));
  }
  if (actions.pinned === false) {
    const request: SettingChange = {
      method: 'PUT',
      path: `${apiPath(settings)}/actions/permissions`,
      body: { enabled: true, ...(actions.allowed === null ? {} : { allowed_actions: actions.allowed }), sha_pinning_required: true },
      before: 'actions may be named by tags',
      after: 'workflows whose actions are not named by a whole commit do not run',
    };
    const loose = (settings.workflows ?? []).filter((one) => hasLooseActions(one.text)).map((one) => one.path);
    // they would stop
    const first = `name actions by commits in ${listed(loose.slice(0, 3))} first, then require it`;
    const closing = loose.length === 0 ? byRequest(request) : onPage(`${settings.page}/settings/actions`, first);
    found.push(gap('SHA_PINNING_OFF', { subject: 'Actions', what: 'full-length commits are not required', closing }));
  }
  return found;
}

function forkGaps({ settings }: Judging): Gap[] {
  const { actions } = settings;
  if (actions === null) return [];
  return [...publicForks(settings, actions.forkApproval), ...privateForks(settings, actions.forks)];
}

type Actions = NonNullable<Judging['settings']['actions']>;

function publicForks(settings: Judging['settings'], approval: Actions['forkApproval']): Gap[] {
  if (settings.visibility !== 'public' || approval === null || approval === 'everyone') return [];
  const subject = 'Actions';
  if (settings.forge === 'gitea') {
    const say = 'nothing sets this: let runners of a public repository be ephemeral and without secrets, or mark accounts as restricted';
    const what = 'Gitea asks for approval only until one run of a stranger was let go on';
    return [gap('FORK_RUNS_UNAPPROVED', { subject, what, severity: 'medium', closing: onPage(`${settings.page}/settings/actions`, say) })];
  }
  const words = approval === 'first-time' ? 'only of first-time contributors' : 'only of accounts that are new to GitHub';
  const request: SettingChange = {
    method: 'PUT',
    path: `${apiPath(settings)}/actions/permissions/fork-pr-contributor-approval`,
    body: { approval_policy: 'all_external_contributors' },
    before: `approval is asked for ${words}`,
    after: 'approval is asked for everybody from outside',
  };
  return [gap('FORK_RUNS_UNAPPROVED', { subject, what: `approval is asked for ${words}`, closing: byRequest(request) })];
}

function privateForks(settings: Judging['settings'], forks: Actions['forks']): Gap[] {
  if (forks === null || !forks.run) return [];
  const given = [...(forks.writeToken ? ['a token that writes'] : []), ...(forks.secrets ? ['secrets'] : [])];
  const request: SettingChange = {
    method: 'PUT',
    path: `${apiPath(settings)}/actions/permissions/fork-pr-workflows-private-repos`,
    body: {
      run_workflows_from_fork_pull_requests: true,
      send_write_tokens_to_workflows: false,
      send_secrets_and_variables: false,
      require_approval_for_fork_pr_workflows: true,
    },
    before: `forks get ${given.length === 0 ? 'neither secrets nor a token that writes' : listed(given)}, approval: ${forks.approval ? 'yes' : 'no'}`,
    after: 'forks get neither secrets nor a token that writes, approval: yes',
  };
  const closing = byRequest(request);
  const subject = 'Actions';
  return [
    ...(given.length > 0 ? [gap('FORKS_GET_SECRETS', { subject, what: `workflows of forks get ${listed(given)}`, closing })] : []),
    ...(forks.approval
      ? []
      : [gap('FORK_RUNS_UNAPPROVED', { subject, what: 'workflows of forks of this private repository need no approval', closing })]),
  ];
}

function runnerGaps({ settings }: Judging): Gap[] {
  if (settings.visibility !== 'public') return [];
  const { runners, workflows } = settings;
  const jobs = (workflows ?? []).filter((one) => usesOwnRunners(one.text)).map((one) => one.path);
  const names = runners?.names ?? [];
  const found: Gap[] = [];
  if (names.length > 0 || (jobs.length > 0 && settings.forge === 'github')) {
    const what = names.length > 0 ? `runners: ${listed(names.slice(0, 5))}` : `${listed(jobs.slice(0, 3))} ask for runners of your own`;
    const say =
      'make the repository private, or take the runners away from it; ephemeral ones, without secrets and apart from your network, if it must be';
    found.push(gap('RUNNER_ON_PUBLIC', { subject: 'runners', what, closing: onPage(`${settings.page}/settings/actions/runners`, say) }));
  }
  for (const { name, page } of runners?.openGroups ?? []) {
    const what = `public repositories of ${settings.organization ?? 'the organisation'} may use this group`;
    // it is not this repository's: others may live by it
    const closing = onPage(page, 'take the tick from "Allow public repositories"');
    found.push(gap('RUNNER_ON_PUBLIC', { subject: `runner group ${name}`, what, closing }));
  }
  return found;
}
