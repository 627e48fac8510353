// Hyperparameters: params.yaml, and the part of it that a stage reads.
import { byCodeUnit } from '../base/canonical.ts';
import { isBlankYaml, loadYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { JsonValue } from '../base/schema.ts';
import { files } from '../project/layout.ts';

export type Params = { [key: string]: JsonValue };

/** @throws PlumbError YAML_SYNTAX, CONFIG_INVALID when it is no mapping */
export function parseParams(text: string | undefined): Params {
  if (text === undefined || isBlankYaml(text)) return {};
  let value: unknown;
  try {
    value = loadYaml(text, files.params) ?? {};
  } catch (error) {
    const mark = (error as { mark?: { line: number; column: number } }).mark;
    throw new PlumbError('YAML_SYNTAX', {
      what: `${files.params} does not parse: ${(error as { reason?: string }).reason ?? String(error)}`,
      where: { file: files.params, ...(mark ? { line: mark.line + 1, column: mark.column + 1 } : {}) },
      mend: 'mend the YAML at this place',
      cause: error,
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new PlumbError('CONFIG_INVALID', {
      what: `${files.params} is no mapping`,
      where: { file: files.params, line: 1 },
      mend: 'write `name: value` lines',
    });
  }
  return value as Params;
}

/** The value at a dotted key, or undefined. */
export function lookUp(value: JsonValue, key: string): JsonValue | undefined {
  let current: JsonValue | undefined = value;
  for (const name of key.split('.')) {
    if (current === null || typeof current !== 'object') return undefined;
    if (Array.isArray(current)) current = current[Number(name)];
    else current = Object.hasOwn(current, name) ? current[name] : undefined;
  }
  return current;
}

/** Every dotted key of a value, for suggestions. */
export function keysOf(value: JsonValue, prefix = ''): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [prefix + name, ...keysOf(inner, `${prefix}${name}.`)]);
}

/**
 * What a command reads of params.yaml: dotted key -> value.
 * @throws PlumbError PARAM_MISSING
 */
export function pickParams(params: Params, keys: readonly string[], stage: string): Record<string, JsonValue> {
  const picked: Record<string, JsonValue> = {};
  for (const key of keys.toSorted(byCodeUnit)) {
    const value = lookUp(params, key);
    if (value === undefined) {
      throw new PlumbError('PARAM_MISSING', {
        what: `stage "${stage}" reads the hyperparameter "${key}", which is not there.${didYouMean(key, keysOf(params))}`,
        where: { file: files.params },
        mend: `add ${key} to ${files.params}, or take it out of the stage's params`,
      });
    }
    picked[key] = value;
  }
  return picked;
}

/**
 * The one mapping that a built-in step reads: its sections of params.yaml laid over each other. `[train]` gives what stands below `train`;
 * `[train.epochs]` gives { epochs }. A missing section is empty: the step has defaults.
 */
export function sectionFor(params: Params, keys: readonly string[]): Params {
  const section: Params = {};
  for (const key of keys) {
    const value = lookUp(params, key);
    if (value === undefined) continue;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) Object.assign(section, value);
    else section[key.split('.').at(-1) ?? key] = value;
  }
  return section;
}

/** One `--set train.epochs=5`. The value is YAML: 5, 0.1, true, [1, 2], text. */
export interface Setting {
  readonly key: string;
  readonly value: JsonValue;
}

/** @throws PlumbError USAGE */
export function parseSetting(text: string): Setting {
  const at = text.indexOf('=');
  if (at < 1) throw new PlumbError('USAGE', { what: `--set ${text}: expected key=value`, mend: 'write --set train.epochs=5' });
  const key = text.slice(0, at);
  if (key.split('.').some((name) => name === '' || name === '__proto__'))
    throw new PlumbError('USAGE', { what: `--set ${text}: "${key}" is no key`, mend: 'write --set train.epochs=5' });
  try {
    return { key, value: (loadYaml(text.slice(at + 1), '--set') ?? null) as JsonValue };
  } catch (error) {
    throw new PlumbError('USAGE', {
      what: `--set ${text}: the value is not YAML`,
      mend: 'put quotes around a text with special characters',
      cause: error,
    });
  }
}

/**
 * params.yaml with settings written into it; comments and order stay.
 * @param known keys that stages read: a setting that none reads would change nothing
 * @throws PlumbError PARAM_MISSING
 */
export async function writeSettings(text: string, settings: readonly Setting[], known: readonly string[]): Promise<string> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  for (const { key, value } of settings) {
    const read = known.some((name) => name === key || key.startsWith(`${name}.`) || name.startsWith(`${key}.`));
    if (!read) {
      throw new PlumbError('PARAM_MISSING', {
        what: `--set ${key}: no stage reads it.${didYouMean(key, [...known, ...keysOf(document.toJS() as JsonValue)])}`,
        mend: `stages read: ${known.length === 0 ? 'none' : known.join(', ')}`,
      });
    }
    document.setIn(key.split('.'), value);
  }
  return document.toString({ lineWidth: 0 });
}
