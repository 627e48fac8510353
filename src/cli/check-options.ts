// Options of a check as its settings: what is wrong is said as the command line has it.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { PlumbError, systemError } from '../base/errors.ts';
import { noWaivers, readWaivers, type WaiverBook } from '../quality/waivers.ts';
import type { Cli } from './command.ts';

export const parseOptions = {
  /** @throws PlumbError USAGE */
  settings<Schema extends z.ZodType>(schema: Schema, options: unknown): z.output<Schema> {
    const parsed = schema.safeParse(options);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    throw new PlumbError('USAGE', { what: `--${path === '' ? 'options' : path}: ${issue?.message}`, mend: 'see --help for what an option takes' });
  },
  /** A whole number from 0 to 10,000. @throws PlumbError USAGE */
  count(option: string, text: string): number {
    const count = Number(text);
    if (/^\d+$/.test(text) && count <= 10_000) return count;
    throw new PlumbError('USAGE', { what: `${option} ${text}: expected a whole number from 0 to 10000`, mend: `write ${option} 20` });
  },
};

/** The waivers of a file, by the day of this machine. @param file relative to cwd @throws PlumbError FILE_MISSING, CONFIG_INVALID */
export async function waiversOf(file: string | undefined, { cwd, now }: Cli): Promise<WaiverBook> {
  if (file === undefined) return noWaivers;
  const text = await readFile(resolve(cwd, file), 'utf8').catch((error: unknown) => Promise.reject(systemError(error, 'read', file)));
  return readWaivers(text, file, now().toISOString().slice(0, 10));
}
