// The state over HTTP, for tests in another process than the server. See start.ts.
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { NewPull } from './git.ts';
import type { GitHubApi } from './api.ts';
import { refusedAs, type Answer } from './state.ts';

const lists = [
  ...(['requests', 'violations', 'pulls', 'comments', 'reviews', 'statuses', 'checkRuns', 'reactions', 'dispatches', 'faults'] as const),
  ...(['activities', 'issueEvents', 'issues', 'runs', 'deployments', 'rulesets', 'bypasses', 'queue'] as const),
];
const objects = ['permissions', 'workflows', 'actors', 'limit', 'protections', 'teams', 'apps', 'refs', 'settings'] as const;

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
    if (asked === 'POST /_pull') return onPages(order);
    if (asked === 'GET /_event') return eventFor(query);
    throw new Error(`${asked} is not known`);
  }

  function onPages(order: Record<string, unknown>): unknown {
    const by = String(order['by']);
    const number = (name: string): number => Number(order[name]);
    if ('fork' in order) return api.git?.fork(String(order['fork'])) ?? null;
    if ('retarget' in order) return api.retarget(number('retarget'), String(order['base']), by) ?? null;
    if ('dismiss' in order) return api.dismiss(number('dismiss'), by) ?? null;
    if ('enqueue' in order) return api.enqueue(number('enqueue'));
    if ('land' in order) return api.land(number('land'));
    return api.openPull(order as unknown as NewPull);
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
