// Gaps of what holds a key: environments and secrets, OIDC subjects, deploy keys, outsiders, webhooks.
import type { EnvironmentSettings, SettingChange } from '../forge/settings.ts';
import { stages } from '../registry/schema.ts';
import { byRequest, gap, onPage, type Gap } from './doctor-gap.ts';
import { apiPath, listed, type Judging } from './doctor-judging.ts';
import { asksForIdentity } from './doctor-workflows.ts';

export function accessGaps(judging: Judging): Gap[] {
  return [
    ...(judging.settings.environments ?? []).flatMap((one) => environmentGaps(judging, one)),
    ...secretGaps(judging),
    ...oidcGaps(judging),
    ...keyGaps(judging),
    ...outsiderGaps(judging),
    ...hookGaps(judging),
  ];
}

/** Names of secrets that sign for us, or speak as somebody who may write. PLUMB_AUDIT_KEY is a public one, which pins the log. */
const keyNames = /^PLUMB_(?!AUDIT_KEY$)\w*(?:KEY|TOKEN)$|(?:^|_)(?:SIGNING|PRIVATE|APP|DEPLOY)_KEY$/i;

function environmentGaps(judging: Judging, environment: EnvironmentSettings): Gap[] {
  const { name, reviewers, noSelfReview, adminsBypass, page } = environment;
  const subject = `environment ${name}`;
  const found: Gap[] = [];
  if (matters(environment) && !onlyMain(judging, environment)) {
    const keys = (environment.secrets ?? []).filter((one) => keyNames.test(one));
    const severity = keys.length > 0 ? { severity: 'critical' as const } : {};
    const holds = keys.length > 0 ? `, and it holds ${listed(keys)}` : '';
    found.push(
      gap('ENVIRONMENT_OPEN', {
        subject,
        what: `jobs of ${whose(environment)} may use it${holds}`,
        closing: limitToMain(judging, environment),
        ...severity,
      }),
    );
  }
  if (reviewers.length === 0) return found;
  if (adminsBypass === true) {
    const say = 'take the tick from "Allow administrators to bypass configured protection rules"';
    found.push(gap('ENVIRONMENT_ADMINS_BYPASS', { subject, what: 'administrators may let a deployment through', closing: onPage(page, say) }));
  }
  if (!noSelfReview) {
    const request = environmentRequest(judging, environment);
    found.push(
      gap('ENVIRONMENT_SELF_REVIEW', {
        subject,
        what: `${listed(reviewers.map((one) => one.name))} may review what they start`,
        closing: byRequest(request),
      }),
    );
  }
  return found;
}

/** It holds something, may hold something, or its name says that it is where a model is served. */
function matters({ name, secrets }: EnvironmentSettings): boolean {
  return secrets === null || secrets.length > 0 || name.split('/').some((part) => (stages as readonly string[]).includes(part.toLowerCase()));
}

/** `protected` lets every protected branch in: whoever may protect a branch, or name one so that a pattern fits, is in. */
function onlyMain({ settings }: Judging, { branches }: EnvironmentSettings): boolean {
  return (
    Array.isArray(branches) &&
    branches.length > 0 &&
    branches.every((one: { pattern: string; tag: boolean }) => !one.tag && one.pattern === settings.main)
  );
}

function whose({ branches }: EnvironmentSettings): string {
  if (branches === null) return 'any branch';
  if (branches === 'protected') return 'every protected branch';
  return branches.length === 0 ? 'no branch at all' : listed(branches.map(({ pattern, tag }) => `${tag ? 'tag ' : ''}${pattern}`));
}

function limitToMain(judging: Judging, environment: EnvironmentSettings): Gap['closing'] {
  const { settings } = judging;
  const { name, branches } = environment;
  const place = `${apiPath(settings)}/environments/${encodeURIComponent(name)}/deployment-branch-policies`;
  const patterns = Array.isArray(branches) ? (branches as readonly { id: number | null; pattern: string; tag: boolean }[]) : [];
  const custom = Array.isArray(branches);
  const others = patterns.filter((one) => one.tag || one.pattern !== settings.main);
  const has = patterns.some((one) => !one.tag && one.pattern === settings.main);
  const requests: SettingChange[] = [];
  if (!custom) requests.push(environmentRequest(judging, environment));
  if (!has) {
    requests.push({
      method: 'POST',
      path: place,
      body: { name: settings.main, type: 'branch' },
      before: `${settings.main} is not named`,
      after: `jobs of ${settings.main} may use it`,
    });
  }
  for (const { id, pattern, tag } of others) {
    const path = `${place}/${id ?? 0}`;
    requests.push({ method: 'DELETE', path, body: null, before: `jobs of ${tag ? 'tag ' : ''}${pattern} may use it`, after: 'they may not' });
  }
  return byRequest(...requests);
}

/** All of an environment at once, with all that is to change: what a request leaves out, GitHub takes away. */
function environmentRequest(judging: Judging, environment: EnvironmentSettings): SettingChange {
  const { name, waitMinutes, reviewers, branches } = environment;
  const limits = matters(environment) && !onlyMain(judging, environment);
  const asks = reviewers.length > 0;
  const named = limits || Array.isArray(branches);
  const now = branches === 'protected' ? { protected_branches: true, custom_branch_policies: false } : null;
  const body = {
    wait_timer: waitMinutes,
    prevent_self_review: environment.noSelfReview || asks,
    reviewers: asks ? reviewers.map(({ type, id }) => ({ type, id })) : null,
    deployment_branch_policy: named ? { protected_branches: false, custom_branch_policies: true } : now,
  };
  const words = (branchesNow: string, reviewed: boolean): string =>
    [`takes jobs of ${branchesNow}`, ...(asks ? [`who starts ${reviewed ? 'cannot' : 'may'} review`] : [])].join('; ');
  return {
    method: 'PUT',
    path: `${apiPath(judging.settings)}/environments/${encodeURIComponent(name)}`,
    body,
    before: `environment ${name}: ${words(whose(environment), environment.noSelfReview)}`,
    after: words(named ? 'branches that are named' : whose(environment), true),
  };
}

function secretGaps({ settings }: Judging): Gap[] {
  const keys = (settings.secrets ?? []).filter((one) => keyNames.test(one));
  if (keys.length === 0) return [];
  const what = `${listed(keys)} can be read by jobs of every branch`;
  const say =
    settings.forge === 'github'
      ? 'put it into an environment that only the main branch may use (gh secret set <name> --env <environment>), then take it out here; or sign without a key'
      : 'Gitea has no environments: let a machine of your own that takes no jobs sign (`plumb reconcile --watch`), and keep its key there';
  const page = settings.forge === 'github' ? `${settings.page}/settings/secrets/actions` : `${settings.page}/settings/actions/secrets`;
  return [gap('KEY_IN_REPOSITORY_SECRETS', { subject: 'secrets of the repository', what, closing: onPage(page, say) })];
}

/** Claims that name the workflow file whose job asks. */
const workflowClaims = ['job_workflow_ref', 'workflow_ref'];

function oidcGaps({ settings }: Judging): Gap[] {
  const files = (settings.workflows ?? []).filter((one) => asksForIdentity(one.text)).map((one) => one.path);
  if (settings.oidc === null || files.length === 0) return [];
  const { claims } = settings.oidc;
  if (claims?.some((one) => workflowClaims.includes(one)) === true) return [];
  const what = `${listed(files.slice(0, 3))} ask${files.length === 1 ? 's' : ''} for OIDC tokens, whose subject is ${claims === null ? 'the default one' : claims.join(', ')}`;
  // a role that trusts the old subject would be locked out, so it is nothing for --fix
  const command = `gh api --method PUT ${apiPath(settings).slice(1)}/actions/oidc/customization/sub -F use_default=false -f 'include_claim_keys[]=repo' -f 'include_claim_keys[]=context' -f 'include_claim_keys[]=job_workflow_ref'`;
  const say = `let the roles that trust these tokens ask for job_workflow_ref, too; then: ${command}`;
  return [gap('OIDC_SUBJECT_BROAD', { subject: 'OIDC', what, closing: onPage(`${settings.page}/settings/actions`, say) })];
}

function keyGaps({ settings }: Judging): Gap[] {
  const say = 'take it away, and use an App; a deploy key that only reads is no gap';
  return (settings.writers.keys ?? []).map(({ id, title }) =>
    gap('DEPLOY_KEY_WRITES', { subject: `deploy key ${id}`, what: `"${title}" may push`, closing: onPage(`${settings.page}/settings/keys`, say) }),
  );
}

function outsiderGaps({ settings }: Judging): Gap[] {
  const admins = (settings.writers.people ?? []).filter((one) => one.outside && one.role === 'admin');
  if (settings.organization === null || admins.length === 0) return [];
  const what = `${listed(admins.map((one) => one.login))} ${admins.length === 1 ? 'is no member' : 'are no members'} of ${settings.organization}`;
  const closing = onPage(`${settings.page}/settings/access`, 'make the account a member of the organisation, or give it another role');
  return [gap('OUTSIDER_ADMINISTERS', { subject: 'collaborators', what, closing })];
}

function hookGaps({ settings }: Judging): Gap[] {
  return (settings.hooks ?? []).flatMap(({ id, host, secret, tls }) => {
    const faults = [...(secret === false ? ['has no secret'] : []), ...(tls ? [] : ['does not check whom it talks to'])];
    const closing = onPage(
      `${settings.page}/settings/hooks/${id}`,
      'give it a secret of 32 random bytes, https, and verification of the certificate',
    );
    const subject = `webhook to ${host}`;
    if (faults.length > 0) return [gap('HOOK_UNSIGNED', { subject, what: listed(faults), closing })];
    return secret === null ? [gap('UNREADABLE', { subject, what: 'whether it has a secret is not told', closing })] : [];
  });
}
