import { join } from 'node:path';
import type { Command } from 'commander';
import { PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import type { ServeParts } from '../serve/server.ts';
import type { Readiness } from '../serve/readiness.ts';
import type { Cli } from './command.ts';
import { tellEvent, writeEvent } from './serve-events.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly model?: string;
  readonly stage?: 'staging' | 'production';
  readonly ref?: string;
  readonly host?: string;
  readonly port?: number;
  readonly once?: boolean;
  readonly auditKey?: string;
  readonly fetch?: number;
  readonly webhook?: boolean;
  readonly reconcile?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .option('--model <name>', 'serve this model only; all that have a pointer unless told')
    .addOption(stageOption('serve the models of this stage (default: serve.stage of plumbline.yaml, production)'))
    .option('--ref <branch>', 'follow this branch (default: main of plumbline.yaml)')
    .option('--host <address>', 'listen on this address (default: serve.host of plumbline.yaml, 127.0.0.1)')
    .option('--port <number>', 'listen on this port; 0 takes a free one (default: serve.port of plumbline.yaml, 8080)', parsePort)
    .option('--once', 'load what the pointers name now, say whether it can be served, and end')
    .option('--audit-key <key>', 'what vouches for the log of decisions: a public key, or the digest of its first record (PLUMB_AUDIT_KEY)')
    .option('--fetch <seconds>', 'bring here what origin has, every so many seconds', parseSeconds)
    .option('--webhook', 'look at once when the forge says so: POST /hooks/forge, signed with PLUMB_WEBHOOK_SECRET; fetches every 60 s too')
    .option('--reconcile', 'before each look at the log, run `plumb reconcile`: this server decides, too')
    .addHelpText(
      'after',
      `
Where there is a log of decisions (branch plumb/audit), only what it says is served; else pointers are believed as they stand.
Pointers are read from git, never from the work tree; a bare clone will do. Ctrl-C finishes what runs, then ends.
With --json, one line of JSON for each event: listening, ready, swap, broken, mended, withdrawn, revoked, waiting, trouble,
reconciled, stopped.

Example:
  plumb serve --port 8080
  curl -s localhost:8080/v1/models/intents/predict -H 'content-type: application/json' -d '{"text": "where is my card?"}'`,
    )
    .action((options: Options) => serve(options, cli));
}

async function serve(options: Options, cli: Cli): Promise<void> {
  if (options.model !== undefined) checkName('model', options.model);
  const follows = options.fetch !== undefined || options.webhook === true || options.reconcile === true;
  if (options.once === true && follows)
    throw new PlumbError('USAGE', { what: '--once looks at what is here', mend: 'leave --fetch, --webhook and --reconcile out' });
  const [{ openPlace }, { startServer, tryOnce }, { openMemory }, { openPredictor }] = await Promise.all([
    import('../serve/place.ts'),
    import('../serve/server.ts'),
    import('../serve/memory.ts'),
    import('../train/predictor.ts'),
  ]);
  const place = await openPlace(cli, options.ref);
  const branch = options.ref ?? place.config.main;
  const outside = follows ? await (await import('./serve-origin.ts')).openOutside(place, branch, options, cli) : null;
  const ref = outside?.ref ?? branch;
  const parts: ServeParts = {
    git: place.git,
    store: place.store,
    prefix: place.prefix,
    ref,
    stage: options.stage ?? place.config.serve.stage,
    ...(options.model === undefined ? {} : { model: options.model }),
    pin: options.auditKey ?? (cli.env['PLUMB_AUDIT_KEY'] || undefined),
    memory: await openMemory(join(place.localDir, 'serve')),
    open: (path, { digest }) => openPredictor(path, { digest, encoder: cli.env['PLUMB_ENCODER'] }),
    tell: (event) => tellEvent(event, cli),
  };
  // --once is one answer; what happened on the way is for people
  if (options.once === true) return tellOnce(await tryOnce(cli.json ? { ...parts, tell: () => undefined } : parts), ref, cli);
  const address = { host: options.host ?? place.config.serve.host, port: options.port ?? place.config.serve.port };
  const server = await startServer({ ...parts, address, hosts: place.config.serve.hosts, origin: outside?.origin, webhook: outside?.webhook });
  // a second ctrl-C is from somebody who does not want to wait
  const hurry = (): void => process.exit(130);
  await aborted(cli.signal);
  process.once('SIGINT', hurry);
  cli.note('stopping: finishing what runs');
  await server.close();
  process.off('SIGINT', hurry);
  writeEvent({ event: 'stopped' }, cli);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function tellOnce(readiness: Readiness, ref: string, cli: Cli): void {
  cli.emit({ ref, ...readiness });
  for (const reason of readiness.reasons) cli.print(`${cli.paint.red('not servable')} ${reason.model ?? ''} ${reason.what} [${reason.code}]`);
  if (readiness.ready && !readiness.degraded) cli.print(`${cli.paint.green('servable')} all that the pointers of ${ref} name`);
  else cli.exitCode = 1;
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new PlumbError('USAGE', { what: `"${text}" is no port`, mend: 'give --port a number from 0 to 65535' });
}

function parseSeconds(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1) return seconds;
  throw new PlumbError('USAGE', { what: `"${text}" is no number of seconds`, mend: 'give --fetch a whole number from 1 on' });
}
