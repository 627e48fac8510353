// GitHub's REST interface as far as we use it, and git over HTTP, on 127.0.0.1: stateful, and at least as strict as GitHub. Every request and every
// answer is held against GitHub's own description (github-openapi.json, cut out by scripts/github-openapi.ts); what GitHub would refuse is refused and written down
// in `violations`, so that a test cannot pass by luck. Rules that the description does not hold stand beside their page of docs.github.com.
//
// In the process of a test:
//
//   const github = await startGitHub({ token, git: true });
//   github.url           http://127.0.0.1:<port>/api/v3: GITHUB_API_URL
//   github.serverUrl     http://127.0.0.1:<port>: git clone <serverUrl>/o/r.git, with user x-access-token and the token as its password
//   github.pulls, comments, reviews, statuses, checkRuns, reactions, dispatches, permissions, faults, limit ...   see state.ts; read, and write
//   github.requests      a log of requests; `github.requests.splice(0)` to count from here
//   github.violations    must be empty when a test ends
//   github.permission    'write'; 'read': the token of a pull request from a fork; or { 'pull-requests': 'write', ... } as in `permissions:`
//   github.actors        other tokens, and who they speak for
//   github.openPull({ head: 'topic' or 'mallory:topic', base: 'main', title, author })   with git: of branches that were pushed
//   github.git           the repository: folder(), fork('mallory') and what git.ts says; null without `git: true`
//   github.retarget(7, 'release', 'ann'), dismiss(review, 'ada'), enqueue(7), land(7)     what people do on GitHub's pages; see pages.ts
//   github.activities    who moved which branch, as GitHub keeps it: every push over HTTP is in it, under the login of its token
//   github.rulesets, protections, bypasses     rules are held against merges and pushes (rules.ts); who may pass by them leaves a bypass, or none
//   github.events        payloads for GITHUB_EVENT_PATH: pullRequest(7, 'synchronize'), issueComment(1003), push(...), workflowDispatch(...)
//
// A push over HTTP moves the pull requests from that branch, as do `github.git.refresh()` after a push into the folder. refs/pull/N/head and
// refs/pull/N/merge are kept; PUT .../merge merges.
//
// As a process of its own, for a test that waits for children with its own loop asleep:
//
//   node tests/github-api/main.ts '{"token":"…","git":true}'     prints {"url":…,"serverUrl":…,"folder":…} and runs until its input ends
//   GET  <serverUrl>/_state                                       all of the above as JSON
//   POST <serverUrl>/_state  {"pulls":[…],"faults":[…]}           lists get longer, objects (permissions, workflows, actors, limit) are merged,
//                                                                 {"permission":"read"} is set, {"clear":["requests"]} empties lists first
//   POST <serverUrl>/_pull   {"head":…,"base":…,"title":…,"author":…}    openPull; {"fork":"mallory"} makes a fork; answers with the pull or null;
//                            {"retarget":7,"base":…,"by":…}, {"dismiss":3,"by":…}, {"enqueue":7}, {"land":7}: as above
//   GET  <serverUrl>/_event?pull=7&action=opened | ?comment=1003 | ?ref=refs/heads/main&before=…&after=…     a payload
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { GitHubApi, GitHubOptions } from './api.ts';
import { controlOf } from './control.ts';
import { findOperation, type Found } from './description.ts';
import { eventsOf } from './events.ts';
import { openGit, type GitPlace, type NewPull } from './git.ts';
import { limiterOf } from './limits.ts';
import { objectsOf } from './objects.ts';
import { pagesOf } from './pages.ts';
import { checkRoutes } from './routes-checks.ts';
import { commentRoutes } from './routes-comments.ts';
import { deploymentRoutes } from './routes-deployments.ts';
import { gitRoutes } from './routes-git.ts';
import { issueRoutes } from './routes-issues.ts';
import { peopleRoutes } from './routes-people.ts';
import { pullRoutes } from './routes-pulls.ts';
import { reviewRoutes } from './routes-reviews.ts';
import { runRoutes } from './routes-runs.ts';
import { settingsRoutes } from './routes-settings.ts';
import { rulesOf } from './rules.ts';
import { newSettings } from './settings-state.ts';
import { missing, refusedAs, type Actor, type Answer, type Pull, type Route, type Routes, type State } from './state.ts';

const prefix = '/api/v3';
/** Where its pages would be: the same on every machine, unlike the port. */
const web = 'https://github.test';

export type { GitHubApi, GitHubOptions } from './api.ts';

export async function startGitHub(options: GitHubOptions): Promise<GitHubApi> {
  const state = stateOf(options);
  const rules = rulesOf(state);
  const git = options.git === true ? openGit(state, rules) : null;
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      state.violations.push(`a mistake of the stand-in: ${String(error)}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${serverUrl}${prefix}`;
  const objects = objectsOf(state, { api: url, web });
  const routes: Routes = {
    ...pullRoutes(state, objects, { git, rules }),
    ...reviewRoutes(state, objects, git),
    ...commentRoutes(state, objects, git),
    ...issueRoutes(state, objects),
    ...checkRoutes(state, objects),
    ...runRoutes(state, objects),
    ...gitRoutes(state, objects, git),
    ...peopleRoutes(state, objects),
    ...deploymentRoutes(state, objects, git),
    ...settingsRoutes(state, objects),
  };
  const limiter = limiterOf(state);
  const pages = pagesOf(state, rules, git);
  const api: GitHubApi = Object.assign(state, { url, serverUrl, git, events: eventsOf(state, objects), ...pages, openPull, close });
  const control = controlOf(api);
  return api;

  function openPull(what: NewPull): Pull {
    const pull = git?.openPull(what) ?? 'there is no git: write to pulls';
    if (typeof pull === 'string') throw new Error(pull);
    return pull;
  }

  async function close(): Promise<void> {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    git?.close();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new URL(request.url ?? '', serverUrl);
    if (git !== null && /^\/[^/]+\/[^/]+\/(info\/refs|git-(upload|receive)-pack)$/.test(at.pathname)) return serveGit(git, request, response);
    const { status, body, headers } = at.pathname.startsWith('/_') ? await control(request, at) : await answerTo(request, at);
    const sent = body === undefined ? undefined : JSON.stringify(body);
    response.writeHead(status, { ...(sent === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }), ...headers }).end(sent);
  }

  /** "x-access-token" and a token, as actions/checkout sends it; without one a repository does not show that it is there. */
  function serveGit(place: GitPlace, request: IncomingMessage, response: ServerResponse): void {
    const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const actor = state.actors[Buffer.from(basic, 'base64').toString().split(':')[1] ?? ''];
    if (actor === undefined) return void response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
    const writes = (request.url ?? '').includes('git-receive-pack');
    if (writes && !allows(actor, ['contents=write'])) return void response.writeHead(403).end('Write access to repository not granted.');
    place.serve(request, response, actor);
  }

  async function answerTo(request: IncomingMessage, at: URL): Promise<Answer> {
    const method = request.method ?? '';
    const path = at.pathname.slice(prefix.length);
    state.requests.push(`${method} ${path}`);
    const sent = await text(request);
    const refused = refuse(request) ?? limiter.refuse(method, path);
    if (refused !== null) return withHeaders(refused);
    const found = findOperation(method, path);
    const route = found === null ? undefined : routes[found.operation];
    if (route !== undefined && found !== null && !isHere(found, route)) return withHeaders(missing);
    if (found === null || route === undefined) return violation(404, `no route ${method} ${path}`);
    const fault = state.faults.find((one) => one.times > 0 && one.method === method && new RegExp(one.path).test(decodeURIComponent(path)));
    if (fault !== undefined) fault.times -= 1;
    const failed: Answer | null =
      fault === undefined ? null : { status: fault.status, body: { message: fault.message ?? 'Server Error' }, headers: fault.headers ?? {} };
    if (failed !== null && fault?.afterwards !== true) return withHeaders(failed);
    const given = carryOut({ request, at, sent, found, route });
    return withHeaders(failed ?? given);
  }

  /** Of other repositories there are its forks, and of them little is asked. */
  function isHere({ parameters: { owner, repo } }: Found, route: Route): boolean {
    if (owner === undefined || (owner === state.owner && repo === state.repo)) return true;
    return route.forks === true && git !== null && git.ask(`${owner}/${repo}`, 'rev-parse', '--git-dir') !== null;
  }

  interface Order {
    readonly request: IncomingMessage;
    readonly at: URL;
    readonly sent: string;
    readonly found: Found;
    readonly route: Route;
  }

  function carryOut({ request, at, sent, found, route }: Order): Answer {
    const body = sent === '' ? undefined : parsed(sent);
    if (sent !== '' && (!(request.headers['content-type'] ?? '').startsWith('application/json') || !isObject(body)))
      return violation(400, 'Problems parsing JSON');
    const wrong = found.checkRequest(at.searchParams, body);
    if (wrong.length > 0) return violation(422, `${found.operation}: ${wrong.join('; ')}`);
    const actor = actorOf(request);
    if (actor === undefined) return missing;
    if (!allows(actor, route.needs)) {
      return { ...refusedAs(403, 'Resource not accessible by integration'), headers: { 'x-accepted-github-permissions': route.needs.join('; ') } };
    }
    const accept = request.headers.accept ?? '';
    const answer = route.answer({ parameters: found.parameters, query: at.searchParams, body: isObject(body) ? body : {}, actor, accept });
    const odd = found.checkAnswer(answer.status, answer.body, answer.media ?? 'application/json');
    // a mistake of the stand-in's own
    if (odd.length > 0) return violation(500, `answer to ${found.operation}: ${odd.join('; ')}`);
    return request.method === 'GET' && answer.status === 200 ? conditional(request, answer) : answer;
  }

  /** docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api, "Use conditional requests if appropriate" */
  function conditional(request: IncomingMessage, answer: Answer): Answer {
    const { body, headers } = answer;
    const etag = `W/"${createHash('sha256')
      .update(JSON.stringify([body, headers]))
      .digest('hex')}"`;
    if (request.headers['if-none-match'] !== etag) return { ...answer, headers: { ...headers, etag } };
    limiter.giveBack();
    return { status: 304, headers: { etag } };
  }

  function refuse(request: IncomingMessage): Answer | null {
    // docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api: user-agent, accept, authentication, version
    if ((request.headers['user-agent'] ?? '') === '') return violation(403, 'Request forbidden by administrative rules: no User-Agent header');
    if (!/^application\/vnd\.github(\.[\w-]+)?\+json$/.test(request.headers.accept ?? '')) return violation(415, `accept: ${request.headers.accept}`);
    const version = request.headers['x-github-api-version'];
    if (version !== undefined && version !== '2022-11-28') return violation(400, `x-github-api-version: ${String(version)}`);
    return actorOf(request) === undefined ? refusedAs(401, `Bad credentials: ${request.headers.authorization}`) : null;
  }

  function actorOf(request: IncomingMessage): Actor | undefined {
    return state.actors[/^(?:token|bearer) (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''];
  }

  function withHeaders(answer: Answer): Answer {
    return { ...answer, headers: { ...limiter.headers(), ...answer.headers } };
  }

  function violation(status: number, message: string): Answer {
    state.violations.push(message);
    return refusedAs(status, message);
  }
}

function stateOf(options: GitHubOptions): State {
  const state: State = {
    owner: options.owner ?? 'o',
    repo: options.repo ?? 'r',
    defaultBranch: 'main',
    requests: [],
    violations: [],
    pulls: [],
    comments: [],
    reviews: [],
    statuses: [],
    checkRuns: [],
    reactions: [],
    dispatches: [],
    activities: [],
    refs: {},
    issueEvents: [],
    issues: [],
    runs: [],
    deployments: [],
    rulesets: [],
    bypasses: [],
    queue: [],
    protections: {},
    teams: {},
    apps: { 'github-actions': 15_368 },
    faults: [],
    settings: newSettings(),
    permissions: {},
    workflows: {},
    permission: 'write',
    actors: {},
    limit: { perHour: 1000, used: 0 },
    now: options.now ?? (() => Date.now()),
  };
  const login = options.login ?? 'github-actions[bot]';
  // what it may is said by `permission`, then and later
  state.actors[options.token] = {
    login,
    get can() {
      return state.permission;
    },
  };
  return state;
}

/** @param needs one of these is enough */
function allows({ can }: Actor, needs: readonly string[]): boolean {
  if (can === 'write') return true;
  return needs.some((need) => {
    const [name = '', level] = need.split('=');
    const has = can === 'read' ? 'read' : (can[name.replaceAll('_', '-')] ?? (name === 'metadata' ? 'read' : undefined));
    return has === 'write' || has === level;
  });
}

function parsed(sent: string): unknown {
  try {
    return JSON.parse(sent);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
