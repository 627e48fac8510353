import { request } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createProject } from '../../datasets/project.fixture.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { readDecided } from '../by-row.ts';
import { ada, header } from '../decision.fixture.ts';
import { Journal } from '../journal.ts';
import type { QueueItem } from '../queue.ts';
import { Sitting } from '../sitting.ts';
import { servePage, type PageServer } from './server.ts';

const rows = [
  { id: 'a', text: 'Mail ada@example.org 🙂', label: 'contact', n: 3 },
  { id: 'b', text: '<img src=x onerror=alert(1)>', label: 'card', n: 4 },
];

const open: PageServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve(): Promise<{
  server: PageServer;
  project: Awaited<ReturnType<Awaited<ReturnType<typeof createProject>>['open']>>;
  origin: string;
  token: string;
}> {
  const project = await (await createProject()).open();
  const items: QueueItem[] = rows.map((value, at) => ({
    digest: rowDigest(value),
    value,
    row: at + 1,
    key: value.id,
    why: ['EMAIL_ADDRESS in text (pii)'],
    votes: [],
    findings: at === 0 ? [{ kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', message: 'an address', span: [5, 20] }] : [],
  }));
  const journal = new Journal(project, header(ada));
  const shape = { format: 'jsonl' as const, columns: ['id', 'text', 'label', 'n'], label: 'label' };
  const sitting = new Sitting({
    queue: { items, waiting: 2, gone: 0 },
    journal,
    shape,
    labels: ['card', 'contact'],
    now: () => new Date('2026-11-21T07:00:00.000Z'),
  });
  const server = await servePage(sitting, { data: 'intents', who: ada, role: 'first', port: 0 });
  open.push(server);
  const url = new URL(server.url);
  return { server, project, origin: url.origin, token: url.hash.slice(1) };
}

interface Said {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function send(origin: string, options: { method?: string; path?: string; headers?: Record<string, string>; body?: string }): Promise<Said> {
  const url = new URL(origin);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: url.port, path: options.path ?? '/', method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    asked.once('error', reject);
    asked.end(options.body);
  });
}

function ask(origin: string, token: string, body: object, headers: Record<string, string> = {}): Promise<Said> {
  return send(origin, { method: 'POST', path: '/api', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}`, ...headers } });
}

describe('who may ask', () => {
  test('the page says nothing of the data, and lets nothing run but itself', async () => {
    const { origin } = await serve();
    const page = await send(origin, {});
    expect(page.status).toBe(200);
    expect(page.body).not.toContain('ada@example.org');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'/);
    expect(page.body).not.toMatch(/https?:\/\//);
  });

  test('only with the token, only from its own page, only by its own name', async () => {
    const { origin, token, project } = await serve();
    const look = { op: 'accept', row: rowDigest(rows[0] ?? {}) };
    const refused = [
      ask(origin, '', look),
      ask(origin, `${token}x`, look),
      ask(origin, token, look, { origin: 'https://evil.example' }),
      ask(origin, token, look, { origin: 'null' }),
      ask(origin, token, look, { host: 'evil.example' }),
      ask(origin, token, look, { 'sec-fetch-site': 'cross-site' }),
    ];
    for (const one of await Promise.all(refused)) {
      expect(one.status).toBe(403);
      expect(one.body).not.toContain('ada@example.org');
    }
    expect(await readDecided(project, 'intents')).toEqual([]);
    expect((await ask(origin, token, look, { origin, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('other paths, other methods, and what is no request', async () => {
    const { origin, token } = await serve();
    const authorization = `Bearer ${token}`;
    expect((await send(origin, { path: '/../etc/passwd' })).status).toBe(404);
    expect((await send(origin, { path: '/api', headers: { authorization } })).status).toBe(404);
    for (const body of ['', '{', '[]', '{"op":3}', '{"op":"edit","columns":{"text":3}}'])
      expect((await send(origin, { method: 'POST', path: '/api', headers: { authorization }, body })).status).toBe(400);
    expect((await ask(origin, token, { op: 'rm', row: rowDigest(rows[0] ?? {}) })).status).toBe(422);
  });
});

describe('a sitting on the page', () => {
  test('marks, an edit, a label, an undo, and the end', async () => {
    const { origin, token, project, server } = await serve();
    const digests = rows.map((row) => rowDigest(row));
    const stateOf = ({ body }: Said): { item: { key: string; columns: { parts: unknown }[] } | null; standing: unknown } =>
      (JSON.parse(body) as { state: { item: { key: string; columns: { parts: unknown }[] } | null; standing: unknown } }).state;
    const first = stateOf(await ask(origin, token, { op: 'look' }));
    expect(first.item?.columns[1]?.parts).toEqual([
      { text: 'Mail ', kinds: [] },
      { text: 'ada@example.org', kinds: ['EMAIL_ADDRESS'] },
      { text: ' 🙂', kinds: [] },
    ]);
    const edited = await ask(origin, token, { op: 'edit', row: digests[0], columns: { text: 'Mail me 🙂', n: '5' } });
    expect(stateOf(edited).item?.key).toBe('b');
    expect((await ask(origin, token, { op: 'accept', row: digests[0] })).status).toBe(422);
    expect((await ask(origin, token, { op: 'label', row: digests[1], text: 'nonsense' })).status).toBe(422);
    expect((await ask(origin, token, { op: 'edit', row: digests[1], columns: { n: 'four' } })).status).toBe(422);
    await ask(origin, token, { op: 'label', row: digests[1], text: 'contact' });
    await ask(origin, token, { op: 'undo', row: null });
    await ask(origin, token, { op: 'reject', row: digests[1] });
    expect(stateOf(await ask(origin, token, { op: 'finish', row: null })).item).toBeNull();
    await server.ended;
    const decided = await readDecided(project, 'intents');
    expect(decided.map(({ action, edit }) => [action, edit])).toEqual([
      ['edit', { n: 5, text: 'Mail me 🙂' }],
      ['reject', undefined],
    ]);
  });

  test('two keys at once are two requests, of which the second is told that the row is another one', async () => {
    const { origin, token, project } = await serve();
    const row = rowDigest(rows[0] ?? {});
    const said = await Promise.all([ask(origin, token, { op: 'accept', row }), ask(origin, token, { op: 'reject', row })]);
    expect(said.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 422]);
    expect(await readDecided(project, 'intents')).toHaveLength(1);
  });
});
