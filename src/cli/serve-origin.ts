// What a server has to do with the world outside of its clone: fetching from origin, hearing from a forge, running reconcile.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { addressOfRemote } from '../git/publish.ts';
import { oneLine } from '../registry/one-line.ts';
import { openDeliveries } from '../serve/deliveries.ts';
import { refOfOrigin } from '../serve/origin.ts';
import type { ServePlace } from '../serve/place.ts';
import type { OriginWish, ServeOptions } from '../serve/server.ts';
import { defaultWebhookLimits, readWebhookSecret } from '../serve/webhook.ts';
import type { Cli } from './command.ts';
import { tokenForGit } from './origin-token.ts';
import { plumbProgram } from './plumb-program.ts';
import { writeEvent } from './serve-events.ts';

interface OutsideOptions {
  /** seconds */
  readonly fetch?: number;
  readonly webhook?: boolean;
  readonly reconcile?: boolean;
  readonly auditKey?: string;
}

export interface Outside {
  /** the ref that is followed: where what origin has is put */
  readonly ref: string;
  readonly origin: OriginWish;
  readonly webhook: ServeOptions['webhook'];
}

/** Polling is what a server falls back on when no webhook comes. */
const usualSeconds = 60;

/** Names of deliveries are kept so long: GitHub sends one again for three days at most, when somebody asks for it. */
const keepMs = 7 * 24 * 3_600_000;
const mostDeliveries = 20_000;

/** @param branch short name of the main branch. @throws PlumbError USAGE, GIT_UNSUPPORTED, GIT_REMOTE_MISSING */
export async function openOutside(place: ServePlace, branch: string, options: OutsideOptions, cli: Cli): Promise<Outside> {
  const secret = options.webhook === true ? readWebhookSecret(cli.env) : null;
  const token = tokenForGit(cli.env, await addressOfRemote(place.clone, 'origin'));
  const folder = join(place.localDir, 'serve');
  return {
    ref: refOfOrigin(place.clone, branch),
    origin: {
      git: place.clone,
      remote: { remote: 'origin', token },
      main: branch,
      everyMs: 1000 * (options.fetch ?? usualSeconds),
      leastMs: 250,
      reconcile: options.reconcile === true ? (signal) => reconcile(signal, options, cli) : undefined,
    },
    webhook:
      secret === null
        ? undefined
        : {
            secret,
            deliveries: await openDeliveries({ folder, most: mostDeliveries, keepMs, now: () => cli.now().getTime() }),
            limits: defaultWebhookLimits,
          },
  };
}

/** Longer than this a round does not wait for it. */
const reconcileMs = 600_000;
const mostOutput = 1 << 20;

/** A process of its own, with what it may write and sign with: the server itself has no such way. It tells its failure, and is tried again next time. */
async function reconcile(signal: AbortSignal, { auditKey }: OutsideOptions, cli: Cli): Promise<void> {
  const [program = '', ...words] = plumbProgram;
  const begun = performance.now();
  const { PLUMB_WEBHOOK_SECRET: _, ...rest } = cli.env;
  const env = auditKey === undefined ? rest : { ...rest, PLUMB_AUDIT_KEY: auditKey };
  const child = spawn(program, [...words, '-C', cli.cwd, 'reconcile', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
    timeout: reconcileMs,
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    if (said.length < mostOutput) said += piece;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (exit) => resolve(exit));
  });
  if (signal.aborted) return;
  const seconds = (performance.now() - begun) / 1000;
  writeEvent({ event: 'reconciled', code, seconds }, cli);
  // 1: it has refused something, as it should
  if (code !== 0 && code !== 1) cli.note(`${cli.paint.red('reconcile')} ended with code ${code ?? 'none'}: ${reasonIn(said)}`);
}

/** The error in the one document of --json. */
function reasonIn(said: string): string {
  try {
    const { error } = JSON.parse(said) as { error?: { what?: unknown; code?: unknown } };
    return error === undefined ? 'it does not say why' : oneLine(`${String(error.what)} [${String(error.code)}]`, 400);
  } catch {
    return 'it said nothing that can be read';
  }
}
