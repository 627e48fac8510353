// The key of hashes and stand-ins, as configurations name it.
import { fields, z } from '../../base/schema.ts';

export const keySchema = fields({
  env: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'expected the name of a variable of the environment')
    .default('PLUMB_PII_KEY')
    .describe('variable that holds the key'),
  check: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'expected the 12 characters that `plumb pii --key-check` says')
    .describe('tells this key from another one, and says nothing of it'),
});
