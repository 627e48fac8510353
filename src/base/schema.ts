// zod, with the pieces that every format of ours shares.
import { z } from 'zod';
import type { Digest } from './digest.ts';
import { isName } from './names.ts';

// a schema is asked once or a few times in a command: compiling it to code would cost more than it saves
z.config({ jitless: true });

export { z };

/** A mapping with exactly these keys; anything else in it is an error. */
export function fields<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape);
}

export const digestSchema: z.ZodType<Digest> = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hex digits')
  .transform((text) => text as Digest);

export const nameSchema: z.ZodString = z.string().refine(isName, 'expected a name of letters, digits, "_", "-" and "."');

export const countSchema: z.ZodNumber = z.number().int().nonnegative();

/** RFC 3339 in UTC with milliseconds, as Date.toISOString writes it. */
export const instantSchema: z.ZodString = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/, 'expected a time like 2026-11-21T07:00:00.000Z');

/** Any JSON value, for hyperparameters and step arguments. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export const jsonSchema: z.ZodType<JsonValue> = z.json();
