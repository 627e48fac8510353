// Table Schema of Frictionless Data (1 and 2): alone, or in a data package with one table.
import { dateFormatProblem } from '../rules/date-format.ts';
import { patternProblem } from '../rules/pattern.ts';
import { checkRule } from './check-rule.ts';
import { Gathering, isMapping, notOfForm, refuse, type Imported, type Mapping } from './imported.ts';
import type { RuleInput } from './rules-text.ts';

export function isTableSchema(value: unknown): boolean {
  return (
    isMapping(value) &&
    (Array.isArray(value['fields']) || Array.isArray(value['resources']) || (isMapping(value['schema']) && Array.isArray(value['schema']['fields'])))
  );
}

/** @throws PlumbError CONFIG_INVALID */
export function importTableSchema(value: unknown, file: string): Imported {
  const schema = schemaOf(value, file);
  const found = new Gathering();
  const fields = (schema['fields'] as unknown[]).map((field) => {
    if (isMapping(field) && typeof field['name'] === 'string' && field['name'] !== '') return field;
    throw notOfForm(file, 'has a field without a name', 'give each of the fields a name');
  });
  found.attempt('fieldsMatch', null, () =>
    found.rule({
      table: columnsOf(
        schema['fieldsMatch'] ?? 'exact',
        fields.map((field) => String(field['name'])),
      ),
    }),
  );
  for (const field of fields) importField(field, found);
  keys(schema, found);
  missing(schema, found);
  const primary = namesOf(schema['primaryKey']);
  return {
    ...found,
    rules: found.rules,
    refused: found.refused,
    noted: found.noted,
    ...(primary.length === 0 ? {} : { key: primary.length === 1 ? (primary[0] as string) : primary }),
  };
}

function schemaOf(value: unknown, file: string): Mapping {
  if (isMapping(value) && Array.isArray(value['fields'])) return value;
  const resources = isMapping(value) ? (Array.isArray(value['resources']) ? value['resources'] : [value]) : [];
  const tables = resources.filter(
    (resource) => isMapping(resource) && isMapping(resource['schema']) && Array.isArray(resource['schema']['fields']),
  ) as Mapping[];
  const [only] = tables;
  if (only !== undefined && tables.length === 1) return only['schema'] as Mapping;
  throw notOfForm(
    file,
    tables.length === 0 ? 'is no Table Schema' : `has ${tables.length} tables`,
    'give a file with the schema of one table: {"fields": [...]}',
  );
}

function columnsOf(match: unknown, names: string[]): Record<string, string[]> {
  if (match === 'exact') return { columns: names };
  if (match === 'equal') return { columns_any_order: names };
  if (match === 'subset') return { columns_contain: names };
  if (match === 'superset') return { columns_within: names };
  return refuse(`fieldsMatch ${JSON.stringify(match)} is no rule`);
}

function importField(field: Mapping, found: Gathering): void {
  const column = String(field['name']);
  const checks: Record<string, unknown> = {};
  const add = (what: string, make: () => Record<string, unknown>): void =>
    found.attempt(what, column, () => {
      const made = make();
      if (Object.keys(made).length > 0) checkRule({ column, ...made });
      Object.assign(checks, made);
    });
  add('type', () => typeChecks(field));
  const constraints = isMapping(field['constraints']) ? field['constraints'] : {};
  for (const [name, argument] of Object.entries(constraints)) add(name, () => constraint(name, argument, field));
  for (const name of ['rdfType', 'categories', 'missingValues']) if (field[name] !== undefined) found.refuse(name, column, 'it is no rule here');
  const desc = [field['description'], field['title']].find((text) => typeof text === 'string' && text.trim() !== '');
  if (Object.keys(checks).length > 0) found.rule({ column, ...(desc === undefined ? {} : { desc }), ...checks } as RuleInput);
}

const textForms: Readonly<Record<string, string>> = { email: 'email', uri: 'uri', uuid: 'uuid' };

function typeChecks(field: Mapping): Record<string, unknown> {
  const { type = 'string', format = 'default' } = field;
  for (const name of ['decimalChar', 'groupChar', 'bareNumber', 'trueValues', 'falseValues', 'delimiter'])
    if (field[name] !== undefined) return refuse(`values written by ${name} are texts here: make them numbers or booleans first`);
  switch (type) {
    case 'any':
      return {};
    case 'string': {
      if (format === 'default') return { type: 'string' };
      const form = textForms[String(format)];
      return form === undefined ? refuse(`the form ${JSON.stringify(format)} is not known`) : { format: form };
    }
    case 'integer':
    case 'number':
    case 'boolean':
      return { type };
    case 'year':
      return { type: 'integer' };
    case 'yearmonth':
      return { regex: '^[0-9]{4}-(0[1-9]|1[0-2])$' };
    case 'object':
    case 'array':
      // a cell of CSV holds it as JSON
      return { json_schema: { type } };
    case 'list':
      return refuse('a text of items and separators is a text here');
    case 'date':
    case 'time':
    case 'datetime':
      return dateChecks(type, format);
    default:
      return refuse(`the type ${JSON.stringify(type)} is not known`);
  }
}

function dateChecks(type: string, format: unknown): Record<string, unknown> {
  if (format === 'default') return { format: type };
  if (typeof format !== 'string' || format === 'any') return refuse('any form of a date is taken: say which one is meant');
  const problem = dateFormatProblem(format);
  return problem === undefined ? { date_format: format } : refuse(problem);
}

function constraint(name: string, argument: unknown, field: Mapping): Record<string, unknown> {
  const isNumber = ['integer', 'number', 'year'].includes(String(field['type']));
  const end = (): unknown => (isNumber && typeof argument === 'string' ? Number(argument) : argument);
  switch (name) {
    case 'required':
      return argument === true ? { not_missing: true } : {};
    case 'unique':
      return argument === true ? { unique: true } : {};
    case 'minimum':
      return { min: end() };
    case 'maximum':
      return { max: end() };
    case 'exclusiveMinimum':
      return { above: end() };
    case 'exclusiveMaximum':
      return { below: end() };
    case 'minLength':
      return { min_length: argument };
    case 'maxLength':
      return { max_length: argument };
    case 'enum':
      return Array.isArray(argument) ? { allowed: argument.map((value) => (isNumber ? Number(value) : value)) } : refuse('it is no list');
    case 'pattern': {
      if (typeof argument !== 'string') return refuse('it is no text');
      // of the whole value, as XML Schema has it
      const whole = `^(?:${argument})$`;
      const problem = patternProblem(whole);
      return problem === undefined ? { regex: whole } : refuse(problem);
    }
    case 'jsonSchema':
      return { json_schema: argument };
    default:
      return refuse('the constraint is not known');
  }
}

function namesOf(names: unknown): string[] {
  return typeof names === 'string' ? [names] : Array.isArray(names) ? names.map(String) : [];
}

function keys(schema: Mapping, found: Gathering): void {
  const primary = namesOf(schema['primaryKey']);
  for (const column of primary) found.rule({ column, not_missing: true }, ['primaryKey']);
  for (const [what, columns] of [
    ['primaryKey', primary],
    ...(Array.isArray(schema['uniqueKeys']) ? schema['uniqueKeys'] : []).map((key) => ['uniqueKeys', namesOf(key)]),
  ] as [string, string[]][])
    if (columns.length > 0) found.rule(columns.length === 1 ? { column: columns[0] as string, unique: true } : { columns, unique: true }, [what]);
  for (const foreign of Array.isArray(schema['foreignKeys']) ? schema['foreignKeys'] : [])
    found.attempt('foreignKeys', null, () => {
      const reference = isMapping(foreign) && isMapping(foreign['reference']) ? foreign['reference'] : {};
      const [columns, others] = [namesOf((foreign as Mapping)['fields']), namesOf(reference['fields'])];
      const data = reference['resource'];
      if (typeof data !== 'string' || data === '') return refuse('it refers to the table itself, which is no data set of its own: name one');
      const [column] = columns;
      if (column === undefined || columns.length !== others.length) return refuse('it names not as many fields here as there');
      const to = { data, column: others.length === 1 ? (others[0] as string) : others };
      found.rule(columns.length === 1 ? { column, in: to } : { columns, in: to }, ['foreignKeys: a data set of that name']);
    });
}

function missing(schema: Mapping, found: Gathering): void {
  const values = Array.isArray(schema['missingValues'])
    ? schema['missingValues'].map((value) => (isMapping(value) ? String(value['value']) : String(value)))
    : [];
  const others = values.filter((value) => value !== '');
  if (others.length > 0)
    found.refuse(
      'missingValues',
      null,
      `only an empty text is missing here: ${others.map((value) => JSON.stringify(value)).join(', ')} would be values`,
    );
}
