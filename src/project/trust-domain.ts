// Whose runs may be reused where. A run record lives in the trust domain of the job that made it: what a pull request's code did is not what main
// builds on until somebody checked it, and what a fork's code did never is.
import { readFileSync } from 'node:fs';
import { isPlumbError, PlumbError } from '../base/errors.ts';

/**
 * laptop: a person's machine. trusted: CI on the main branch. pull: CI on a pull request of this repository. fork: CI on somebody else's commit that a
 * maintainer let run. As text: 'laptop', 'trusted', 'pull-7', 'fork-7'.
 */
export type TrustDomain = { readonly kind: 'laptop' } | { readonly kind: 'trusted' } | { readonly kind: 'pull' | 'fork'; readonly number: number };

export type Environment = Readonly<Record<string, string | undefined>>;

export function domainText(domain: TrustDomain): string {
  return 'number' in domain ? `${domain.kind}-${domain.number}` : domain.kind;
}

/** The reverse of `domainText`; null for any other text. */
export function parseDomain(text: string): TrustDomain | null {
  if (text === 'laptop' || text === 'trusted') return { kind: text };
  const [, kind, number] = /^(pull|fork)-([1-9][0-9]{0,9})$/.exec(text) ?? [];
  return kind === undefined ? null : { kind: kind as 'pull' | 'fork', number: Number(number) };
}

export function isCi(env: Environment): boolean {
  return [env['CI'], env['GITHUB_ACTIONS']].some((value) => value !== undefined && value !== '' && value !== 'false');
}

/**
 * The domain of this process: what PLUMB_RUN_DOMAIN says, else what the variables and the event of a GitHub or Gitea job say.
 * A job of CI that is not understood is never taken for a laptop.
 * @param readEvent parsed GITHUB_EVENT_PATH; asked only in such a job
 * @throws PlumbError RUN_DOMAIN
 */
export function domainOf(env: Environment, readEvent: () => unknown): TrustDomain {
  const said = env['PLUMB_RUN_DOMAIN'];
  if (said !== undefined && said !== '') {
    const domain = parseDomain(said);
    if (domain !== null) return domain;
    throw unclear(`PLUMB_RUN_DOMAIN is ${JSON.stringify(said.slice(0, 40))}`);
  }
  if (!isCi(env)) return { kind: 'laptop' };
  if (env['GITHUB_ACTIONS'] !== 'true') throw unclear('this is a job of CI (the variable CI is set)');
  const event = readEvent();
  const found = domainOfEvent(env, event);
  if (found !== null) return found;
  throw unclear(`this job was started by ${JSON.stringify(env['GITHUB_EVENT_NAME'] ?? '')} on ${JSON.stringify(env['GITHUB_REF'] ?? '')}`);
}

/** Is this a job on a fork's code? One that is not understood has nothing to do with runs, or says so when it asks for them. */
export function isForkJob(env: Environment): boolean {
  try {
    return domainOf(env, () => readJobEvent(env)).kind === 'fork';
  } catch (error) {
    if (isPlumbError(error, 'RUN_DOMAIN')) return false;
    throw error;
  }
}

function domainOfEvent(env: Environment, event: unknown): TrustDomain | null {
  switch (env['GITHUB_EVENT_NAME']) {
    case 'pull_request': {
      const number = at(event, 'pull_request', 'number');
      const [head, base] = [at(event, 'pull_request', 'head', 'repo', 'full_name'), at(event, 'pull_request', 'base', 'repo', 'full_name')];
      if (typeof number !== 'number') return null;
      // the repository of a head may be gone: then it was not this one
      return parseDomain(`${typeof head === 'string' && head === base ? 'pull' : 'fork'}-${number}`);
    }
    case 'merge_group': {
      // refs/heads/gh-readonly-queue/<branch>/pr-<number>-<commit>
      const [, number] = /^refs\/heads\/gh-readonly-queue\/.+\/pr-([0-9]+)-[0-9a-f]{40}$/.exec(env['GITHUB_REF'] ?? '') ?? [];
      return number === undefined ? null : parseDomain(`pull-${number}`);
    }
    case 'push':
    case 'schedule':
    case 'workflow_dispatch': {
      const main = at(event, 'repository', 'default_branch');
      // a job that was started for a pull request runs on main and has other code checked out: that of a fork, unless it is said
      const pull = at(event, 'inputs', 'pull');
      if (typeof pull === 'string' && pull !== '') return parseDomain(`${at(event, 'inputs', 'fork') === 'false' ? 'pull' : 'fork'}-${pull}`);
      return typeof main === 'string' && env['GITHUB_REF'] === `refs/heads/${main}` ? { kind: 'trusted' } : null;
    }
    default:
      return null;
  }
}

/** A value of a parsed document, or undefined. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce(
    (found, key) => (typeof found === 'object' && found !== null && Object.hasOwn(found, key) ? Reflect.get(found, key) : undefined),
    value,
  );
}

/** The event of a GitHub or Gitea job; undefined where there is none. */
export function readJobEvent(env: Environment): unknown {
  const path = env['GITHUB_EVENT_PATH'];
  try {
    return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function unclear(what: string): PlumbError {
  return new PlumbError('RUN_DOMAIN', {
    what: `${what}: whose runs it may reuse is not clear`,
    mend: "set PLUMB_RUN_DOMAIN to trusted (the main branch), pull-<number> (a pull request of this repository), fork-<number> (somebody else's code) or laptop",
  });
}
