// What every command gets, and how it is described. A command module is loaded only when it is the one that runs.
import type { Command as Commander } from 'commander';
import type { Progress } from '../base/progress.ts';

/** The world, as a command sees it. */
export interface Cli {
  /** absolute */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  /** ctrl-C and SIGTERM */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  now(): Date;
  /** Text for people, on stdout; with --json nothing. */
  print(text: string): void;
  /** The one JSON document of --json; without it nothing. */
  emit(value: unknown): void;
  /** For people, on stderr, in either mode: what is going on, warnings. */
  note(text: string): void;
  /** Colour where stdout is a terminal that wants it. */
  readonly paint: Paint;
  /** The exit code when the command ends well but the answer is no: set 1. */
  exitCode: number;
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/**
 * What a file of cli/ exports as `define`: adds arguments, options, a description with an example and the action to its sub-command.
 * @param command made by main.ts with name and summary set
 */
export type Define = (command: Commander, cli: Cli) => void;
