// JSON Schema out of zod, and tables of keys out of JSON Schema.
import { toJSONSchema, type ZodType } from 'zod';
import type { Format } from './catalog.ts';

/** The parts of JSON Schema (draft 7) that zod makes of our formats. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** What may be written (defaults may be left out), as editors want it. */
export function jsonSchemaOf(schema: ZodType): JsonSchema {
  return toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }) as JsonSchema;
}

/** The text of schemas/<name>.schema.json. */
export function schemaFile(format: Format): string {
  const { $schema, ...rest } = jsonSchemaOf(format.schema) as JsonSchema & { $schema: string };
  return `${JSON.stringify({ $schema, $id: `urn:plumbline:schema:${format.name}:${format.version}`, title: format.file, ...rest }, null, 2)}\n`;
}

export interface KeyRow {
  /** 'stages.<name>.cmd', 'rules[].column' */
  readonly path: string;
  readonly type: string;
  /** 'required', the default as JSON, or '' */
  readonly presence: string;
  readonly meaning: string;
}

/** One row a key, parents before children, in the order of the schema. */
export function keyRows(schema: JsonSchema, path = ''): KeyRow[] {
  const forms = formsOf(schema);
  if (forms.length > 1) {
    return forms.flatMap((form, at) => [
      { path, type: `form ${at + 1} of ${forms.length}`, presence: '', meaning: form.description ?? '' },
      ...childRows(form, path),
    ]);
  }
  return forms[0] === undefined ? [] : childRows(forms[0], path);
}

/** The object shapes that a schema stands for; a list or map of them leads to those of its items. */
function formsOf(schema: JsonSchema): JsonSchema[] {
  return (schema.anyOf ?? schema.oneOf ?? [schema]).filter((form) => form.properties !== undefined || isMap(form) || itemsOf(form) !== undefined);
}

function itemsOf(schema: JsonSchema): JsonSchema | undefined {
  return schema.items !== undefined && formsOf(schema.items).length > 0 ? schema.items : undefined;
}

function isMap(schema: JsonSchema): boolean {
  return (
    typeof schema.additionalProperties === 'object' &&
    Object.keys(schema.additionalProperties).length > 0 &&
    formsOf(schema.additionalProperties).length > 0
  );
}

function childRows(schema: JsonSchema, path: string): KeyRow[] {
  if (schema.items !== undefined) return keyRows(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') return keyRows(schema.additionalProperties, join(path, '<name>'));
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    { path: join(path, key), type: typeOf(inner), presence: presenceOf(schema, key, inner), meaning: inner.description ?? '' },
    ...keyRows(inner, join(path, key)),
  ]);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function presenceOf(parent: JsonSchema, key: string, schema: JsonSchema): string {
  if (schema.default !== undefined && !(typeof schema.default === 'object' && schema.default !== null && Object.keys(schema.default).length === 0)) {
    return `\`${JSON.stringify(schema.default)}\``;
  }
  return parent.required?.includes(key) === true ? 'required' : '';
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return 'any JSON';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return [...new Set(forms.map(typeOf))].join(' or ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object')
    return Object.keys(schema.additionalProperties).length === 0 ? 'mapping' : `mapping to ${typeOf(schema.additionalProperties)}`;
  if (schema.type === undefined) return 'any JSON';
  return `${[schema.type].flat().join(' or ')}${rangeOf(schema)}`;
}

function rangeOf(schema: JsonSchema): string {
  const ends = [
    schema.exclusiveMinimum === undefined ? '' : `> ${schema.exclusiveMinimum}`,
    schema.minimum === undefined || schema.minimum <= Number.MIN_SAFE_INTEGER ? '' : `>= ${schema.minimum}`,
    schema.exclusiveMaximum === undefined ? '' : `< ${schema.exclusiveMaximum}`,
    schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER ? '' : `<= ${schema.maximum}`,
  ].filter((end) => end !== '');
  return ends.length === 0 ? '' : ` ${ends.join(', ')}`;
}

/** A Markdown table of keys. */
export function keyTable(schema: JsonSchema): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = keyRows(schema).map(
    (row) => `| ${row.path === '' ? 'the whole' : `\`${cell(row.path)}\``} | ${cell(row.type)} | ${cell(row.presence)} | ${cell(row.meaning)} |`,
  );
  return rows.length === 0 ? 'None.\n' : `| key | value | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}
