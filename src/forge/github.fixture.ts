// The few REST calls of GitHub that we make, on 127.0.0.1: stateful, and at least as strict as GitHub. What GitHub would refuse is refused
// and written down in `violations`, so that a test cannot pass by luck. Each route names its page of docs.github.com/en/rest.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface FakeComment {
  readonly id: number;
  readonly issue: number;
  body: string;
  readonly login: string;
  /** times that it was edited */
  edits: number;
}

export interface FakePull {
  readonly number: number;
  state: 'open' | 'closed';
  head: string;
  readonly base: string;
  files: readonly { readonly filename: string; readonly status: string; readonly previous_filename?: string }[];
  /** what GitHub says they are, when it is not their number */
  changedFiles?: number;
}

export interface Fault {
  /** the next requests of this method and path are answered so */
  readonly method: string;
  readonly path: RegExp;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly message?: string;
  /** the work is done, and only its answer is lost */
  readonly afterwards?: boolean;
  times: number;
}

/** The state of one repository, o/r, and the server before it. */
export interface FakeGitHub {
  readonly url: string;
  readonly requests: string[];
  readonly violations: string[];
  readonly pulls: FakePull[];
  readonly comments: FakeComment[];
  readonly statuses: {
    readonly sha: string;
    readonly context: string;
    readonly state: string;
    readonly description: string;
    readonly target_url?: string;
  }[];
  readonly faults: Fault[];
  /** 'read': every change is refused, as for the token of a pull request from a fork */
  permission: 'read' | 'write';
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly match: readonly string[];
}

type Route = readonly [method: string, path: RegExp, answer: (asked: Asked) => Answer];

const prefix = '/api/v3';

/**
 * @param options.token the only one that is taken
 * @param options.login who it speaks for
 */
export async function startGitHub(options: { token: string; login?: string }): Promise<FakeGitHub> {
  const state = {
    requests: [] as string[],
    violations: [] as string[],
    pulls: [] as FakePull[],
    comments: [] as FakeComment[],
    statuses: [] as FakeGitHub['statuses'],
    faults: [] as Fault[],
    permission: 'write' as FakeGitHub['permission'],
  };
  const routes = routesOf(state, options.login ?? 'github-actions[bot]');
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await answerTo(request);
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(JSON.stringify(body));
  }

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '', 'http://github');
    state.requests.push(`${method} ${url.pathname.slice(prefix.length)}`);
    const body = method === 'GET' ? undefined : await json(request).catch(() => undefined);
    const path = decodeURIComponent(url.pathname.slice(prefix.length));
    const refused = refuse(request, url, body);
    if (refused !== null) return refused;
    const fault = state.faults.find((one) => one.times > 0 && one.method === method && one.path.test(path));
    if (fault !== undefined) fault.times -= 1;
    const failed: Answer | undefined = fault && {
      status: fault.status,
      body: { message: fault.message ?? 'Server Error' },
      headers: fault.headers ?? {},
    };
    if (failed !== undefined && fault?.afterwards !== true) return failed;
    for (const [wanted, pattern, answer] of routes) {
      const match = wanted === method ? pattern.exec(path) : null;
      if (match !== null) {
        const given = answer({ method, path, query: url.searchParams, body, match });
        return failed ?? given;
      }
    }
    return wrong(404, `no route ${method} ${path}`);
  }

  function refuse(request: IncomingMessage, url: URL, body: unknown): Answer | null {
    if (!url.pathname.startsWith(`${prefix}/repos/o/r/`)) return wrong(404, `outside of the repository: ${url.pathname}`);
    if ((request.headers['user-agent'] ?? '') === '')
      return wrong(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header');
    if (!/^application\/vnd\.github(\.[\w-]+)?\+json$/.test(request.headers.accept ?? '')) return wrong(415, `accept: ${request.headers.accept}`);
    if (!['token', 'Bearer'].some((scheme) => request.headers.authorization === `${scheme} ${options.token}`)) {
      return { status: 401, body: { message: `Bad credentials: ${request.headers.authorization}` } };
    }
    if (request.method === 'GET') return null;
    if (!(request.headers['content-type'] ?? '').startsWith('application/json') || typeof body !== 'object' || body === null)
      return wrong(400, 'Problems parsing JSON');
    return state.permission === 'write' ? null : { status: 403, body: { message: 'Resource not accessible by integration' } };
  }

  function wrong(status: number, message: string): Answer {
    state.violations.push(message);
    return { status, body: { message } };
  }
}

function routesOf(state: Omit<FakeGitHub, 'url' | 'close'>, login: string): Route[] {
  const pullOf = (number: string | undefined): FakePull | undefined => state.pulls.find((one) => one.number === Number(number));
  const missing: Answer = { status: 404, body: { message: 'Not Found' } };
  const invalid = (message: string): Answer => {
    state.violations.push(message);
    return { status: 422, body: { message: 'Validation Failed', errors: [{ message }] } };
  };
  const commentText = (body: unknown): string | null => {
    const text = (body as { body?: unknown }).body;
    return Object.keys(body as object).join() === 'body' && typeof text === 'string' && text !== '' && text.length <= 65_536 ? text : null;
  };
  const commentJson = ({ id, issue, body, login: author }: FakeComment): unknown => ({
    id,
    body,
    user: { login: author },
    html_url: `https://github.test/o/r/pull/${issue}#issuecomment-${id}`,
  });
  const pullJson = (pull: FakePull): unknown => ({
    number: pull.number,
    state: pull.state,
    merged_at: null,
    user: { login: 'ann' },
    title: `pull request ${pull.number}`,
    labels: [],
    html_url: `https://github.test/o/r/pull/${pull.number}`,
    head: { sha: pull.head, ref: 'topic', repo: { full_name: 'o/r' } },
    base: { sha: pull.base, ref: 'main', repo: { full_name: 'o/r' } },
    changed_files: pull.changedFiles ?? pull.files.length,
  });
  return [
    // pulls/pulls#get-a-pull-request
    [
      'GET',
      /^\/repos\/o\/r\/pulls\/(\d+)$/,
      ({ match }) => ((pull) => (pull === undefined ? missing : { status: 200, body: pullJson(pull) }))(pullOf(match[1])),
    ],
    // commits/commits#list-pull-requests-associated-with-a-commit
    [
      'GET',
      /^\/repos\/o\/r\/commits\/([0-9a-f]{40})\/pulls$/,
      ({ match }) => ({ status: 200, body: state.pulls.filter((one) => one.head === match[1]).map(pullJson) }),
    ],
    // pulls/pulls#list-pull-requests-files: "Responses include a maximum of 3000 files"
    ['GET', /^\/repos\/o\/r\/pulls\/(\d+)\/files$/, (asked) => paged(asked, (pullOf(asked.match[1])?.files ?? []).slice(0, 3000))],
    // issues/comments#list-issue-comments
    [
      'GET',
      /^\/repos\/o\/r\/issues\/(\d+)\/comments$/,
      (asked) => paged(asked, state.comments.filter((one) => one.issue === Number(asked.match[1])).map(commentJson)),
    ],
    // issues/comments#create-an-issue-comment
    [
      'POST',
      /^\/repos\/o\/r\/issues\/(\d+)\/comments$/,
      ({ match, body }) => {
        const text = commentText(body);
        if (text === null) return invalid('body: one text of 1 to 65536 characters');
        if (pullOf(match[1]) === undefined) return missing;
        const comment = { id: 1000 + state.comments.length, issue: Number(match[1]), body: text, login, edits: 0 };
        state.comments.push(comment);
        return { status: 201, body: commentJson(comment) };
      },
    ],
    // issues/comments#update-an-issue-comment
    [
      'PATCH',
      /^\/repos\/o\/r\/issues\/comments\/(\d+)$/,
      ({ match, body }) => {
        const text = commentText(body);
        const comment = state.comments.find((one) => one.id === Number(match[1]));
        if (text === null) return invalid('body: one text of 1 to 65536 characters');
        if (comment === undefined) return missing;
        comment.body = text;
        comment.edits += 1;
        return { status: 200, body: commentJson(comment) };
      },
    ],
    // commits/statuses#create-a-commit-status
    ['POST', /^\/repos\/o\/r\/statuses\/([0-9a-f]{40})$/, ({ match, body }) => addStatus(match[1] ?? '', body as Record<string, unknown>)],
  ];

  function addStatus(sha: string, body: Record<string, unknown>): Answer {
    const { state: value, description = '', context = 'default', target_url: link, ...rest } = body;
    if (typeof value !== 'string' || !['error', 'failure', 'pending', 'success'].includes(value)) return invalid('state');
    if (typeof description !== 'string' || description.length > 140) return invalid('description is too long (maximum is 140 characters)');
    if (typeof context !== 'string' || context.length > 255) return invalid('context');
    if (link !== undefined && (typeof link !== 'string' || !/^https?:\/\//.test(link))) return invalid('target_url must use http(s) scheme');
    if (Object.keys(rest).length > 0) return invalid(`unknown keys ${Object.keys(rest).join()}`);
    const status = { sha, context, state: value, description, ...(link === undefined ? {} : { target_url: link }) };
    state.statuses.push(status);
    return { status: 201, body: status };
  }

  /** 30 a page unless asked, at most 100, and the next page in the link header. */
  function paged({ path, query }: Asked, items: readonly unknown[]): Answer {
    const size = Math.min(100, Number(query.get('per_page') ?? 30));
    const page = Number(query.get('page') ?? 1);
    const more = items.length > page * size;
    const headers: Record<string, string> = more ? { link: `<${originOf()}${path}?per_page=${size}&page=${page + 1}>; rel="next"` } : {};
    return { status: 200, body: items.slice((page - 1) * size, page * size), headers };
  }

  function originOf(): string {
    return (state as FakeGitHub).url;
  }
}
