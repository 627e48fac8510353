// Who may change the main branch and the log of decisions without the rules, or because there are none. Rules come in layers that add up, so a gap is
// open only where every layer that would close it is missing or can be passed by.
import type { Bypass, Guard, PullRule } from '../forge/settings.ts';
import { closeLog, closeMain } from './doctor-branch-closing.ts';
import { gap, onPage, type Gap, type GapCode } from './doctor-gap.ts';
import { actionsApp, checkApp, checkContext, listed, ownersCover, type Judging } from './doctor-judging.ts';

interface Need {
  readonly code: GapCode;
  readonly what: string;
  /** does this layer give it? */
  met(guard: Guard): boolean;
  /** whom it does not bind, of those who may pass by the layer that gives it */
  readonly passedBy: (bypass: Bypass) => boolean;
  /** needs nothing while that other one is open: it would be said twice */
  readonly after?: GapCode;
}

export function branchGaps(judging: Judging): Gap[] {
  return [...mainGaps(judging), ...logGaps(judging)];
}

function mainGaps(judging: Judging): Gap[] {
  const { settings } = judging;
  const guards = settings.guards.main;
  if (guards === null) return [];
  const closing = closeMain(judging);
  const active = guards.filter((one) => one.enforcement === 'active');
  const needs = mainNeeds(judging);
  const open = new Set(needs.filter((need) => !active.some((one) => need.met(one))).map((need) => need.code));
  const missing = needs
    .filter((need) => open.has(need.code) && (need.after === undefined || !open.has(need.after)))
    .map((need) => {
      const unclosable = byHand(judging, need.code);
      return gap(need.code, { subject: settings.main, what: need.what + idleNote(guards, need), closing: unclosable ?? closing });
    });
  return [...missing.map((one) => lighterOnGitea(judging, one)), ...bypassGaps(judging, active, needs), ...appGap(judging, open)];
}

function mainNeeds(judging: Judging): Need[] {
  const context = checkContext(judging);
  const covered = ownersCover(judging);
  const reviewed = (pull: PullRule | null): boolean => pull !== null && (pull.approvals > 0 || (pull.codeowners && covered));
  const { main } = judging.settings;
  return [
    { code: 'PULL_NOT_REQUIRED', what: `no rule asks for a pull request into ${main}`, met: (one) => one.pull !== null, passedBy: anybody },
    {
      code: 'REVIEW_NOT_REQUIRED',
      what: `a pull request into ${main} needs no approval`,
      met: (one) => reviewed(one.pull),
      passedBy: anybody,
      after: 'PULL_NOT_REQUIRED',
    },
    {
      code: 'STALE_APPROVALS_KEPT',
      what: 'a push does not dismiss approvals that came before',
      met: (one) => one.pull?.dismissesStale === true,
      passedBy: anybody,
      after: 'REVIEW_NOT_REQUIRED',
    },
    {
      code: 'LAST_PUSH_UNAPPROVED',
      what: 'the last push need not be approved by somebody else than the pusher',
      met: (one) => one.pull?.lastPush === true,
      passedBy: anybody,
      after: 'REVIEW_NOT_REQUIRED',
    },
    {
      code: 'CHECK_NOT_REQUIRED',
      what: `the check ${context} is not required on ${main}`,
      met: (one) => one.checks.some((check) => check.context === context),
      passedBy: passesChecks,
    },
    {
      code: 'CHECK_NOT_BOUND',
      what: `the check ${context} is required from ${checkApp(judging) === null ? 'no App of its own' : `another source than app ${checkApp(judging)}`}`,
      met: (one) => one.checks.some((check) => check.context === context && isBound(judging, check.app)),
      passedBy: passesChecks,
      after: 'CHECK_NOT_REQUIRED',
    },
    { code: 'FORCE_PUSH_ALLOWED', what: `force pushes to ${main} are not refused`, met: (one) => one.keepsHistory, passedBy: passesAll },
    { code: 'DELETION_ALLOWED', what: `${main} may be deleted`, met: (one) => one.keepsBranch, passedBy: passesAll },
  ];
}

function isBound(judging: Judging, app: number | null): boolean {
  const wanted = checkApp(judging);
  return app !== null && app !== actionsApp && (wanted === null || app === wanted);
}

/** Rules that are written down and not enforced mislead whoever looks at the page. */
function idleNote(guards: readonly Guard[], need: Need): string {
  const idle = guards.filter((one) => one.enforcement !== 'active' && need.met(one));
  if (idle.length === 0) return '';
  return `; ${listed(idle.map((one) => `ruleset "${one.name}" (${one.enforcement})`))} would, and is not enforced`;
}

/** What no request closes: Gitea has no setting for it, or policy.yaml has to say something first. */
function byHand(judging: Judging, code: GapCode): Gap['closing'] | null {
  const { settings } = judging;
  if (settings.forge !== 'gitea') return code === 'CHECK_NOT_BOUND' && checkApp(judging) === null ? nameApp(judging) : null;
  const page = `${settings.page}/settings/branches`;
  if (code === 'CHECK_NOT_BOUND')
    return onPage(
      page,
      'Gitea binds no status to an account: run `plumb reconcile`, which judges again and lets nothing be served by the check alone',
    );
  return code === 'LAST_PUSH_UNAPPROVED'
    ? onPage(page, 'Gitea has no such rule: for promotions plumb counts approvals itself; for other files, agree on it')
    : null;
}

function lighterOnGitea({ settings }: Judging, one: Gap): Gap {
  return settings.forge === 'gitea' && one.code === 'LAST_PUSH_UNAPPROVED' ? { ...one, severity: 'medium' } : one;
}

/** The check is bound to some App, and nobody says which one it should be. */
function appGap(judging: Judging, open: ReadonlySet<GapCode>): Gap[] {
  const { settings, policy, prefix } = judging;
  if (settings.forge !== 'github' || policy === null || policy.check.app !== undefined) return [];
  if (open.has('CHECK_NOT_REQUIRED') || open.has('CHECK_NOT_BOUND')) return [];
  return [gap('CHECK_APP_UNNAMED', { subject: `${prefix}policy.yaml`, what: 'check.app is not set', closing: nameApp(judging) })];
}

function nameApp({ settings, prefix }: Judging): Gap['closing'] {
  const say = 'write the number of the App into policy.yaml, `check: { app: ... }`; then `plumb doctor --forge --fix --yes` binds the rule to it';
  return onPage(`${settings.page}/edit/${encodeURIComponent(settings.main)}/${prefix}policy.yaml`, say);
}

/** Those who pass by every layer that gives something. */
function bypassGaps(judging: Judging, active: readonly Guard[], needs: readonly Need[]): Gap[] {
  const passed = new Map<Guard, Set<Bypass>>();
  const hidden = new Set<Guard>();
  for (const need of needs) {
    const givers = active.filter((one) => need.met(one));
    const past = (one: Guard): readonly Bypass[] => (one.bypass ?? []).filter(need.passedBy);
    if (givers.some((one) => one.bypass !== null && past(one).length === 0)) continue;
    for (const giver of givers) {
      if (giver.bypass === null) hidden.add(giver);
      else passed.set(giver, new Set([...(passed.get(giver) ?? []), ...past(giver)]));
    }
  }
  return [...[...passed].flatMap(([guard, who]) => passedBy(judging, guard, [...who])), ...[...hidden].map((guard) => hiddenGap(judging, guard))];
}

function passedBy(judging: Judging, guard: Guard, who: readonly Bypass[]): Gap[] {
  const closing = closeMain(judging);
  const subject = guard.kind === 'ruleset' ? `ruleset ${guard.name}` : guard.name;
  const classicAdmin = (one: Bypass): boolean => guard.kind === 'protection' && one.who.startsWith('administrators');
  const exempt = who.filter((one) => one.mode === 'exempt');
  const admins = who.filter((one) => one.mode !== 'exempt' && classicAdmin(one));
  const others = who.filter((one) => one.mode !== 'exempt' && !classicAdmin(one));
  const words = (some: readonly Bypass[]): string =>
    some.map((one) => `${one.who} (${one.mode === 'pull_request' ? 'in pull requests' : one.mode})`).join(', ');
  return [
    ...(exempt.length === 0 ? [] : [gap('RULES_EXEMPT', { subject, what: `exempt: ${exempt.map((one) => one.who).join(', ')}`, closing })]),
    ...(admins.length === 0 ? [] : [gap('ADMINS_NOT_INCLUDED', { subject, what: 'its rules do not hold for administrators', closing })]),
    ...(others.length === 0 ? [] : [gap('RULES_BYPASSED', { subject, what: `may pass: ${words(others)}`, closing })]),
  ];
}

function hiddenGap({ settings }: Judging, { name, source, page }: Guard): Gap {
  const own = source.toLowerCase() === settings.repository.toLowerCase();
  const needs = own ? 'administration: write' : `organization administration: write, of ${source}`;
  const say = `GitHub shows the bypass list only to whoever may edit the ruleset: a token with ${needs}, or its page`;
  return gap('UNREADABLE', { subject: `ruleset ${name}`, what: 'who may pass it by is hidden from this token', closing: onPage(page, say) });
}

function logGaps(judging: Judging): Gap[] {
  const { settings, policy } = judging;
  const guards = settings.guards.audit;
  if (guards === null || policy?.audit === undefined) return [];
  const active = guards.filter((one) => one.enforcement === 'active');
  const { branch } = policy.audit;
  const ways = [
    { what: 'a force push', givers: active.filter((one) => one.keepsHistory) },
    // a branch that is deleted is made anew with another past
    { what: 'a deletion', givers: active.filter((one) => one.keepsBranch) },
  ].filter(({ givers }) => !givers.some((one) => one.bypass !== null && !one.bypass.some(passesAll)));
  const hidden = new Set(ways.flatMap(({ givers }) => givers.filter((one) => one.bypass === null)));
  const open = ways.filter(({ givers }) => !givers.some((one) => one.bypass === null)).map((one) => one.what);
  const what = `${listed(open)} of ${branch} is not refused for everybody`;
  return [
    ...(open.length === 0 ? [] : [gap('AUDIT_REWRITABLE', { subject: branch, what, closing: closeLog(judging, branch) })]),
    ...[...hidden].map((guard) => hiddenGap(judging, guard)),
  ];
}

const anybody = (): boolean => true;

function passesChecks({ of }: Bypass): boolean {
  return of === 'all';
}

/** Who may merge against a rule does not push against it. */
function passesAll({ of, mode }: Bypass): boolean {
  return of === 'all' && mode !== 'pull_request';
}
