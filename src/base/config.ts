// Reading a configuration file: text -> value -> checked by its zod schema. The fast path knows no positions; only a file
// that is wrong is parsed again, by a slower parser that does, to say line and column.
import { readFile } from 'node:fs/promises';
import { load, YAMLException } from 'js-yaml';
import type { core, ZodType } from 'zod';
import { errnoOf, isPlumbError, PlumbError, systemError, type Where } from './errors.ts';
import { nearest } from './names.ts';

/**
 * @param file name for messages, relative to the project
 * @throws PlumbError YAML_SYNTAX, CONFIG_INVALID
 */
export async function parseYaml<T>(text: string, file: string, schema: ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = isBlankYaml(text) ? {} : loadYaml(text, file);
  } catch (error) {
    throw yamlSyntax(error, file);
  }
  return checkValue(value ?? {}, file, schema, () => yamlPositions(text));
}

/** Values that a file may hold once its aliases are written out: a pipeline of thousands of stages has some ten thousand. */
const mostValues = 1_000_000;
const deepestNesting = 200;

/**
 * The value of a YAML text: no tags that make objects, no key twice. A text of a kilobyte can name a billion values by aliases of aliases, or
 * itself; whoever walks through the value would not come to an end, so it is measured first.
 * @throws YAMLException, as js-yaml throws it
 */
export function loadYaml(text: string, file: string): unknown {
  const value = load(text, { filename: file });
  measure(value, new Map());
  return value;
}

interface Extent {
  readonly values: number;
  readonly height: number;
}

/** Each node once, however many aliases lead to it. */
function measure(value: unknown, known: Map<object, Extent>): Extent {
  if (value === null || typeof value !== 'object') return { values: 1, height: 0 };
  const before = known.get(value);
  if (before !== undefined) return before;
  // zod leaves such a key out without a word
  if (Object.hasOwn(value, '__proto__')) throw new YAMLException('"__proto__" is no key');
  // while it is open: whatever leads back here has no end
  known.set(value, { values: Number.POSITIVE_INFINITY, height: 0 });
  let [values, height] = [1, 0];
  for (const inner of Object.values(value)) {
    const extent = measure(inner, known);
    values += extent.values;
    height = Math.max(height, extent.height + 1);
    if (values > mostValues) throw new YAMLException(`with its aliases written out it holds more than ${mostValues} values`);
    if (height > deepestNesting) throw new YAMLException(`with its aliases written out it is nested deeper than ${deepestNesting}`);
  }
  known.set(value, { values, height });
  return { values, height };
}

/** Nothing but comments and blank lines: an empty mapping to whoever wrote it, an error to js-yaml 5. */
export function isBlankYaml(text: string): boolean {
  return text.split('\n').every((line) => line.trim() === '' || line.trimStart().startsWith('#'));
}

/** @throws PlumbError JSON_SYNTAX, CONFIG_INVALID */
export async function parseJson<T>(text: string, file: string, schema: ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PlumbError('JSON_SYNTAX', {
      what: `${file} is not JSON: ${(error as Error).message}`,
      where: { file },
      mend: 'restore the file from git',
      cause: error,
    });
  }
  // JSON is YAML: the same positions serve both
  return checkValue(value, file, schema, () => yamlPositions(text));
}

/**
 * Reads and checks a YAML file of the project.
 * @returns undefined when the file is not there
 */
export async function readYamlFile<T>(path: string, file: string, schema: ZodType<T>): Promise<T | undefined> {
  const text = await readTextFile(path, file);
  return text === undefined ? undefined : parseYaml(text, file, schema);
}

/** @returns the text (byte order mark taken off), or undefined when the file is not there */
export async function readTextFile(path: string, file: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof TypeError) {
      throw new PlumbError('YAML_SYNTAX', { what: `${file} is not UTF-8`, where: { file }, mend: 'save the file as UTF-8', cause: error });
    }
    throw systemError(error, 'read', path);
  }
}

export type Position = { line: number; column: number };
/** Where the value at a path stands, or its key; where there is none, what it would be in. */
export type Positions = (path: readonly PropertyKey[], ofKey: boolean) => Position | undefined;

async function checkValue<T>(value: unknown, file: string, schema: ZodType<T>, positions: () => Promise<Positions>): Promise<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const at = await positions();
  // a misspelled key is missing under its right name as well: what stands there comes first
  const misspelled = (entry: { issue: core.$ZodIssue }): number => (entry.issue.code === 'unrecognized_keys' ? 0 : 1);
  const issues = flatten(result.error.issues).toSorted((a, b) => misspelled(a) - misspelled(b));
  const texts = issues.map((issue) => describeIssue(issue, value, schema, at));
  const [first, ...rest] = texts;
  if (first === undefined) throw new Error('zod refused without an issue');
  throw new PlumbError('CONFIG_INVALID', {
    what:
      first.what +
      (rest.length === 0
        ? ''
        : ` (and ${rest.length} more: ${rest
            .slice(0, 3)
            .map(({ what, where: { line } }) => (line === undefined ? what : `line ${line}: ${what}`))
            .join('; ')})`),
    where: { file, ...first.where },
    mend: first.mend,
    details: { problems: texts.map((text) => ({ what: text.what, mend: text.mend, ...text.where })) },
  });
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly what: string;
  readonly mend: string;
  readonly ofKey: boolean;
}

/** Unions report the branch that came nearest: the one whose first complaint lies deepest. */
function flatten(issues: readonly core.$ZodIssue[], prefix: readonly PropertyKey[] = []): { issue: core.$ZodIssue; path: readonly PropertyKey[] }[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ issue, path }];
    const branches = issue.errors.map((branch) => flatten(branch, path));
    const depth = (branch: (typeof branches)[number]): number =>
      Math.max(...branch.map((entry) => entry.path.length + (entry.issue.code === 'invalid_type' ? 0 : 0.5)));
    const deepest = branches.toSorted((a, b) => depth(b) - depth(a))[0];
    return deepest !== undefined && depth(deepest) > path.length + 0.5 ? deepest : [{ issue, path }];
  });
}

function describeIssue(
  entry: { issue: core.$ZodIssue; path: readonly PropertyKey[] },
  value: unknown,
  schema: ZodType,
  at: Positions,
): { what: string; mend: string; where: Where } {
  const issue = sentence(entry.issue, entry.path, value, schema);
  const position = at(issue.path, issue.ofKey);
  return { what: issue.what, mend: issue.mend, where: { ...position, path: issue.path.map(String).join('.') } };
}

function sentence(issue: core.$ZodIssue, path: readonly PropertyKey[], value: unknown, schema: ZodType): Issue {
  const name = path.length === 0 ? 'the file' : `"${path.map(String).join('.')}"`;
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = [...new Set(knownKeys(schema, path))];
    const near = nearest(key, known);
    return {
      path: [...path, key],
      ofKey: true,
      what: `unknown key ${show(key)}${path.length === 0 ? '' : ` in ${name}`}`,
      mend:
        near !== undefined
          ? `did you mean "${near}"?`
          : known.length > 0
            ? `valid keys: ${known.join(', ')}`
            : 'take the key out, or see the reference of this file in docs/reference',
    };
  }
  const actual = valueAt(value, path);
  if (actual === undefined) return { path, ofKey: false, what: `${name} is missing: ${expectation(issue)}`, mend: `add ${name}` };
  return {
    path,
    ofKey: false,
    what: `${name} is ${show(actual)}: ${expectation(issue)}`,
    mend: 'correct the value; docs/reference has the format of this file',
  };
}

/** What a schema calls its types, in the words of who writes YAML. */
const typeWords: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function expectation(issue: core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${typeWords[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `expected ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`;
  return issue.message.replace(/^Invalid input: /, '');
}

/** The keys that a schema knows at a path; several branches of a union add up. */
export function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  const def = (schema as { _zod: { def: SchemaDef } })._zod.def;
  if (def.innerType !== undefined) return knownKeys(def.innerType, path);
  if (def.in !== undefined) return knownKeys(def.in, path);
  if (def.options !== undefined) return def.options.flatMap((option) => knownKeys(option, path));
  const [key, ...rest] = path;
  if (def.shape !== undefined) {
    if (key === undefined) return Object.keys(def.shape);
    const inner = def.shape[String(key)];
    return inner === undefined ? [] : knownKeys(inner, rest);
  }
  const item = def.valueType ?? def.element;
  return item === undefined || key === undefined ? [] : knownKeys(item, rest);
}

/** The parts of zod's own description of a schema that lead to keys. */
interface SchemaDef {
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly options?: readonly unknown[];
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly valueType?: unknown;
  readonly element?: unknown;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current: unknown = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/**
 * What is found wrong with a file only later, and says where by its path of keys, is told with its line.
 * @param text of the file
 * @throws what `work` throws
 */
export async function withLines<T>(file: string, text: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isPlumbError(error) || error.where?.file !== file || error.where.path === undefined || error.where.line !== undefined) throw error;
    const { code, message: what, where, mend, details = {}, cause } = error;
    const place = (await yamlPositions(text))(where.path?.split('.') ?? [], false);
    throw new PlumbError(code, { what, where: { ...where, ...place }, mend, details, cause });
  }
}

/** Places in a text of YAML or JSON, for messages about what it says. Slow: it is parsed again. */
export async function yamlPositions(text: string): Promise<Positions> {
  const { isMap, isNode, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const position = (node: unknown): Position | undefined => {
    if (!isNode(node) || !node.range) return undefined;
    const { line, col } = lines.linePos(node.range[0]);
    return { line, column: col };
  };
  return (path, ofKey) => {
    for (let length = path.length; length >= 0; length -= 1) {
      const parent = length === 0 ? document.contents : document.getIn(path.slice(0, length - 1), true);
      if (ofKey && length === path.length && isMap(parent)) {
        const pair = parent.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === String(path.at(-1)));
        const found = position(pair?.key);
        if (found) return found;
      }
      const found = position(length === 0 ? parent : document.getIn(path.slice(0, length), true));
      if (found) return found;
    }
    return undefined;
  };
}

function yamlSyntax(error: unknown, file: string): PlumbError {
  const mark = (error as { mark?: { line: number; column: number } }).mark;
  const reason = (error as { reason?: string }).reason ?? String(error);
  const conflict = /duplicated mapping key/.test(reason);
  return new PlumbError('YAML_SYNTAX', {
    what: `${file} does not parse: ${reason}`,
    where: { file, ...(mark ? { line: mark.line + 1, column: mark.column + 1 } : {}) },
    mend: conflict ? 'a key stands twice: keep one of the two' : 'mend the YAML at this place; a value that holds ": " or "#" needs quotes',
    cause: error,
  });
}
