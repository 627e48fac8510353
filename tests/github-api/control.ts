// The state over HTTP, for tests in another process than the server. See start.ts.
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { NewPull } from './git.ts';
import type { GitHubApi } from './api.ts';
import { refusedAs, type Answer } from './state.ts';

const lists = ['requests', 'violations', 'pulls', 'comments', 'reviews', 'statuses', 'checkRuns', 'reactions', 'dispatches', 'faults'] as const;
const objects = ['permissions', 'workflows', 'actors', 'limit'] as const;

export function controlOf(api: GitHubApi): (request: IncomingMessage, at: URL) => Promise<Answer> {
  return async (request, at) => {
    const order = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {};
    try {
      return { status: 200, body: answerTo(`${request.method} ${at.pathname}`, order, at.searchParams) };
    } catch (error) {
      return refusedAs(400, error instanceof Error ? error.message : String(error));
    }
  };

  function answerTo(asked: string, order: Record<string, unknown>, query: URLSearchParams): unknown {
    if (asked === 'POST /_state') change(order);
    if (asked.endsWith(' /_state')) return Object.fromEntries([...lists, ...objects, 'permission' as const].map((name) => [name, api[name]]));
    if (asked === 'POST /_pull') return 'fork' in order ? (api.git?.fork(String(order['fork'])) ?? null) : api.openPull(order as unknown as NewPull);
    if (asked === 'GET /_event') return eventFor(query);
    throw new Error(`${asked} is not known`);
  }

  function change(order: Record<string, unknown>): void {
    for (const name of (order['clear'] ?? []) as readonly (typeof lists)[number][]) api[name].length = 0;
    for (const name of lists) if (order[name] !== undefined) (api[name] as unknown[]).push(...(order[name] as unknown[]));
    for (const name of objects) if (order[name] !== undefined) Object.assign(api[name], order[name]);
    if (order['permission'] !== undefined) api.permission = order['permission'] as GitHubApi['permission'];
    const unknown = Object.keys(order).filter((name) => !['clear', 'permission', ...lists, ...objects].includes(name));
    if (unknown.length > 0) throw new Error(`${unknown.join()} is not of the state`);
  }

  function eventFor(query: URLSearchParams): unknown {
    const [pull, comment, action] = [query.get('pull'), query.get('comment'), query.get('action') ?? undefined];
    if (pull !== null) return api.events.pullRequest(Number(pull), action);
    if (comment !== null) return api.events.issueComment(Number(comment), action);
    return api.events.push(query.get('ref') ?? '', query.get('before') ?? '', query.get('after') ?? '');
  }
}
