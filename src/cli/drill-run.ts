// One rehearsal: a clone in which somebody works, a clone that a server of its own serves from, and a clock.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../base/errors.ts';
import type { PointerPlace } from '../registry/pointer.ts';
import { oneLine } from '../registry/one-line.ts';
import type { DrilledModel, DrillStep } from './drill-report.ts';
import type { Scratch } from './drill-scratch.ts';
import { plumbProgram } from './plumb-program.ts';

export interface DrillWorld {
  /** absolute: the scratch folder */
  readonly folder: string;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly objectiveSeconds: number;
  /** a step begins */
  tell(step: string): void;
}

/** As long as the model of today may take to be fetched and to answer. */
const startMs = 300_000;

/** @throws PlumbError STAGE_FAILED when a step ends otherwise than it must */
export async function rehearse(scratch: Scratch, place: PointerPlace, world: DrillWorld): Promise<DrilledModel> {
  const { folder, prefix, env } = world;
  const [desk, serving] = [join(folder, 'desk'), join(folder, 'serving')];
  for (const clone of [desk, serving]) await run(['git', 'clone', '--quiet', '--template=', scratch.origin, clone], { ...world, cwd: folder });
  const secret = randomBytes(32).toString('hex');
  const first = scratch.steps[0];
  world.tell('starting a server with what is served today');
  const server = await DrillServer.start(join(serving, prefix), { ...world, env: { ...env, PLUMB_WEBHOOK_SECRET: secret } }, place, secret);
  try {
    if (!(await server.answers(first?.from ?? null, startMs)))
      throw failed(`the server never answered with ${first?.from ?? 'nothing'}`, server.said);
    const asking = server.keepAsking();
    const steps: DrillStep[] = [];
    const timed = async (step: DrillStep['step'], work: () => Promise<unknown>): Promise<boolean> => {
      world.tell(step);
      const begun = performance.now();
      const answer = await work();
      steps.push({ step, seconds: (performance.now() - begun) / 1000 });
      return answer !== false;
    };
    const at = { ...world, cwd: join(desk, prefix) };
    const plumb = (...words: string[]): Promise<void> => run([...plumbProgram, ...words], { ...at, env: { ...env, ...signing(scratch) } });
    await run(['git', 'switch', '--quiet', '--create', 'drill'], at);
    await timed('rollback', () => plumb('rollback', place.model, '--stage', place.stage, '--reason', 'a drill'));
    await timed('merge', async () => {
      await run(['git', 'switch', '--quiet', 'main'], at);
      await run(['git', 'merge', '--quiet', '--no-ff', '--no-verify', '-m', 'merge the drill', 'drill'], at);
      await run(['git', 'push', '--quiet', '--no-verify', 'origin', 'main'], at);
      await server.hint();
    });
    if (scratch.signingKey !== null)
      await timed('reconcile', async () => {
        await plumb('reconcile', '--offline');
        await server.hint();
      });
    const left = (): number => Math.max(0, world.objectiveSeconds - steps.reduce((sum, one) => sum + one.seconds, 0)) * 1000;
    const isBack = await timed('answering', () => server.answers(first?.to ?? null, left()));
    const counts = await asking.stop();
    const sum = (wanted: readonly DrillStep[]): number | null => (isBack ? wanted.reduce((total, one) => total + one.seconds, 0) : null);
    return {
      model: place.model,
      stage: place.stage,
      from: first?.from ?? null,
      to: first?.to ?? null,
      with: scratch.steps.slice(1).map((step) => step.place.model),
      steps,
      secondsInAll: sum(steps),
      secondsFromMerge: sum(steps.filter(({ step }) => step === 'reconcile' || step === 'answering')),
      ...counts,
      notes: scratch.notes,
    };
  } finally {
    await server.stop();
  }
}

function signing({ signingKey }: Scratch): Record<string, string> {
  return signingKey === null ? {} : { PLUMB_AUDIT_SIGNING_KEY: signingKey };
}

function failed(what: string, said: string): PlumbError {
  return new PlumbError('STAGE_FAILED', {
    what: `the drill stopped: ${what}${said === '' ? '' : `: ${oneLine(said, 600)}`}`,
    mend: 'that is a finding: what the drill does is what a rollback needs; run it with --keep to look at its folder',
  });
}

async function run([program = '', ...words]: readonly string[], world: Pick<DrillWorld, 'env' | 'signal'> & { readonly cwd: string }): Promise<void> {
  const { cwd, env, signal } = world;
  signal.throwIfAborted();
  const child = spawn(program, words, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-20_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw failed(
      `\`${[program === process.execPath ? 'plumb' : program, ...words.filter((word) => !word.includes('/'))].join(' ')}\` ended with ${code}`,
      said,
    );
}

/** `plumb serve` in a process of its own, as production runs it: it hears of a merge by a signed webhook. */
class DrillServer {
  said = '';
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #place: PointerPlace;
  readonly #secret: string;

  constructor(parts: { child: ChildProcess; url: string; place: PointerPlace; secret: string }) {
    this.#child = parts.child;
    this.#url = parts.url;
    this.#place = parts.place;
    this.#secret = parts.secret;
  }

  static async start(cwd: string, world: DrillWorld, place: PointerPlace, secret: string): Promise<DrillServer> {
    const [program = '', ...words] = plumbProgram;
    const options = ['serve', '--json', '--webhook', '--host', '127.0.0.1', '--port', '0', '--stage', place.stage];
    const child = spawn(program, [...words, '-C', cwd, ...options], { env: world.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-20_000)));
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, 'line') as Promise<[string]>, once(child, 'close').then(() => null)]);
    if (first === null) throw failed('`plumb serve` ended', said);
    child.stdout.resume();
    const { url } = JSON.parse(first[0]) as { url: string };
    const server = new DrillServer({ child, url, place, secret });
    child.stderr.on('data', () => (server.said = said));
    world.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    return server;
  }

  /** @returns whether the model with this digest answers within so many ms; null: whether none does */
  async answers(digest: string | null, withinMs: number): Promise<boolean> {
    for (const until = performance.now() + withinMs; ; await sleep(20)) {
      const answer = await this.#ask();
      if (digest === null ? answer === 'none' : answer === digest) return true;
      if (performance.now() > until || this.#child.exitCode !== null) return false;
    }
  }

  /** Asks for predictions, one after the other, until it is told to stop. */
  keepAsking(): { stop(): Promise<{ asked: number; unanswered: number }> } {
    let [asked, unanswered, isOver] = [0, 0, false];
    const loop = (async () => {
      while (!isOver) {
        const answer = await this.#ask();
        asked += 1;
        if (answer === 'none' || answer === 'failed') unanswered += 1;
        await sleep(10);
      }
    })();
    return {
      stop: async () => {
        isOver = true;
        await loop;
        return { asked, unanswered };
      },
    };
  }

  /** What a forge does after a push. */
  async hint(): Promise<void> {
    const body = JSON.stringify({ ref: 'refs/heads/main', drill: randomUUID() });
    const signature = createHmac('sha256', this.#secret).update(body).digest('hex');
    const answer = await fetch(`${this.#url}/hooks/forge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': `sha256=${signature}` },
      body,
    });
    await answer.arrayBuffer();
    if (answer.status !== 202) throw failed(`the webhook was answered with ${answer.status}`, '');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await Promise.race([gone, sleep(15_000, undefined, { ref: false })]);
    this.#child.kill('SIGKILL');
  }

  /** Digest of the model that answers; 'none': the server says that none does; 'failed': no answer that can be understood. */
  async #ask(): Promise<string> {
    try {
      const answer = await fetch(`${this.#url}/v1/models/${encodeURIComponent(this.#place.model)}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"text":"a drill"}',
        signal: AbortSignal.timeout(10_000),
      });
      const said = (await answer.json()) as { model?: { digest?: string }; error?: { code?: string } };
      return said.model?.digest ?? (said.error?.code === 'MODEL_UNKNOWN' ? 'none' : 'failed');
    } catch {
      return 'failed';
    }
  }
}
