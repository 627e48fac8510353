// Asks a server at a fixed rate, from a process of its own, and tells what each request got. The clock of a request starts when it was due, not when it
// was sent: a server that stalls is charged for all that had to wait.
// Usage: node bench/serve/load.ts URL RATE MODEL; ends on standard input's end and prints one JSON document.
import { Pool } from 'undici';

const [url = '', rateText = '500', model = 'intents'] = process.argv.slice(2);
const rate = Number(rateText);
const pool = new Pool(url, { connections: 64 });
const texts = [
  'where is my new card?',
  'my top up did not work',
  'how do I change my pin',
  'the exchange rate was wrong',
  'I was charged twice for one payment',
];

/** One request: when it was due (ms since the epoch), how long it took (ms), HTTP status (0: none), digest that answered. */
type Sample = readonly [due: number, ms: number, status: number, digest: string];
const samples: Sample[] = [];
const running = new Set<Promise<void>>();
const epoch = (): number => performance.timeOrigin + performance.now();

async function ask(due: number, text: string): Promise<void> {
  let status = 0;
  let digest = '';
  try {
    const answer = await pool.request({
      method: 'POST',
      path: `/v1/models/${model}/predict`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    const body = (await answer.body.json()) as { model?: { digest: string } };
    status = answer.statusCode;
    digest = body.model?.digest ?? '';
  } catch {
    // status 0 is a lost request
  }
  samples.push([due, epoch() - due, status, digest]);
}

const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();
const started = epoch();
process.stdout.write(`${JSON.stringify({ started })}\n`);
for (let sent = 0; !stop.signal.aborted;) {
  for (const now = epoch(); started + (1000 * sent) / rate <= now; sent += 1) {
    const request = ask(started + (1000 * sent) / rate, texts[sent % texts.length] ?? '').finally(() => running.delete(request));
    running.add(request);
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await Promise.all(running);
await pool.close();
process.stdout.write(`${JSON.stringify(samples)}\n`);
