// JSON Schema for values of rows: the part of draft 2020-12 that looks at a value alone. What it does not know is refused, never passed over; patterns are RE2.
import type { JsonValue } from '../../base/schema.ts';
import { valueText } from '../../datasets/row-content.ts';
import { patternProblem, patternTest } from './pattern.ts';
import { hasType, lengthOf } from './values.ts';

type Schema = Readonly<Record<string, JsonValue>>;
type Test = (value: unknown) => boolean;

const types = ['string', 'integer', 'number', 'boolean', 'array', 'object', 'null'];
const silent = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'format',
]);

/** What is wrong with a schema, or undefined. */
export function jsonSchemaProblem(schema: JsonValue): string | undefined {
  try {
    jsonSchemaTest(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error that says what of the schema is not known or not right */
export function jsonSchemaTest(schema: JsonValue): Test {
  if (typeof schema === 'boolean') return () => schema;
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) throw new Error('expected a schema: a mapping, true or false');
  const tests = Object.entries(schema).flatMap(([keyword, argument]) => keywordTest(keyword, argument, schema) ?? []);
  return (value) => tests.every((test) => test(value));
}

/** keywords that others read */
const partners = new Set(['minContains', 'maxContains']);

function keywordTest(keyword: string, argument: JsonValue, schema: Schema): Test | undefined {
  if (silent.has(keyword) || partners.has(keyword)) return undefined;
  const test =
    generalTest(keyword, argument) ?? sizeTest(keyword, argument) ?? listTest(keyword, argument, schema) ?? objectTest(keyword, argument, schema);
  if (test === undefined) throw new Error(`JSON Schema: "${keyword}" is not known here`);
  return test;
}

function generalTest(keyword: string, argument: JsonValue): Test | undefined {
  switch (keyword) {
    case 'type': {
      const names = Array.isArray(argument) ? argument : [argument];
      const wrong = names.find((name) => typeof name !== 'string' || !types.includes(name));
      if (wrong !== undefined) throw new Error(`JSON Schema: ${JSON.stringify(wrong)} is no type`);
      return (value) => names.some((name) => isOfType(value, name as string));
    }
    case 'enum':
      if (!Array.isArray(argument)) throw new Error('JSON Schema: "enum" is a list');
      return among(argument);
    case 'const':
      return among([argument]);
    case 'allOf':
    case 'anyOf':
    case 'oneOf': {
      const parts = listOf(keyword, argument).map(jsonSchemaTest);
      if (keyword === 'allOf') return (value) => parts.every((part) => part(value));
      if (keyword === 'anyOf') return (value) => parts.some((part) => part(value));
      return (value) => parts.filter((part) => part(value)).length === 1;
    }
    case 'not': {
      const part = jsonSchemaTest(argument);
      return (value) => !part(value);
    }
    default:
      return undefined;
  }
}

function sizeTest(keyword: string, argument: JsonValue): Test | undefined {
  if (keyword === 'pattern') {
    if (typeof argument !== 'string') throw new Error('JSON Schema: "pattern" is a text');
    const problem = patternProblem(argument);
    if (problem !== undefined) throw new Error(problem);
    const test = patternTest(argument);
    return (value) => typeof value !== 'string' || test(value);
  }
  const compare = numberTests[keyword];
  if (compare === undefined) return undefined;
  if (typeof argument !== 'number') throw new Error(`JSON Schema: "${keyword}" is a number`);
  return (value) => {
    const size = keyword.endsWith('Length')
      ? typeof value === 'string' && lengthOf(value)
      : keyword.endsWith('Items')
        ? Array.isArray(value) && value.length
        : keyword.endsWith('Properties')
          ? hasType(value, 'object') && Object.keys(value as object).length
          : value;
    return typeof size !== 'number' || compare(size, argument);
  };
}

const atLeast = (a: number, b: number): boolean => a >= b;
const atMost = (a: number, b: number): boolean => a <= b;
const numberTests: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  minimum: atLeast,
  maximum: atMost,
  exclusiveMinimum: (a, b) => a > b,
  exclusiveMaximum: (a, b) => a < b,
  multipleOf: (a, b) => Number.isInteger(a / b),
  minLength: atLeast,
  maxLength: atMost,
  minItems: atLeast,
  maxItems: atMost,
  minProperties: atLeast,
  maxProperties: atMost,
};

function listTest(keyword: string, argument: JsonValue, schema: Schema): Test | undefined {
  const ofLists =
    (test: (items: readonly unknown[]) => boolean): Test =>
    (value) =>
      !Array.isArray(value) || test(value);
  switch (keyword) {
    case 'items': {
      const test = jsonSchemaTest(argument);
      const first = Array.isArray(schema['prefixItems']) ? schema['prefixItems'].length : 0;
      return ofLists((items) => items.slice(first).every(test));
    }
    case 'prefixItems': {
      const tests = listOf(keyword, argument).map(jsonSchemaTest);
      return ofLists((items) => items.slice(0, tests.length).every((item, at) => tests[at]?.(item)));
    }
    case 'contains': {
      const test = jsonSchemaTest(argument);
      const { minContains = 1, maxContains = Number.POSITIVE_INFINITY } = schema as { minContains?: number; maxContains?: number };
      return ofLists((items) => {
        const found = items.filter(test).length;
        return found >= minContains && found <= maxContains;
      });
    }
    case 'uniqueItems':
      return ofLists((items) => argument !== true || new Set(items.map((item) => valueText(item, false))).size === items.length);
    default:
      return undefined;
  }
}

function objectTest(keyword: string, argument: JsonValue, schema: Schema): Test | undefined {
  const ofObjects =
    (test: (entries: readonly (readonly [string, unknown])[]) => boolean): Test =>
    (value) =>
      !hasType(value, 'object') || test(Object.entries(value as object));
  const tests = (of: JsonValue): Map<string, Test> => new Map(entriesOf(keyword, of).map(([name, part]) => [name, jsonSchemaTest(part)]));
  switch (keyword) {
    case 'required': {
      const names = listOf(keyword, argument);
      return ofObjects((entries) => names.every((name) => entries.some(([key]) => key === name)));
    }
    case 'properties': {
      const of = tests(argument);
      return ofObjects((entries) => entries.every(([key, value]) => of.get(key)?.(value) ?? true));
    }
    case 'patternProperties': {
      const of = patternTests(tests(argument));
      return ofObjects((entries) => entries.every(([key, value]) => of.every(({ matches, test }) => !matches(key) || test(value))));
    }
    case 'additionalProperties': {
      const test = jsonSchemaTest(argument);
      const named = new Set(entriesOf(keyword, schema['properties'] ?? {}).map(([name]) => name));
      const patterns = entriesOf(keyword, schema['patternProperties'] ?? {}).map(([source]) => patternTest(source));
      return ofObjects((entries) => entries.every(([key, value]) => named.has(key) || patterns.some((matches) => matches(key)) || test(value)));
    }
    case 'propertyNames': {
      const test = jsonSchemaTest(argument);
      return ofObjects((entries) => entries.every(([key]) => test(key)));
    }
    default:
      return undefined;
  }
}

function patternTests(of: ReadonlyMap<string, Test>): { matches: (text: string) => boolean; test: Test }[] {
  return [...of].map(([source, test]) => {
    const problem = patternProblem(source);
    if (problem !== undefined) throw new Error(problem);
    return { matches: patternTest(source), test };
  });
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  return hasType(value, (type === 'array' ? 'list' : type) as 'string');
}

function among(values: readonly JsonValue[]): Test {
  const names = new Set(values.map((value) => valueText(value, false)));
  return (value) => names.has(valueText(value, false));
}

function listOf(keyword: string, argument: JsonValue): readonly JsonValue[] {
  if (!Array.isArray(argument)) throw new Error(`JSON Schema: "${keyword}" is a list`);
  return argument;
}

function entriesOf(keyword: string, argument: JsonValue): [string, JsonValue][] {
  if (argument === null || typeof argument !== 'object' || Array.isArray(argument)) throw new Error(`JSON Schema: "${keyword}" is a mapping`);
  return Object.entries(argument);
}
