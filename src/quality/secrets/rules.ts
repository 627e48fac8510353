// gitleaks' rules, read as they are: a TOML file of patterns, keywords, entropies, paths and allow lists, which may extend the default rules or another
// file. What its program does with them is in scan.ts.
// Source: https://github.com/gitleaks/gitleaks, config/config.go of 8.30.1
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, TomlError } from 'smol-toml';
import { byCodeUnit } from '../../base/canonical.ts';
import { errnoOf, PlumbError, systemError } from '../../base/errors.ts';
import { z } from '../../base/schema.ts';
import { compileGoRegex, type GoRegex } from './go-regex.ts';

const texts = z.array(z.string()).default([]);
const allowlistSchema = z.looseObject({
  description: z.string().optional(),
  condition: z.string().optional(),
  commits: texts,
  paths: texts,
  regexTarget: z.string().optional(),
  regexes: texts,
  stopwords: texts,
});
const ruleSchema = z.looseObject({
  id: z.string().default(''),
  description: z.string().default(''),
  path: z.string().optional(),
  regex: z.string().optional(),
  secretGroup: z.number().int().nonnegative().default(0),
  entropy: z.number().default(0),
  keywords: texts,
  tags: texts,
  allowlist: allowlistSchema.optional(),
  allowlists: z.array(allowlistSchema).default([]),
  required: z.array(z.looseObject({ id: z.string(), withinLines: z.number().optional(), withinColumns: z.number().optional() })).default([]),
  skipReport: z.boolean().default(false),
});
const configSchema = z.looseObject({
  title: z.string().optional(),
  minVersion: z.string().optional(),
  extend: z.looseObject({ path: z.string().optional(), useDefault: z.boolean().default(false), disabledRules: texts }).optional(),
  rules: z.array(ruleSchema).default([]),
  allowlist: allowlistSchema.extend({ targetRules: texts }).optional(),
  allowlists: z.array(allowlistSchema.extend({ targetRules: texts })).default([]),
});
type Config = z.infer<typeof configSchema>;
type RuleText = Config['rules'][number] & { readonly file: string };
type AllowlistText = z.infer<typeof allowlistSchema> & { readonly file: string; readonly at: string };

export interface Allowlist {
  /** all that is named must hold, not any of it */
  readonly all: boolean;
  readonly paths: readonly GoRegex[];
  readonly regexes: readonly GoRegex[];
  readonly target: 'secret' | 'match' | 'line';
  /** in lower case */
  readonly stopwords: readonly string[];
  readonly commits: boolean;
}

export interface SecretRule {
  readonly id: string;
  readonly description: string;
  /** null: the name of a file says it all */
  readonly regex: GoRegex | null;
  readonly path: GoRegex | null;
  readonly secretGroup: number;
  readonly entropy: number;
  /** in lower case; none: every text is looked at */
  readonly keywords: readonly string[];
  readonly allowlists: readonly Allowlist[];
  readonly required: readonly { readonly id: string; readonly withinLines: number | null; readonly withinColumns: number | null }[];
  readonly skipReport: boolean;
}

export interface SecretRules {
  /** sorted by id */
  readonly rules: readonly SecretRule[];
  readonly allowlists: readonly Allowlist[];
  /** all texts that were read, in their order: what the rules depend on */
  readonly sources: readonly string[];
  /** what of the files has no meaning here */
  readonly notes: readonly string[];
}

const gitleaksFile = fileURLToPath(new URL('../../../vendor/gitleaks/gitleaks.toml', import.meta.url));
const secretlintFile = fileURLToPath(new URL('../../../vendor/secretlint/secretlint.toml', import.meta.url));

/** gitleaks' rules and some of secretlint's: those that gitleaks has none for. */
export async function defaultSecretRules(): Promise<SecretRules> {
  const [gitleaks, secretlint] = await Promise.all([readFile(gitleaksFile, 'utf8'), readFile(secretlintFile, 'utf8')]);
  const base = flatten(parseConfig(gitleaks, 'gitleaks.toml'), 'gitleaks.toml');
  return compileRules(extend(flatten(parseConfig(secretlint, 'secretlint.toml'), 'secretlint.toml'), base, []), [gitleaks, secretlint], []);
}

/**
 * @param path absolute; `extend.path` is relative to its folder
 * @param file name for messages
 * @throws PlumbError SECRET_RULES, FILE_MISSING
 */
export async function readSecretRules(path: string, file: string): Promise<SecretRules> {
  const sources: string[] = [];
  const notes: string[] = [];
  const flat = await readExtended(path, file, { depth: 0, sources, notes });
  return compileRules(flat, sources, notes);
}

/** The same of a text that extends nothing but the defaults. */
export async function parseSecretRules(text: string, file: string): Promise<SecretRules> {
  const config = parseConfig(text, file);
  const sources = [text];
  const flat = await extendBy(config, flatten(config, file), file, { depth: 0, sources, notes: [] }, null);
  return compileRules(flat, sources, []);
}

interface FlatRules {
  readonly rules: ReadonlyMap<string, RuleText>;
  readonly allowlists: readonly (AllowlistText & { readonly targets: readonly string[] })[];
}

interface Reading {
  readonly depth: number;
  readonly sources: string[];
  readonly notes: string[];
}

/** As gitleaks: a file, what it extends, and what that extends. */
const deepest = 2;

async function readExtended(path: string, file: string, reading: Reading): Promise<FlatRules> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw systemError(error, 'read', path);
    throw new PlumbError('FILE_MISSING', { what: `there is no file ${file}`, where: { file }, mend: 'name a TOML file of rules', cause: error });
  });
  reading.sources.push(text);
  const config = parseConfig(text, file);
  return extendBy(config, flatten(config, file), file, reading, dirname(path));
}

async function extendBy(config: Config, own: FlatRules, file: string, reading: Reading, folder: string | null): Promise<FlatRules> {
  const { extend: wish } = config;
  if (wish === undefined || reading.depth >= deepest) return own;
  const inner = { ...reading, depth: reading.depth + 1 };
  if (wish.useDefault && wish.path !== undefined) throw wrong(file, 'extend', 'useDefault and path stand side by side', 'take one of them out');
  if (wish.useDefault) {
    const text = await readFile(gitleaksFile, 'utf8');
    reading.sources.push(text);
    return extend(own, flatten(parseConfig(text, 'gitleaks.toml'), 'gitleaks.toml'), wish.disabledRules);
  }
  if (wish.path === undefined) return own;
  if (folder === null) throw wrong(file, 'extend.path', 'a file is extended, which is not at hand here', 'use extend.useDefault');
  const path = isAbsolute(wish.path) ? wish.path : join(folder, wish.path);
  return extend(own, await readExtended(path, wish.path, inner), wish.disabledRules);
}

/** A rule that both have is that of the base, with what the file says otherwise; lists add up. */
function extend(own: FlatRules, base: FlatRules, disabled: readonly string[]): FlatRules {
  const rules = new Map(own.rules);
  for (const [id, rule] of base.rules) {
    if (disabled.includes(id)) continue;
    const over = own.rules.get(id);
    rules.set(id, over === undefined ? rule : mergeRule(rule, over));
  }
  return { rules, allowlists: [...own.allowlists, ...base.allowlists] };
}

function mergeRule(base: RuleText, over: RuleText): RuleText {
  return {
    ...base,
    file: over.file,
    description: over.description || base.description,
    entropy: over.entropy || base.entropy,
    secretGroup: over.secretGroup || base.secretGroup,
    regex: over.regex ?? base.regex,
    path: over.path ?? base.path,
    tags: [...base.tags, ...over.tags],
    keywords: [...base.keywords, ...over.keywords],
    allowlists: [...listsOf(base), ...listsOf(over)],
    allowlist: undefined,
  };
}

function listsOf(rule: RuleText): RuleText['allowlists'] {
  return rule.allowlist === undefined ? rule.allowlists : [...rule.allowlists, rule.allowlist];
}

function parseConfig(text: string, file: string): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const where = { file, line: error.line, column: error.column };
    throw new PlumbError('SECRET_RULES', {
      what: `${file} is not TOML: ${error.message.split('\n')[0]}`,
      where,
      mend: 'correct the file',
      cause: error,
    });
  }
  const result = configSchema.safeParse(lowerKeys(value));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw wrong(file, issue?.path.join('.') ?? '', issue?.message ?? 'it has another shape', 'see gitleaks for the form of its rules');
}

const camel = [
  'regexTarget',
  'secretGroup',
  'withinLines',
  'withinColumns',
  'skipReport',
  'minVersion',
  'useDefault',
  'disabledRules',
  'targetRules',
];
const written = new Map(camel.map((key) => [key.toLowerCase(), key]));

/** gitleaks reads keys in any case: stopWords, StopWords, stopwords. */
function lowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerKeys);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [written.get(key.toLowerCase()) ?? key.toLowerCase(), lowerKeys(inner)]));
}

function flatten(config: Config, file: string): FlatRules {
  const rules = new Map<string, RuleText>();
  config.rules.forEach((rule, at) => {
    if (rule.id.trim() === '') throw wrong(file, `rules.${at}`, 'a rule has no id', 'give it one');
    rules.set(rule.id, { ...rule, file });
  });
  const all = [...config.allowlists, ...(config.allowlist === undefined ? [] : [config.allowlist])];
  return { rules, allowlists: all.map((list, at) => ({ ...list, file, at: `allowlists.${at}`, targets: list.targetRules })) };
}

function compileRules(flat: FlatRules, sources: readonly string[], notes: readonly string[]): SecretRules {
  const targeted = flat.allowlists.flatMap((list) => list.targets);
  for (const { targets, file, at } of flat.allowlists)
    for (const id of targets) if (!flat.rules.has(id)) throw wrong(file, at, `targetRules names "${id}", which is no rule`, 'correct the name');
  for (const rule of flat.rules.values())
    for (const { id } of rule.required)
      if (!flat.rules.has(id)) throw wrong(rule.file, rule.id, `"required" names "${id}", which is no rule`, 'correct the name');
  const rules = [...flat.rules.values()]
    .toSorted((a, b) => byCodeUnit(a.id, b.id))
    .map((rule) => compileRule(rule, targeted.length === 0 ? [] : flat.allowlists));
  const global = flat.allowlists.filter(({ targets }) => targets.length === 0).map(compileAllowlist);
  const commits = global.some((list) => list.commits) || rules.some(({ allowlists }) => allowlists.some((list) => list.commits));
  return {
    rules,
    allowlists: global,
    sources,
    notes: [...notes, ...(commits ? ['allow lists by commit say nothing of data and were left out'] : [])],
  };
}

function compileRule(rule: RuleText, targeting: FlatRules['allowlists']): SecretRule {
  const { id, file, description, secretGroup, entropy, skipReport } = rule;
  const keywords = [...new Set(rule.keywords.map((keyword) => keyword.toLowerCase()))].filter((keyword) => keyword !== '');
  const regex = rule.regex === undefined || rule.regex === '' ? null : compileGoRegex(rule.regex, keywords, { file, path: `rules.${id}.regex` });
  const path = rule.path === undefined || rule.path === '' ? null : compileGoRegex(rule.path, [], { file, path: `rules.${id}.path` });
  if (regex === null && path === null) throw wrong(file, id, 'a rule has neither regex nor path', 'give it one of them');
  if (regex !== null && secretGroup > regex.groupCount)
    throw wrong(file, `${id}.secretGroup`, `group ${secretGroup} of a pattern with ${regex.groupCount}`, 'name a group that is there');
  const own = listsOf(rule).map((list, at) => ({ ...list, file, at: `rules.${id}.allowlists.${at}` }));
  const aimed = targeting.filter(({ targets }) => targets.includes(id));
  const required = rule.required.map((one) => ({ id: one.id, withinLines: one.withinLines ?? null, withinColumns: one.withinColumns ?? null }));
  return { id, description, regex, path, secretGroup, entropy, keywords, allowlists: [...own, ...aimed].map(compileAllowlist), required, skipReport };
}

function compileAllowlist(list: AllowlistText): Allowlist {
  const { file, at, condition = '', regexTarget = '' } = list;
  const all = /^(and|&&)$/i.test(condition);
  if (!all && !/^(|or|\|\|)$/i.test(condition)) throw wrong(file, `${at}.condition`, `"${condition}" is no condition`, 'write "AND" or "OR"');
  const target = regexTarget === '' ? 'secret' : regexTarget;
  if (target !== 'secret' && target !== 'match' && target !== 'line')
    throw wrong(file, `${at}.regexTarget`, `"${regexTarget}" is nothing to look at`, 'write "secret", "match" or "line"');
  if ([list.commits, list.paths, list.regexes, list.stopwords].every(({ length }) => length === 0))
    throw wrong(file, at, 'an allow list allows nothing', 'give it paths, regexes or stopwords');
  const compile = (patterns: readonly string[], kind: string): GoRegex[] =>
    patterns.map((one, index) => compileGoRegex(one, [], { file, path: `${at}.${kind}.${index}` }));
  return {
    all,
    target,
    paths: compile(list.paths, 'paths'),
    regexes: compile(list.regexes, 'regexes'),
    stopwords: [...new Set(list.stopwords.map((one) => one.toLowerCase()))],
    commits: list.commits.length > 0,
  };
}

function wrong(file: string, path: string, what: string, mend: string): PlumbError {
  return new PlumbError('SECRET_RULES', { what: `${file}, ${path}: ${what}`, where: { file, path }, mend });
}
