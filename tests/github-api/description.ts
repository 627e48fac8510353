// GitHub's own description of its interface (github-openapi.json) as a judge of requests and of answers.
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly responses: Operation['responses'];
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

export interface Found {
  /** 'GET /repos/{owner}/{repo}/pulls' */
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** @returns what is wrong with it; none: nothing */
  checkRequest(query: URLSearchParams, body: unknown): string[];
  /** @param media by which the description names it */
  checkAnswer(status: number, body: unknown, media: string): string[];
}

const description = JSON.parse(readFileSync(new URL('github-openapi.json', import.meta.url), 'utf8')) as Description;
const formats = {
  // an address that nobody gave is an empty text, which is the default that the description itself names
  uri: /^(https?:\/\/\S+)?$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  'repo.nwo': /^[\w.-]+\/[\w.-]+$/,
  email: /@/,
  int64: true,
} as const;
const ajv = new Ajv({ strict: false, allErrors: true, formats });
ajv.addSchema(description, 'github');
const compiled = new Map<string, ValidateFunction>();

/** @param path after /api/v3, still encoded. @returns null for what is not among the requests that we make */
export function findOperation(method: string, path: string): Found | null {
  for (const [template, operations] of Object.entries(description.paths)) {
    const operation = operations[method.toLowerCase()];
    const pattern = new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const match = operation === undefined ? null : pattern.exec(path);
    if (operation === undefined || match === null) continue;
    const parameters = Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    const place = ['paths', template, method.toLowerCase()];
    return {
      operation: `${method} ${template}`,
      parameters,
      checkRequest: (query, body) => [...checkParameters(operation, parameters, query), ...checkBody(operation, place, body)],
      checkAnswer: (status, body, media) => checkAnswer({ operation, place, media }, status, body),
    };
  }
  return null;
}

function checkParameters(operation: Operation, inPath: Readonly<Record<string, string>>, query: URLSearchParams): string[] {
  const known = (operation.parameters ?? []).map((one) =>
    '$ref' in one ? (description.components.parameters[one.$ref.split('/').at(-1) ?? ''] as Parameter) : one,
  );
  const unknown = [...query.keys()].filter((name) => !known.some((one) => one.in === 'query' && one.name === name));
  const wrong = known.flatMap((one) => {
    const value = one.in === 'path' ? inPath[one.name] : (query.get(one.name) ?? undefined);
    if (value === undefined) return one.required === true ? [`${one.name} is missing`] : [];
    if (one.schema.type === 'integer' && !/^[1-9]\d*$/.test(value)) return [`${one.name} is ${value}`];
    if (one.schema.enum !== undefined && !one.schema.enum.includes(value)) return [`${one.name} is ${value}`];
    // docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api: "per_page ... (max 100)"
    return one.name === 'per_page' && Number(value) > 100 ? [`per_page is ${value}`] : [];
  });
  return [...unknown.map((name) => `parameter ${name} is not known`), ...wrong];
}

function checkBody(operation: Operation, place: readonly string[], body: unknown): string[] {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined) return body === undefined ? [] : ['a body where none belongs'];
  const { properties = {} } = schema.$ref === undefined ? schema : (description.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  const unknown = Object.keys(body ?? {}).filter((name) => !(name in properties));
  const wrong = judge([...place, 'requestBody', 'content', 'application/json', 'schema'], body);
  return [...unknown.map((name) => `key ${name} is not known`), ...wrong];
}

function checkAnswer(
  { operation, place, media }: { readonly operation: Operation; readonly place: readonly string[]; readonly media: string },
  status: number,
  body: unknown,
): string[] {
  const described = operation.responses[status];
  if (described === undefined) return status < 400 ? [`status ${status} is not described`] : [];
  const at = described.$ref === undefined ? [...place, 'responses', String(status)] : described.$ref.split('/').slice(1);
  const content = described.$ref === undefined ? described.content : description.components.responses[at.at(-1) ?? '']?.content;
  if (content?.[media] === undefined) return body === undefined ? [] : [`a body with status ${status}`];
  return judge([...at, 'content', media, 'schema'], body);
}

function judge(place: readonly string[], value: unknown): string[] {
  const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `github#/${pointer}` });
  compiled.set(pointer, validate);
  validate(value);
  return (validate.errors ?? []).map((one) => `${one.instancePath || 'it'} ${one.message ?? 'is wrong'}`);
}
