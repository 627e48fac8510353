// What a server has to do with the world outside of its clone: fetching from origin, hearing from a forge, running reconcile.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { decideForge, decideToken } from '../ci/forge-place.ts';
import { isPlumbError } from '../base/errors.ts';
import { addressOfRemote, type GitToken } from '../git/publish.ts';
import { oneLine } from '../registry/one-line.ts';
import { openDeliveries } from '../serve/deliveries.ts';
import { refOfOrigin } from '../serve/origin.ts';
import type { ServePlace } from '../serve/place.ts';
import type { OriginWish, ServeOptions } from '../serve/server.ts';
import { defaultWebhookLimits, readWebhookSecret } from '../serve/webhook.ts';
import type { Cli } from './command.ts';
import { plumbProgram } from './plumb-program.ts';
import { writeEvent } from './serve-events.ts';

interface OutsideOptions {
  /** seconds */
  readonly fetch?: number;
  readonly webhook?: boolean;
  readonly reconcile?: boolean;
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
  const token = await tokenOf(place, cli);
  const folder = join(place.localDir, 'serve');
  return {
    ref: refOfOrigin(place.clone, branch),
    origin: {
      git: place.clone,
      remote: { remote: 'origin', token },
      main: branch,
      everyMs: 1000 * (options.fetch ?? usualSeconds),
      leastMs: 250,
      reconcile: options.reconcile === true ? (signal) => reconcile(signal, cli) : undefined,
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

/** For git over http(s) to the server of origin; null: what the machine has for it. */
async function tokenOf({ clone, config }: ServePlace, { env }: Cli): Promise<GitToken | null> {
  const origin = await addressOfRemote(clone, 'origin');
  try {
    const { secret } = decideToken(env);
    // of what kind the forge is plays no part in fetching
    return { server: decideForge({ env, origin, config: config.forge, kind: config.forge?.kind ?? 'github' }).serverUrl, secret };
  } catch (error) {
    if (isPlumbError(error, 'FORGE_TOKEN') || isPlumbError(error, 'FORGE_UNKNOWN')) return null;
    throw error;
  }
}

/** Longer than this a round does not wait for it. */
const reconcileMs = 600_000;
const mostOutput = 1 << 20;

/** A process of its own, with what it may write and sign with: the server itself has no such way. It tells its failure, and is tried again next time. */
async function reconcile(signal: AbortSignal, cli: Cli): Promise<void> {
  const [program = '', ...words] = plumbProgram;
  const begun = performance.now();
  const { PLUMB_WEBHOOK_SECRET: _, ...env } = cli.env;
  const child = spawn(program, [...words, '-C', cli.cwd, 'reconcile', '--json'], {
    env: env as NodeJS.ProcessEnv,
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
  if (code !== 0) cli.note(`${cli.paint.red('reconcile')} ended with code ${code ?? 'none'}: ${reasonIn(said)}`);
}

/** The error in the one document of --json. */
function reasonIn(said: string): string {
  try {
    const { error } = JSON.parse(said) as { error?: { what?: unknown; code?: unknown } };
    return error === undefined ? 'what was decided is in its records' : oneLine(`${String(error.what)} [${String(error.code)}]`, 400);
  } catch {
    return 'it said nothing that can be read';
  }
}
