// What is wrong with the workflow files of the main branch, read as data. It finds what is usual, not everything: an expression that only becomes a
// commit of a stranger in another job counts as one, because nobody can say that it is not.
import { loadYaml } from '../base/config.ts';
import type { ForgeSettings } from '../forge/settings.ts';
import { gap, onPage, type Gap, type GapCode, type Severity } from './doctor-gap.ts';
import { listed, type Judging } from './doctor-judging.ts';

/** Events that strangers cause, and whose jobs run with the rights of the main branch. Source: docs.github.com, "Events that trigger workflows" */
const foreignEvents = [
  'pull_request_target',
  'issue_comment',
  'issues',
  'discussion',
  'discussion_comment',
  'workflow_run',
  'gollum',
  'fork',
  'watch',
];

/** What can stand in `ref:` without leading to anybody's pull request. */
const ownRef =
  /^\$\{\{\s*(github\.(sha|ref|ref_name|base_ref|workflow_sha)|github\.event\.(pull_request\.base\.(ref|sha)|repository\.default_branch))\s*\}\}$/;

/** Text that a stranger chooses. Source: docs.github.com, "Security hardening", "Understanding the risk of script injections" */
const strangersText =
  /\$\{\{[^}]*\b(github\.head_ref|github\.event\.(?:(?:issue|pull_request|discussion|release)\.(?:title|body)|(?:comment|review|review_comment)\.body|pull_request\.head\.(?:ref|label|repo\.\w+)|workflow_run\.(?:head_branch|head_commit\.message|head_repository\.\w+)|head_commit\.(?:message|author\.\w+)|commits\b|pages\b))/;

const fetchesPull = /gh\s+pr\s+checkout|refs\/pull\/|pull\/\$|github\.event\.pull_request\.head\.(sha|ref)|github\.head_ref/;

interface Job {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

interface Workflow {
  readonly path: string;
  readonly text: string;
  readonly events: readonly string[];
  readonly permissions: unknown;
  readonly jobs: readonly Job[];
}

interface Fault {
  readonly code: GapCode;
  readonly what: string;
  /** of the text, where it is seen first */
  readonly near?: string;
  readonly severity?: Severity;
}

export function workflowGaps({ settings }: Judging): Gap[] {
  return (settings.workflows ?? []).flatMap((file) => gapsOf(settings, file));
}

function gapsOf(settings: ForgeSettings, { path, text }: { path: string; text: string }): Gap[] {
  const workflow = readWorkflow(path, text);
  const folder = settings.forge === 'github' ? 'blob' : 'src/branch';
  const page = `${settings.page}/${folder}/${encodeURIComponent(settings.main)}/${path}`;
  if (workflow === null) {
    return [gap('UNREADABLE', { subject: path, what: 'it is no workflow that can be understood', closing: onPage(page, 'correct the file') })];
  }
  const writes = settings.actions?.token !== 'read';
  return [forkCode(workflow), injection(workflow), unpinned(workflow), rights(workflow, writes), kept(workflow), secretsAtHand(workflow)].flatMap(
    (fault) => {
      if (fault === null) return [];
      const line = fault.near === undefined ? 0 : text.split('\n').findIndex((one) => one.includes(fault.near ?? '')) + 1;
      const at = line > 0 ? `${path}:${line}` : path;
      const closing = onPage(`${page}${line > 0 ? `#L${line}` : ''}`, howToCorrect[fault.code] ?? 'correct the file');
      return [gap(fault.code, { subject: at, what: fault.what, closing, ...(fault.severity === undefined ? {} : { severity: fault.severity }) })];
    },
  );
}

const howToCorrect: Readonly<Partial<Record<GapCode, string>>> = {
  WORKFLOW_RUNS_FORK_CODE: 'run code of pull requests on `pull_request`; here, read what is needed through the API',
  WORKFLOW_INJECTION: 'hand the text over in `env:` and write "$NAME" in the script',
  ACTION_UNPINNED: 'name the commit of the tag, 40 digits, with the tag as a comment',
  WORKFLOW_PERMISSIONS_MISSING: 'write `permissions: {}` at the top, and in each job what it needs',
  CHECKOUT_KEEPS_TOKEN: 'write `persist-credentials: false` below `with:`',
  SECRETS_ON_FOREIGN_EVENT: 'give the job an `environment:` that only the main branch may use, and put the secret there',
};

/** Does some job name a machine of one's own? */
export function usesOwnRunners(text: string): boolean {
  return (readWorkflow('', text)?.jobs ?? []).some(({ value }) => /self-hosted|"group":/.test(JSON.stringify(value['runs-on'] ?? '')));
}

/** Is some action named by something else than a commit? */
export function hasLooseActions(text: string): boolean {
  const workflow = readWorkflow('', text);
  return workflow === null || unpinned(workflow) !== null;
}

/** Does some job ask for OIDC tokens? */
export function asksForIdentity(text: string): boolean {
  const workflow = readWorkflow('', text);
  if (workflow === null) return false;
  const asks = (value: unknown): boolean => value === 'write-all' || (isObject(value) && value['id-token'] === 'write');
  return asks(workflow.permissions) || workflow.jobs.some(({ value }) => asks(value['permissions']));
}

/** @returns null for what is no workflow */
function readWorkflow(path: string, text: string): Workflow | null {
  let value: unknown;
  try {
    value = loadYaml(text, path);
  } catch {
    return null;
  }
  if (!isObject(value) || !isObject(value['jobs'])) return null;
  const jobs = Object.entries(value['jobs']).flatMap(([name, job]) => (isObject(job) ? [{ name, value: job, steps: stepsOf(job) }] : []));
  return { path, text, events: eventsOf(value['on']), permissions: value['permissions'], jobs };
}

function stepsOf(job: Readonly<Record<string, unknown>>): Job['steps'] {
  return Array.isArray(job['steps']) ? (job['steps'] as unknown[]).filter(isObject) : [];
}

function eventsOf(on: unknown): string[] {
  if (typeof on === 'string') return [on];
  if (Array.isArray(on)) return on.filter((one) => typeof one === 'string');
  return isObject(on) ? Object.keys(on) : [];
}

function isForeign({ events }: Workflow): boolean {
  return events.some((one) => foreignEvents.includes(one));
}

function forkCode(workflow: Workflow): Fault | null {
  if (!isForeign(workflow)) return null;
  for (const job of workflow.jobs) {
    const step = job.steps.find((one) => takesForeign(one));
    if (step === undefined || !canHarm(workflow, job)) continue;
    const events = listed(workflow.events.filter((one) => foreignEvents.includes(one)));
    const near = isCheckout(step) ? textOf(withOf(step)['ref']) || textOf(step['uses']) : undefined;
    return {
      code: 'WORKFLOW_RUNS_FORK_CODE',
      what: `job ${job.name} on ${events} takes the code of a pull request`,
      ...(near === undefined ? {} : { near }),
    };
  }
  return null;
}

/** A checkout of something that is not this repository's own, or a script that fetches it. */
function takesForeign(step: Readonly<Record<string, unknown>>): boolean {
  if (typeof step['run'] === 'string') return fetchesPull.test(step['run']) && /\bgit\b|\bgh\b/.test(step['run']);
  if (!isCheckout(step)) return false;
  const { ref, repository } = withOf(step);
  const foreign = (value: unknown): boolean =>
    typeof value === 'string' && (/\$\{\{/.test(value) ? !ownRef.test(value.trim()) : value.startsWith('refs/pull/'));
  return (
    foreign(ref) || (typeof repository === 'string' && /\$\{\{/.test(repository) && !/^\$\{\{\s*github\.repository\s*\}\}$/.test(repository.trim()))
  );
}

const harmless = new Set(['none', 'read']);
/** Comments and labels; whether a job may approve is told by BOTS_MAY_APPROVE. */
const talking = new Set(['pull-requests', 'issues', 'discussions']);

/** Code of a stranger on the disk harms by what the job has: rights, secrets, a token in .git. */
function canHarm({ permissions }: Workflow, { value, steps }: Job): boolean {
  const own = value['permissions'] ?? permissions;
  if (!isObject(own)) return own !== 'read-all';
  const writes = Object.entries(own).some(([name, level]) => !harmless.has(textOf(level)) && !talking.has(name));
  return writes || secretsOf(value).length > 0 || steps.some((one) => isCheckout(one) && withOf(one)['persist-credentials'] !== false);
}

function injection({ jobs }: Workflow): Fault | null {
  const scripts = jobs.flatMap(({ steps }) => steps.flatMap((step) => [textOf(step['run']), textOf(withOf(step)['script'])]));
  const found = scripts.map((one) => strangersText.exec(one)?.[1]).find((one) => one !== undefined);
  return found === undefined ? null : { code: 'WORKFLOW_INJECTION', what: `a script holds \${{ ${found} }}`, near: found };
}

function unpinned({ jobs }: Workflow): Fault | null {
  const used = jobs.flatMap(({ value, steps }) => [value['uses'], ...steps.map((one) => one['uses'])]).filter((one) => typeof one === 'string');
  const loose = [...new Set(used.filter((one) => !one.startsWith('./') && !/@[0-9a-f]{40}$/.test(one) && !/@sha256:[0-9a-f]{64}$/.test(one)))];
  const [first] = loose;
  if (first === undefined) return null;
  return {
    code: 'ACTION_UNPINNED',
    what: `${listed(loose.slice(0, 5))}${loose.length > 5 ? ` and ${loose.length - 5} more` : ''} by no commit`,
    near: first,
  };
}

function rights({ permissions, jobs }: Workflow, writes: boolean): Fault | null {
  const code = 'WORKFLOW_PERMISSIONS_MISSING';
  const given = [permissions, ...jobs.map(({ value }) => value['permissions'])];
  if (given.includes('write-all')) return { code, what: 'it gives its token every permission', near: 'write-all', severity: 'high' };
  if (permissions !== undefined) return null;
  const bare = jobs.filter(({ value }) => value['permissions'] === undefined).map(({ name }) => name);
  if (bare.length === 0) return null;
  return { code, what: `no permissions: for ${listed(bare.slice(0, 3))}`, ...(writes ? { severity: 'high' } : {}) };
}

function kept({ jobs }: Workflow): Fault | null {
  const steps = jobs.flatMap((job) =>
    job.steps.filter((one) => isCheckout(one) && withOf(one)['persist-credentials'] !== false).map((step) => ({ job, step })),
  );
  const [first] = steps;
  if (first === undefined) return null;
  const names = [...new Set(steps.map(({ job }) => job.name))];
  return {
    code: 'CHECKOUT_KEEPS_TOKEN',
    what: `in ${names.length === 1 ? 'job' : 'jobs'} ${listed(names.slice(0, 3))}`,
    near: textOf(first.step['uses']),
  };
}

function secretsAtHand(workflow: Workflow): Fault | null {
  if (!isForeign(workflow)) return null;
  const job = workflow.jobs.find(({ value }) => value['environment'] === undefined && secretsOf(value).length > 0);
  if (job === undefined) return null;
  const [first = ''] = secretsOf(job.value);
  return { code: 'SECRETS_ON_FOREIGN_EVENT', what: `job ${job.name} reads ${listed(secretsOf(job.value).slice(0, 3))}`, near: first };
}

/** Names of secrets that a job reads, without the token that every job has. */
function secretsOf(job: Readonly<Record<string, unknown>>): string[] {
  const text = JSON.stringify(job);
  const named = [...text.matchAll(/\bsecrets\.(\w+)/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'GITHUB_TOKEN' && name !== 'GITEA_TOKEN');
  const all = job['secrets'] === 'inherit' || /toJSON\(secrets\)|secrets\[/.test(text) ? ['all secrets'] : [];
  return [...new Set([...named, ...all])];
}

function isCheckout(step: Readonly<Record<string, unknown>>): boolean {
  return /(?:^|\/)actions\/checkout@/.test(textOf(step['uses']));
}

function withOf(step: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return isObject(step['with']) ? step['with'] : {};
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
