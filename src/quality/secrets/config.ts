// secrets.yaml: by which rules secrets are looked for, and what is done about them.
import { fields, z } from '../../base/schema.ts';
import { severities } from '../findings.ts';
import { keySchema } from '../pii/key-config.ts';

/** @see docs/secrets.md */
export const secretsSchema = fields({
  version: z.literal(1).describe('version of this format'),
  rules: z.string().min(1).optional().describe("a TOML file of gitleaks, relative to the project; default: gitleaks' rules and some of secretlint's"),
  severity: z.enum(severities).default('error').describe('of secrets whose rule is not named under `severities`'),
  severities: z.record(z.string().min(1), z.enum(severities)).default({}).describe('rule -> severity: {generic-api-key: warning}'),
  columns: z.array(z.string().min(1)).min(1).optional().describe('default: all'),
  key: keySchema
    .optional()
    .describe('the key of the hashes in findings, by which one secret is known in several places. It stands in the environment, never in a file'),
  waivers: z.string().min(1).optional().describe('file of waivers, relative to the project; `kind` is the rule'),
}).describe('secrets.yaml: by which rules secrets are looked for in rows and files');

export type SecretsConfig = z.infer<typeof secretsSchema>;

export const usualSecrets: SecretsConfig = secretsSchema.parse({ version: 1 });
