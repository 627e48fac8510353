// What a check for secrets is asked, opened: rules compiled, key and waivers at hand.
import { isAbsolute, join } from 'node:path';
import { parseYaml } from '../../base/config.ts';
import { PlumbError } from '../../base/errors.ts';
import type { PiiKey } from '../pii/key.ts';
import { noWaivers, readWaivers, type WaiverBook } from '../waivers.ts';
import { usualSecrets, secretsSchema, type SecretsConfig } from './config.ts';
import { openHashKey } from './findings.ts';
import { defaultSecretRules, readSecretRules, type SecretRules } from './rules.ts';
import { SecretScanner } from './scan.ts';

export interface SecretsAsked {
  readonly config: SecretsConfig;
  readonly rules: SecretRules;
  readonly scanner: SecretScanner;
  /** null: all */
  readonly columns: readonly string[] | null;
  /** null: findings have no hash */
  readonly key: PiiKey | null;
  readonly waivers: WaiverBook;
}

export interface SecretsFiles {
  /** secrets.yaml, as named; null: the usual settings. A .toml file is one of rules, all else being usual */
  readonly config: string | null;
  readonly columns: readonly string[] | null;
  /** YYYY-MM-DD, for waivers; null: none of their last days has passed */
  readonly day: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a file of the project is; absolute. */
  pathOf(file: string): string;
  /** undefined: it is not there */
  readText(file: string): Promise<string | undefined>;
}

/** @throws PlumbError CONFIG_INVALID, YAML_SYNTAX, SECRET_RULES, PII_KEY, FILE_MISSING */
export async function openSecrets(files: SecretsFiles): Promise<SecretsAsked> {
  const { config: file } = files;
  const config = await readConfig(file, files);
  const rules = config.rules === undefined ? await defaultSecretRules() : await readSecretRules(files.pathOf(config.rules), config.rules);
  const waivers = config.waivers === undefined ? noWaivers : await readWaivers(await requireText(config.waivers, files), config.waivers, files.day);
  const key = openHashKey(config, files.env, file ?? 'secrets.yaml');
  return { config, rules, scanner: new SecretScanner(rules), columns: files.columns ?? config.columns ?? null, key, waivers };
}

async function readConfig(file: string | null, files: SecretsFiles): Promise<SecretsConfig> {
  if (file === null) return usualSecrets;
  if (file.toLowerCase().endsWith('.toml')) return { ...usualSecrets, rules: file };
  return parseYaml(await requireText(file, files), file, secretsSchema);
}

async function requireText(file: string, { readText }: SecretsFiles): Promise<string> {
  const text = await readText(file);
  if (text !== undefined) return text;
  throw new PlumbError('FILE_MISSING', { what: `there is no file ${file}`, where: { file }, mend: 'correct the name, or leave it out' });
}

/** @returns what tells the key of the hashes from another; null: there is none */
export function keyCheckOf({ config, key }: SecretsAsked): string | null {
  return key === null ? null : (config.key?.check ?? null);
}

/** Of the files that a user named on the command line. */
export function resolver(folder: string): (file: string) => string {
  return (file) => (isAbsolute(file) ? file : join(folder, file));
}
