import type { Command } from 'commander';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { shortDigest } from '../base/digest.ts';
import { checkName } from '../base/names.ts';
import { formatSeconds } from '../base/progress.ts';
import { oneLine } from '../registry/one-line.ts';
import type { ServeEvent, ServeParts } from '../serve/server.ts';
import type { Readiness } from '../serve/readiness.ts';
import type { Cli } from './command.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly model?: string;
  readonly stage?: 'staging' | 'production';
  readonly ref?: string;
  readonly host?: string;
  readonly port?: number;
  readonly once?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .option('--model <name>', 'serve this model only; all that have a pointer unless told')
    .addOption(stageOption('serve the models of this stage (default: serve.stage of plumbline.yaml, production)'))
    .option('--ref <branch>', 'follow this branch (default: main of plumbline.yaml)')
    .option('--host <address>', 'listen on this address (default: serve.host of plumbline.yaml, 127.0.0.1)')
    .option('--port <number>', 'listen on this port; 0 takes a free one (default: serve.port of plumbline.yaml, 8080)', parsePort)
    .option('--once', 'load what the pointers name now, say whether it can be served, and end')
    .addHelpText(
      'after',
      `
Pointers are read from git, never from the work tree; a bare clone will do. Ctrl-C finishes what runs, then ends.
With --json, one line of JSON for each event: listening, ready, swap, broken, mended, withdrawn, waiting, trouble, stopped.

Example:
  plumb serve --port 8080
  curl -s localhost:8080/v1/models/intents/predict -H 'content-type: application/json' -d '{"text": "where is my card?"}'`,
    )
    .action((options: Options) => serve(options, cli));
}

async function serve(options: Options, cli: Cli): Promise<void> {
  if (options.model !== undefined) checkName('model', options.model);
  const [{ openPlace }, { startServer, tryOnce }, { openPredictor }] = await Promise.all([
    import('../serve/place.ts'),
    import('../serve/server.ts'),
    import('../train/predictor.ts'),
  ]);
  const place = await openPlace(cli, options.ref);
  const ref = options.ref ?? place.config.main;
  const parts: ServeParts = {
    git: place.git,
    store: place.store,
    prefix: place.prefix,
    ref,
    stage: options.stage ?? place.config.serve.stage,
    ...(options.model === undefined ? {} : { model: options.model }),
    open: (path, { digest }) => openPredictor(path, { digest, encoder: cli.env['PLUMB_ENCODER'] }),
    tell: (event) => tell(event, cli),
  };
  // --once is one answer; what happened on the way is for people
  if (options.once === true) return tellOnce(await tryOnce(cli.json ? { ...parts, tell: () => undefined } : parts), ref, cli);
  const address = { host: options.host ?? place.config.serve.host, port: options.port ?? place.config.serve.port };
  const server = await startServer({ ...parts, address, hosts: place.config.serve.hosts });
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

function tell(event: ServeEvent, cli: Cli): void {
  writeEvent(showEvent(event), cli);
  const { bold, dim, green, red, yellow } = cli.paint;
  if (event.event === 'listening') cli.print(`listening on ${bold(event.url)}`);
  else if (event.event === 'ready') cli.print(`${green('ready')} as of commit ${event.commit.slice(0, 12)}`);
  else if (event.event === 'waiting') cli.print(`${yellow('waiting')}: ${event.why}`);
  else if (event.event === 'withdrawn') cli.print(`${yellow('withdrawn')} ${event.name}: its pointer is gone`);
  else if (event.event === 'mended') cli.print(`${green('mended')} ${event.name}: ${shortDigest(event.answering.digest)} is what the pointer names`);
  else if (event.event === 'swap') {
    const from = event.from === null ? '' : ` (was ${shortDigest(event.from)})`;
    const { name, stage, digest, commit } = event.model;
    cli.print(
      `${green('serving')} ${bold(name)} ${shortDigest(digest)}${from}, ${stage} at commit ${commit.slice(0, 12)} ${dim(`after ${formatSeconds(event.seconds)}${event.warm ? ', warm' : ''}`)}`,
    );
  } else if (event.event === 'broken') {
    const rest = event.answering === null ? 'nothing answers for it' : `${shortDigest(event.answering.digest)} goes on answering`;
    cli.note(`${red('broken')} ${event.name}: ${oneLine(event.error.message)} [${event.error.code}]; ${rest}`);
  } else if (event.event === 'trouble') cli.note(`${red('trouble')}: ${oneLine(event.error.message)} [${event.error.code}]`);
  else
    cli.note(
      `${red('a mistake of ours')} in request ${event.request}: ${event.error instanceof Error ? (event.error.stack ?? event.error.message) : String(event.error)}`,
    );
}

/** With --json a server is a stream of lines, one an event, not one document. */
function writeEvent(event: Record<string, unknown>, cli: Cli): void {
  if (cli.json) process.stdout.write(`${JSON.stringify({ at: cli.now().toISOString(), ...event })}\n`);
}

function showEvent(event: ServeEvent): Record<string, unknown> {
  if (event.event === 'bug') return { ...event, error: String(event.error) };
  if ('error' in event) return { ...event, error: isPlumbError(event.error) ? event.error.toJSON() : String(event.error) };
  return { ...event };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new PlumbError('USAGE', { what: `"${text}" is no port`, mend: 'give --port a number from 0 to 65535' });
}
