// What a running server says: lines for people, or one line of JSON an event.
import { shortDigest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { formatSeconds } from '../base/progress.ts';
import { oneLine } from '../registry/one-line.ts';
import type { ServeEvent } from '../serve/server.ts';
import type { Cli } from './command.ts';

export function tellEvent(event: ServeEvent, cli: Cli): void {
  writeEvent(showEvent(event), cli);
  const { bold, dim, green, red, yellow } = cli.paint;
  if (event.event === 'listening') cli.print(`listening on ${bold(event.url)}`);
  else if (event.event === 'ready') {
    cli.print(`${green('ready')} as of commit ${event.commit.slice(0, 12)}`);
    if (event.decidedBy === 'pointers') cli.note(dim('there is no log of decisions: pointers are believed as they stand on the branch'));
  } else if (event.event === 'revoked') cli.print(`${red('revoked')} ${event.name}: ${shortDigest(event.digest)} answers no more`);
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
export function writeEvent(event: Record<string, unknown>, cli: Cli): void {
  if (cli.json) process.stdout.write(`${JSON.stringify({ at: cli.now().toISOString(), ...event })}\n`);
}

function showEvent(event: ServeEvent): Record<string, unknown> {
  if (event.event === 'bug') return { ...event, error: String(event.error) };
  if ('error' in event) return { ...event, error: isPlumbError(event.error) ? event.error.toJSON() : String(event.error) };
  return { ...event };
}
