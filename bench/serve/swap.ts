// Swapping models under load: a server, a client at 500 requests a second from another process, and pointers that move by real commits: promotions of models that the
// server has not loaded, each followed by its revert. Prints a Markdown table.
// Usage: node bench/serve/swap.ts [promotions, 20 unless told] [requests a second, 500 unless told]
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Digest } from '../../src/base/digest.ts';
import { createTestbed, trainModels, type Testbed } from '../../src/serve/testbed.ts';

const promotions = Number(process.argv[2] ?? 20);
const rate = Number(process.argv[3] ?? 500);
const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const client = fileURLToPath(new URL('load.ts', import.meta.url));
const rows = fileURLToPath(new URL('../../templates/classifier/data/intents.jsonl', import.meta.url));

interface Move {
  readonly kind: 'promotion' | 'revert';
  /** ms since the epoch: when `git commit` or `git revert` was started, and when it had ended */
  readonly began: number;
  readonly ended: number;
  readonly digest: Digest;
}
type Sample = readonly [due: number, ms: number, status: number, digest: string];

const epoch = (): number => performance.timeOrigin + performance.now();

async function main(): Promise<void> {
  const bed = await createTestbed();
  const trained = await trainModels(rows, [1, 2, 3]);
  const digests: Digest[] = [];
  let bytes = 0;
  for (const path of trained.paths) {
    const put = await bed.store.putFile(path);
    digests.push(put.digest);
    bytes = put.bytes;
  }
  const [first, ...others] = digests;
  if (first === undefined) throw new Error('no model was trained');
  await bed.promote(first);
  const server = spawn(process.execPath, [plumb, '-C', bed.root, 'serve', '--port', '0', '--json', '--quiet'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await untilReady(server);
    const { moves, samples } = await underLoad(url, () => move(bed, first, others));
    report({ moves, samples, bytes });
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
    await trained.remove();
    await bed.remove();
  }
}

async function untilReady(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('the server has no output');
  let url = '';
  for await (const line of createInterface({ input: server.stdout })) {
    const event = JSON.parse(line) as { event: string; url?: string };
    if (event.event === 'listening') url = event.url ?? '';
    if (event.event === 'ready') break;
  }
  // nobody reads the rest: it must not fill the pipe
  server.stdout.resume();
  return url;
}

async function underLoad(url: string, work: () => Promise<Move[]>): Promise<{ moves: Move[]; samples: Sample[] }> {
  const load = spawn(process.execPath, [client, url, String(rate)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: load.stdout })[Symbol.asyncIterator]();
  await lines.next();
  await sleep(2000);
  const moves = await work();
  await sleep(1000);
  load.stdin.end();
  const samples = JSON.parse((await lines.next()).value ?? '[]') as Sample[];
  return { moves, samples };
}

/** Each promotion is of a model that is neither answering nor kept warm, so that it has to be loaded; each revert is of one that is warm. */
async function move(bed: Testbed, first: Digest, others: readonly Digest[]): Promise<Move[]> {
  const moves: Move[] = [];
  for (let at = 0; at < promotions; at += 1) {
    const digest = others[at % others.length] ?? first;
    const began = epoch();
    await bed.promote(digest);
    moves.push({ kind: 'promotion', began, ended: epoch(), digest });
    await sleep(1200);
    const reverted = epoch();
    await bed.gitCommand('revert', '--no-edit', 'HEAD');
    moves.push({ kind: 'revert', began: reverted, ended: epoch(), digest: first });
    await sleep(1200);
  }
  return moves;
}

function report(run: { moves: readonly Move[]; samples: readonly Sample[]; bytes: number }): void {
  const { moves, samples, bytes } = run;
  const lost = samples.filter(([, , status]) => status !== 200).length;
  const times = samples.map(([, ms]) => ms);
  const isNear = (due: number): boolean => moves.some((one) => due >= one.began && due < one.began + 600);
  const near = samples.filter(([due]) => isNear(due)).map(([, ms]) => ms);
  const far = samples.filter(([due]) => !isNear(due)).map(([, ms]) => ms);
  const byEnd = samples.map(([due, ms, , digest]) => ({ at: due + ms, digest })).toSorted((a, b) => a.at - b.at);
  const seconds = (kind: Move['kind']): number[] =>
    moves
      .filter((one) => one.kind === kind)
      .map((one) => {
        const answer = byEnd.find(({ at, digest }) => at >= one.began && digest === one.digest);
        return answer === undefined ? Number.POSITIVE_INFINITY : (answer.at - one.began) / 1000;
      });
  const lines = [
    `Model of ${(bytes / 1e6).toFixed(1)} MB, ${rate} requests/s from another process, ${moves.length} moves of the pointer, Node ${process.version}.`,
    '',
    '| | p50 | p99 | worst |',
    '| --- | ---: | ---: | ---: |',
    row('latency over HTTP, all requests (ms)', times, 2),
    row('latency over HTTP, no move for 0.6 s (ms)', far, 2),
    row('latency over HTTP, within 0.6 s of a move (ms)', near, 2),
    row('promotion: from the start of `git commit` to the new model answering (s)', seconds('promotion'), 3),
    row('revert: from the start of `git revert` to the old model answering (s)', seconds('revert'), 3),
    '',
    `Requests: ${samples.length}; lost: ${lost}.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (lost > 0) process.exitCode = 1;
}

function row(name: string, values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(digits);
  return `| ${name} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`;
}

await main();
