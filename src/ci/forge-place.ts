// Which forge a repository is on, and with which token it is asked: from the environment of a job, else from the address of origin. Pure. A token goes to no
// server that a file of the repository alone names: that file may be a stranger's.
import { PlumbError } from '../base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ForgePlace {
  readonly kind: 'github' | 'gitea';
  /** without a slash at the end */
  readonly apiUrl: string;
  /** of its pages and of git over http, without a slash at the end */
  readonly serverUrl: string;
  readonly owner: string;
  readonly repo: string;
  /** page of the run of CI that this is; null: it is none */
  readonly runUrl: string | null;
}

export interface ForgeWish {
  readonly env: Environment;
  /** address of origin; null: there is none */
  readonly origin: string | null;
  /** `forge:` of plumbline.yaml */
  readonly config?: { readonly kind: ForgePlace['kind']; readonly api?: string | undefined } | undefined;
  /** --forge */
  readonly kind?: ForgePlace['kind'] | undefined;
}

/** @throws PlumbError FORGE_UNKNOWN */
export function decideForge(wish: ForgeWish): ForgePlace {
  return placeOfJob(wish.env) ?? placeOfOrigin(wish);
}

/** Are we in a job of GitHub or Gitea Actions? */
export function isForgeJob(env: Environment): boolean {
  return env['GITHUB_ACTIONS'] === 'true';
}

function placeOfJob(env: Environment): ForgePlace | null {
  if (!isForgeJob(env)) return null;
  const [owner, repo] = (env['GITHUB_REPOSITORY'] ?? '').split('/');
  const [api, server] = [httpUrl(env['GITHUB_API_URL']), httpUrl(env['GITHUB_SERVER_URL'])];
  if (!isPart(owner) || !isPart(repo) || api === null || server === null)
    throw unknown(
      'this job does not say where its repository is (GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_SERVER_URL)',
      'run it by the runner of a forge',
    );
  const kind = env['GITEA_ACTIONS'] === 'true' ? 'gitea' : 'github';
  // Gitea's pages count the runs of a repository; GitHub's have the id
  const run = env[kind === 'gitea' ? 'GITHUB_RUN_NUMBER' : 'GITHUB_RUN_ID'] ?? '';
  return {
    kind,
    apiUrl: api,
    serverUrl: server,
    owner,
    repo,
    runUrl: /^\d{1,20}$/.test(run) ? `${server}/${owner}/${repo}/actions/runs/${run}` : null,
  };
}

function placeOfOrigin({ env, origin, config, kind: wanted }: ForgeWish): ForgePlace {
  const found = origin === null ? null : parseOrigin(origin);
  if (found === null)
    throw unknown('the address of origin names no repository of a forge', 'give one that does: `git remote set-url origin <address>`');
  const { web, owner, repo } = found;
  const host = new URL(web).hostname;
  const kind = wanted ?? config?.kind ?? (host === 'github.com' || host.endsWith('.ghe.com') ? 'github' : undefined);
  if (kind === undefined)
    throw unknown(`it is not known what kind of forge ${host} is`, 'add `forge: { kind: gitea }` (or github) to plumbline.yaml, or --forge gitea');
  const given = env['PLUMB_FORGE_API'] || undefined;
  const api = given ?? config?.api ?? usualApi(kind, web);
  const url = httpUrl(api);
  if (url === null)
    throw unknown(`"${api.slice(0, 100)}" is no http address of an API`, 'write it as https://<server>/api/v1 (Gitea) or /api/v3 (GitHub)');
  // whoever may change plumbline.yaml on a branch would else be sent the token of whoever works on it
  const { hostname, protocol } = new URL(url);
  if (given === undefined && (!isOfHost(hostname, host) || (protocol === 'http:' && !web.startsWith('http:'))))
    throw unknown(
      `plumbline.yaml leads to ${protocol}//${hostname}, and origin is at ${web}: no token goes there`,
      `where that is right, say so on this machine: PLUMB_FORGE_API=${url}`,
    );
  return { kind, apiUrl: url, serverUrl: web, owner, repo, runUrl: null };
}

function usualApi(kind: ForgePlace['kind'], web: string): string {
  const url = new URL(web);
  if (kind === 'gitea') return `${web}/api/v1`;
  if (url.hostname === 'github.com' || url.hostname.endsWith('.ghe.com')) return `https://api.${url.hostname}`;
  return `${web}/api/v3`;
}

function isOfHost(api: string, host: string): boolean {
  return api === host || api === `api.${host}`;
}

/** https://host/o/r.git, ssh://git@host/o/r.git, git@host:o/r.git; below a folder, too */
function parseOrigin(origin: string): { web: string; owner: string; repo: string } | null {
  const short = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(origin);
  const url = URL.canParse(origin) ? new URL(origin) : short === null ? null : new URL(`ssh://${short[1]}/${short[2]}`);
  if (url === null || !/^(https?|ssh):$/.test(url.protocol)) return null;
  const [repo = '', owner = '', ...above] = url.pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .filter((part) => part !== '')
    .toReversed();
  if (!isPart(owner) || !isPart(repo)) return null;
  const folder = above.length === 0 ? '' : `/${above.toReversed().join('/')}`;
  if (url.protocol !== 'ssh:') return { web: `${url.protocol}//${url.host}${folder}`, owner, repo };
  // GitHub also answers SSH at port 443 of another name
  return { web: `https://${url.hostname === 'ssh.github.com' ? 'github.com' : url.hostname}${folder}`, owner, repo };
}

function isPart(text: string | undefined): text is string {
  return text !== undefined && /^[\w.-]+$/.test(text) && text !== '.' && text !== '..';
}

/** Without credentials and query, without a slash at the end; else null. */
function httpUrl(text: string | undefined): string | null {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '') return null;
  return url.href.replace(/\/+$/, '');
}

function unknown(what: string, mend: string): PlumbError {
  return new PlumbError('FORGE_UNKNOWN', { what, mend });
}

/** In the order in which they are looked for. */
const tokenNames = ['PLUMB_FORGE_TOKEN', 'GITHUB_TOKEN', 'GITEA_TOKEN'] as const;

export interface ForgeToken {
  readonly secret: string;
  /** the variable that it came from */
  readonly from: (typeof tokenNames)[number];
  /** it may be the job's own; false: it is known not to be */
  readonly ofJob: boolean;
}

/**
 * The token that the environment gives.
 * @throws PlumbError FORGE_TOKEN where there is none
 */
export function decideToken(env: Environment): ForgeToken {
  const text = (name: string): string | undefined => (env[name] ?? '').trim() || undefined;
  const from = tokenNames.find((name) => text(name) !== undefined);
  const secret = from === undefined ? undefined : text(from);
  if (from === undefined || secret === undefined)
    throw new PlumbError('FORGE_TOKEN', {
      what: `there is no token for the forge: ${tokenNames.join(', ')} are not set`,
      mend: 'set PLUMB_FORGE_TOKEN to the token of an App, or to a fine-grained one: contents and pull requests, read and write',
    });
  return { secret, from, ofJob: isForgeJob(env) && mayBeOfJob(secret, from, text) };
}

/**
 * GitHub's begin with ghs_, as those of an App do, so a name tells them apart: an App's is given as PLUMB_FORGE_TOKEN. Those of people begin with
 * ghp_, github_pat_ and the like. Gitea's all look the same.
 */
function mayBeOfJob(secret: string, from: string, text: (name: string) => string | undefined): boolean {
  if (/^(?:ghp|gho|ghu|github_pat)_/.test(secret)) return false;
  if (from !== 'PLUMB_FORGE_TOKEN') return true;
  return secret === text('GITHUB_TOKEN') || secret === text('GITEA_TOKEN');
}

/**
 * What a job's own token cannot do is said before anything is sent: nobody shall wait for a check that never comes.
 * Source: docs.github.com, "GITHUB_TOKEN", "Triggering a workflow from a workflow": of what it opens, runs of `pull_request` wait for a click since June 2026,
 * and those of other events do not begin
 * @throws PlumbError FORGE_TOKEN
 */
export function refuseTokenOfJob({ ofJob, from }: ForgeToken, kind: ForgePlace['kind']): void {
  if (!ofJob) return;
  const why =
    kind === 'github'
      ? 'GitHub lets it open pull requests only where "Allow GitHub Actions to create and approve pull requests" is set; workflows on pull_request_target do not begin for them, and those on pull_request wait until somebody with write access approves the runs'
      : 'what it pushes and opens starts no workflow on Gitea';
  throw new PlumbError('FORGE_TOKEN', {
    what: `${from} is the token of this very job, so that check-promotion would not come by itself: ${why}`,
    mend: 'give the token of an App (actions/create-github-app-token) or a fine-grained one as PLUMB_FORGE_TOKEN',
  });
}
