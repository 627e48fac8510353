import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { PlumbError, exitCodes, machineLimit, isPlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { streamProgress, silentProgress } from '../base/progress.ts';
import type { Cli, Define, Paint } from './command.ts';
import { commands, exitText } from './commands.ts';
import { harmless } from './harmless.ts';
import { version } from './version.ts';

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const global = readGlobal(argv);
  const stop = new AbortController();
  const onSignal = (): void => {
    // whoever asks twice does not want to wait: nothing is ever half-written, and children end with us
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    stop.abort(new PlumbError('INTERRUPTED', { what: 'stopped', mend: 'run the command again: it goes on from what is complete' }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const cli = createCli(global, stop.signal);
  try {
    const program = await buildProgram(argv, cli);
    await program.parseAsync([...argv], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    return tellError(stop.signal.aborted ? stop.signal.reason : machineLimit(error, cli.cwd), cli, global.debug);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

interface Global {
  readonly json: boolean;
  readonly debug: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly folder: string;
}

/** The options that every command has are wanted before commander has parsed: for errors of the parsing itself. */
function readGlobal(argv: readonly string[]): Global {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const at = own.findIndex((word) => word === '-C');
  return {
    json: own.includes('--json'),
    debug: own.includes('--debug'),
    quiet: own.includes('--quiet') || own.includes('-q'),
    color: !own.includes('--no-color') && process.env['NO_COLOR'] === undefined && process.stdout.isTTY && process.env['TERM'] !== 'dumb',
    folder: (at === -1 ? undefined : own[at + 1]) ?? '.',
  };
}

function createCli(global: Global, signal: AbortSignal): Cli {
  const inCi = isCi(process.env);
  const write = (stream: NodeJS.WriteStream, text: string): void => void stream.write(harmless(text.endsWith('\n') ? text : `${text}\n`, inCi));
  process.stdout.on('error', endWithOutput);
  return {
    cwd: resolve(global.folder),
    env: process.env,
    json: global.json,
    signal,
    progress: global.quiet ? silentProgress : streamProgress(process.stderr, () => performance.now()),
    now: () => new Date(),
    print: (text) => (global.json ? undefined : write(process.stdout, text)),
    emit: (value) => (global.json ? write(process.stdout, JSON.stringify(value, null, 2)) : undefined),
    note: (text) => (global.quiet ? undefined : write(process.stderr, text)),
    paint: paintFor(global.color),
    exitCode: 0,
  };
}

function isCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
}

/** `plumb diff | head` ends quietly; a full disk is no mistake of ours. */
function endWithOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  const told = machineLimit(error, 'standard output');
  if (!isPlumbError(told)) throw error;
  process.stderr.write(describeError(told));
  process.exit(told.exitCode);
}

function paintFor(color: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) => (color ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), green: wrap(32, 39), yellow: wrap(33, 39) };
}

async function buildProgram(argv: readonly string[], cli: Cli): Promise<Command> {
  const program = new Command('plumb')
    .description('Review a model the way you review code.')
    .version(version, '-V, --version', 'print the version')
    .option('-C <folder>', 'work as if started in this folder')
    .option('--json', 'one JSON document on stdout, errors too')
    .option('-q, --quiet', 'no progress, no notes')
    .option('--no-color', 'plain text')
    .option('--debug', 'stack traces')
    .configureHelp({ sortSubcommands: false, subcommandTerm: (command) => command.name() })
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  program.addHelpText('after', '\nEach command has --help with an example. Exit codes: docs/reference/errors.md.');
  const wanted = commandWord(argv);
  for (const entry of commands) {
    if (entry.hidden && entry.name !== wanted) continue;
    const command = program
      .command(entry.name, { hidden: entry.hidden === true })
      .description(entry.summary)
      .exitOverride();
    for (const option of program.options) if (option.long !== '--version') command.addOption(hide(option));
    if (entry.name !== wanted) continue;
    const module: { define: Define } = await entry.load();
    module.define(command, cli);
    command.addHelpText('afterAll', exitText(entry));
  }
  if (wanted !== undefined && !commands.some((entry) => entry.name === wanted)) {
    throw new PlumbError('USAGE', {
      what: `there is no command "${wanted}".${didYouMean(
        wanted,
        commands.map((entry) => entry.name),
      )}`,
      mend: 'plumb --help lists the commands',
    });
  }
  if (wanted === undefined && !argv.some((word) => ['--help', '-h', '--version', '-V'].includes(word))) {
    program.outputHelp();
    throw new CommanderError(exitCodes.usage, 'commander.help', 'no command');
  }
  return program;
}

/** Global options may stand behind the command too; help lists them once, at the top. */
function hide(option: import('commander').Option): import('commander').Option {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(option) as object) as import('commander').Option, option);
  return copy.hideHelp();
}

function commandWord(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at];
    if (word === '-C') at += 1;
    else if (word !== undefined && !word.startsWith('-')) return word;
  }
  return undefined;
}

function tellError(error: unknown, cli: Cli, debug: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return exitCodes.usage;
    return tellError(
      new PlumbError('USAGE', { what: error.message.replace(/^error: /, '').replace(/\n\((.*)\)$/, '. $1'), mend: mendOf(error) }),
      cli,
      debug,
    );
  }
  if (!isPlumbError(error)) {
    const text = harmless(error instanceof Error ? error.message : String(error), isCi(cli.env));
    cli.emit({ error: { code: 'BUG', what: text, mend: 'please report it' } });
    process.stderr.write(`plumb: ${text}\n  This is a mistake of ours. Please report it with the output of the same command and --debug.\n`);
    if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    return exitCodes.bug;
  }
  cli.emit({ error: error.toJSON() });
  if (!cli.json) process.stderr.write(harmless(describeError(error), isCi(cli.env)));
  if (debug) process.stderr.write(`${error.stack ?? ''}\n`);
  return error.exitCode;
}

/** An option that takes several words takes the data behind it, too. */
function mendOf({ code }: CommanderError): string {
  const help = 'add --help to the command to see its arguments and an example';
  return code === 'commander.missingArgument' ? `write it first, before options that take several words (--columns a b); ${help}` : help;
}

/** 'plumb: what\n  at file:line:column, row 3\n  Mend: ...  [CODE]' */
export function describeError(error: PlumbError): string {
  const { file, line, column, row } = error.where ?? {};
  const place = [[file, line, column].filter((part) => part !== undefined).join(':'), row === undefined ? '' : `row ${row}`]
    .filter((part) => part !== '')
    .join(', ');
  return `plumb: ${error.message}\n${place === '' ? '' : `  at ${place}\n`}  Mend: ${error.mend}  [${error.code}]\n`;
}
