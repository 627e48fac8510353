// A terminal, or a pipe, for a sitting; and the editor of whoever sits there.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { PlumbError, systemError } from '../base/errors.ts';
import { visible } from '../report/visible.ts';
import type { Sitting } from '../review/sitting.ts';
import { talk, type Talker } from '../review/terminal/talk.ts';
import type { Cli } from './command.ts';

export async function sitInTerminal(sitting: Sitting, localDir: string, cli: Cli): Promise<void> {
  const input = process.stdin;
  const look = {
    show: visible,
    paint: cli.paint,
    // with --json stdout is for the one document
    print: (text: string) => (cli.json ? cli.note(text) : cli.print(text)),
    edit: (text: string) => editText(text, localDir, cli),
  };
  if (input.isTTY) return talk(sitting, { ...look, ...keyboard(input, cli) });
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const stop = (): void => lines.close();
  cli.signal.addEventListener('abort', stop, { once: true });
  try {
    return await talk(sitting, { ...look, ...pipe(lines) });
  } finally {
    lines.close();
  }
}

function pipe(lines: Interface): Pick<Talker, 'key' | 'line'> {
  const iterator = lines[Symbol.asyncIterator]();
  const next = async (): Promise<string | null> => {
    const { done, value } = await iterator.next();
    return done === true ? null : value;
  };
  return {
    async key() {
      const line = await next();
      if (line === null) return null;
      const [key = '', ...rest] = line.trim().split(' ');
      return { key, rest: rest.length === 0 ? null : rest.join(' ') };
    },
    line: next,
  };
}

const interrupt = '\u0003';
const endOfInput = '\u0004';

function keyboard(input: NodeJS.ReadStream, cli: Cli): Pick<Talker, 'key' | 'line'> {
  return {
    async key(prompt) {
      process.stderr.write(`${prompt}\n`);
      const key = await oneKey(input, cli.signal);
      return key === null || key === interrupt || key === endOfInput ? null : { key: key.toLowerCase(), rest: null };
    },
    line: (prompt, completions) =>
      new Promise((resolve) => {
        const completer = (line: string): [string[], string] => [completions.filter((one) => one.startsWith(line)), line];
        const lines = createInterface({ input, output: process.stderr, completer });
        lines.once('SIGINT', () => lines.close());
        lines.once('close', () => resolve(null));
        lines.question(prompt, (answer) => {
          resolve(answer === '' ? null : answer);
          lines.close();
        });
      }),
  };
}

function oneKey(input: NodeJS.ReadStream, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const done = (key: string | null): void => {
      input.off('data', onData);
      signal.removeEventListener('abort', onAbort);
      input.setRawMode(false);
      input.pause();
      resolve(key);
    };
    const onData = (bytes: Buffer): void => done(bytes.toString('utf8').slice(0, 1));
    const onAbort = (): void => done(null);
    signal.addEventListener('abort', onAbort, { once: true });
    input.setRawMode(true);
    input.resume();
    input.once('data', onData);
  });
}

/** @returns null: it stayed as it was, or the editor says that it failed */
async function editText(text: string, localDir: string, cli: Cli): Promise<string | null> {
  const words = (cli.env['VISUAL'] ?? cli.env['EDITOR'] ?? '').split(' ').filter((word) => word !== '');
  const [program, ...rest] = words;
  if (program === undefined)
    throw new PlumbError('USAGE', { what: 'no editor is set', mend: 'set EDITOR, or write the change: e {"column": "new value"}' });
  const file = join(localDir, 'review', `edit-${randomBytes(6).toString('hex')}.json`);
  try {
    await mkdir(join(localDir, 'review'), { recursive: true });
    await writeFile(file, `${text}\n`, { mode: 0o600 });
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(program, [...rest, file], { stdio: [process.stdin.isTTY ? 'inherit' : 'ignore', cli.json ? 2 : 'inherit', 'inherit'] });
      child.once('error', (error) =>
        reject(new PlumbError('USAGE', { what: `the editor ${program} does not start: ${error.message}`, mend: 'set EDITOR to one that does' })),
      );
      child.once('close', resolve);
    });
    return code === 0 ? await readFile(file, 'utf8') : null;
  } catch (error) {
    throw systemError(error, 'write', file);
  } finally {
    await rm(file, { force: true });
  }
}
