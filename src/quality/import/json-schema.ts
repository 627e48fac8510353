// JSON Schema of a row (draft 4 to 2020-12): its properties are columns. Null is missing here, and so is an empty text; what looks at several columns at once,
// or at what a row has not, is mostly refused by name.
import type { JsonValue } from '../../base/schema.ts';
import { jsonSchemaProblem } from '../rules/json-schema.ts';
import { patternProblem } from '../rules/pattern.ts';
import { checkRule } from './check-rule.ts';
import { columnText, Gathering, isMapping, notOfForm, refuse, type Imported, type Mapping } from './imported.ts';
import { writtenOut } from './json-schema-refs.ts';
import type { RuleInput } from './rules-text.ts';

export function isJsonSchema(value: unknown): boolean {
  return (
    isMapping(value) &&
    (isMapping(value['properties']) || (typeof value['$schema'] === 'string' && value['$schema'].includes('json-schema')) || '$ref' in value)
  );
}

/** @throws PlumbError CONFIG_INVALID for what is no schema of an object */
export function importJsonSchema(value: unknown, file: string): Imported {
  if (!isMapping(value)) throw notOfForm(file, 'is no JSON Schema of a row', 'give the schema of one row: {"type": "object", "properties": {...}}');
  const found = new Gathering();
  found.attempt('$ref', null, () => {
    const { $defs: _, definitions: __, ...whole } = value;
    importRow(writtenOutRow(whole, value), value, found);
  });
  return found;
}

/** The row's own $ref; those of properties are written out one by one, so that one that has no end takes no other with it. */
function writtenOutRow(schema: Mapping, root: Mapping, depth = 0): Mapping {
  if (!('$ref' in schema)) return schema;
  if (depth > 20) return refuse('its $ref leads back to itself');
  const { $ref, ...own } = schema;
  const name = typeof $ref === 'string' && $ref.startsWith('#/') ? $ref.slice(2).split('/') : [];
  const named = name.reduce<unknown>((at, step) => (isMapping(at) ? at[decodeURIComponent(step)] : undefined), root);
  if (!isMapping(named)) return refuse(`its $ref ${JSON.stringify($ref)} names nothing in this file`);
  return writtenOutRow({ ...named, ...own }, root, depth + 1);
}

/** said of the row; they ask nothing */
const silent = new Set([
  '$schema',
  '$id',
  'id',
  '$comment',
  '$anchor',
  '$vocabulary',
  'title',
  'description',
  'default',
  'examples',
  'properties',
  'required',
  'additionalProperties',
]);

function importRow(schema: Mapping, root: Mapping, found: Gathering): void {
  const properties = isMapping(schema['properties']) ? schema['properties'] : {};
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as unknown[]).filter((name) => typeof name === 'string') : []);
  for (const [column, part] of Object.entries(properties)) {
    found.attempt('properties', column, () => importColumn(column, writtenOut(part, root), required.has(column), found));
    required.delete(column);
  }
  for (const column of required) found.rule({ column, not_missing: true });
  const { type } = schema;
  if (type !== undefined && type !== 'object' && !(Array.isArray(type) && type.includes('object'))) found.refuse('type', null, 'a row is an object');
  if (schema['additionalProperties'] !== undefined && schema['additionalProperties'] !== true) otherColumns(schema, Object.keys(properties), found);
  for (const [keyword, argument] of Object.entries(schema))
    if (!silent.has(keyword) && keyword !== 'type') found.attempt(keyword, null, () => rowKeyword(keyword, argument, root, found));
}

function otherColumns(schema: Mapping, names: string[], found: Gathering): void {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  if (schema['additionalProperties'] !== false) return found.refuse('additionalProperties', null, 'columns that are not named have no rule');
  if (names.length === 0) return found.refuse('additionalProperties', null, 'no column is named');
  const isWhole = names.every((name) => required.includes(name));
  found.rule({ table: isWhole ? { columns_any_order: names } : { columns_within: names } });
}

function rowKeyword(keyword: string, argument: unknown, root: Mapping, found: Gathering): void {
  if (keyword === 'allOf' && Array.isArray(argument)) {
    for (const part of argument) {
      if (!isMapping(part)) return refuse('a part of it is no schema of a row');
      importRow(writtenOutRow(part, root), root, found);
    }
    return;
  }
  if (keyword === 'dependentRequired' || keyword === 'dependencies') {
    for (const [column, needed] of Object.entries(isMapping(argument) ? argument : {})) {
      if (!Array.isArray(needed)) return refuse('it holds a schema');
      const all = needed.map((name) => `${columnText(String(name))} is not missing`).join(' and ');
      if (all !== '') found.rule({ row: `${columnText(column)} is not missing implies ${all}` });
    }
    return;
  }
  refuse('it looks at a row as a whole: write it as a `row:` condition');
}

/** draft 3 has it in the property */
function importColumn(column: string, part: unknown, required: boolean, found: Gathering): void {
  if (part === true) part = {};
  if (!isMapping(part)) return refuse('no row may have it: no rule says that');
  const nullable = allowsNull(part);
  const wanted = required || part['required'] === true;
  if (wanted && nullable) found.note('required', column, 'a null is allowed there, so that only the key must be there: no rule says that');
  const checks: Record<string, unknown> = wanted && !nullable ? { not_missing: true } : {};
  if (wanted && !nullable && mayBeEmpty(part)) found.note('required', column, 'an empty text is missing here');
  const left: Record<string, unknown> = {};
  for (const [keyword, argument] of Object.entries(part))
    found.attempt(keyword, column, () => {
      const made = columnKeyword(keyword, argument, part);
      if (made === null) left[keyword] = argument;
      else {
        checkRule({ column, ...made, not_missing: true });
        Object.assign(checks, made);
      }
    });
  if (Object.keys(left).length > 0) found.attempt(Object.keys(left).join(', '), column, () => Object.assign(checks, nested(left, part)));
  const desc = [part['title'], part['description']].find((text) => typeof text === 'string' && text.trim() !== '');
  if (Object.keys(checks).length > 0) found.rule({ column, ...(desc === undefined ? {} : { desc }), ...checks } as RuleInput);
}

function typesOf({ type }: Mapping): unknown[] {
  return Array.isArray(type) ? type : type === undefined ? [] : [type];
}

function allowsNull(part: Mapping): boolean {
  return typesOf(part).includes('null') || part['nullable'] === true || (Array.isArray(part['enum']) && part['enum'].includes(null));
}

function mayBeEmpty(part: Mapping): boolean {
  const least = part['minLength'];
  return (
    typesOf(part).includes('string') &&
    !(typeof least === 'number' && least > 0) &&
    part['enum'] === undefined &&
    part['format'] === undefined &&
    part['pattern'] === undefined
  );
}

const ofTelling = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$comment',
  '$id',
  'id',
  'deprecated',
  'readOnly',
  'writeOnly',
  'required',
  'nullable',
  '$schema',
]);
const typeNames: Readonly<Record<string, string>> = { array: 'list' };
const formats: Readonly<Record<string, string>> = {
  date: 'date',
  time: 'time',
  'date-time': 'datetime',
  uuid: 'uuid',
  email: 'email',
  ipv4: 'ipv4',
  uri: 'uri',
};

/** @returns checks; null: it looks into lists and objects. @throws Refused */
function columnKeyword(keyword: string, argument: unknown, part: Mapping): Record<string, unknown> | null {
  if (ofTelling.has(keyword)) return {};
  switch (keyword) {
    case 'type':
      return typeCheck(typesOf(part));
    case 'enum':
      return scalars(argument);
    case 'const':
      return scalars([argument]);
    case 'minimum':
      return part['exclusiveMinimum'] === true ? { above: argument } : { min: argument };
    case 'maximum':
      return part['exclusiveMaximum'] === true ? { below: argument } : { max: argument };
    case 'exclusiveMinimum':
      return typeof argument === 'boolean' ? {} : { above: argument };
    case 'exclusiveMaximum':
      return typeof argument === 'boolean' ? {} : { below: argument };
    case 'minLength':
    case 'minItems':
      return argument === 0 ? {} : { min_length: argument };
    case 'maxLength':
    case 'maxItems':
      return { max_length: argument };
    case 'pattern':
      return { regex: patternOf(argument) };
    case 'format': {
      const format = typeof argument === 'string' ? formats[argument] : undefined;
      return format === undefined ? refuse(`the form ${JSON.stringify(argument)} is not known`) : { format };
    }
    default:
      return null;
  }
}

function patternOf(argument: unknown): string {
  if (typeof argument !== 'string') return refuse('it is no text');
  const problem = patternProblem(argument);
  return problem === undefined ? argument : refuse(problem);
}

function typeCheck(types: readonly unknown[]): Record<string, unknown> {
  const names = types.filter((type) => type !== 'null' && type !== 'any').map((type) => typeNames[String(type)] ?? String(type));
  if (types.includes('any') || types.length === 0) return {};
  if (names.length === 0) return { missing: true };
  return { type: names.length === 1 ? names[0] : names };
}

function scalars(argument: unknown): Record<string, unknown> {
  const values = (Array.isArray(argument) ? argument : []).filter((value) => value !== null);
  if (values.some((value) => typeof value === 'object')) return refuse('a list or an object is no value of a set');
  return values.length > 0 ? { allowed: values } : { missing: true };
}

/** What looks into lists and objects is asked as a schema. A text would be read as JSON for it. */
function nested(left: Mapping, part: Mapping): Record<string, unknown> {
  const types = typesOf(part).filter((type) => type !== 'null');
  if (types.length === 0 || !types.every((type) => type === 'array' || type === 'object'))
    return refuse('only of a list or an object, and of one that is of no other type, is a schema a rule');
  const schema = left as JsonValue;
  const problem = jsonSchemaProblem(schema);
  return problem === undefined ? { json_schema: schema } : refuse(problem);
}
