// Options of a check as its settings: what is wrong is said as the command line has it.
import type { z } from 'zod';
import { PlumbError } from '../base/errors.ts';

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
