// Argilla, records of version 2, as its SDK writes them with `to_json` and reads them with `from_json`.
// Source: argilla-io/argilla, argilla/src/argilla/records/_io/_json.py and _resource.py (Record.to_dict, Record.from_dict), 2.8.0
import { isDigest } from '../../base/digest.ts';
import { jsonSchema, z } from '../../base/schema.ts';
import { cellText } from '../../datasets/row-content.ts';
import type { RowShape } from '../change.ts';
import { answersOf, importFault, listOf, uuidOf, type Answers, type IncomingRow, type OutgoingRow } from './outside.ts';

interface ArgillaRecord {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string | number | readonly string[]>>;
  readonly suggestions: Readonly<Record<string, { readonly value: unknown; readonly score: number | null; readonly agent: string | null }>>;
  readonly responses: Readonly<Record<string, { readonly value: unknown; readonly user_id: string }[]>>;
  readonly vectors: Readonly<Record<string, never>>;
  readonly status: 'pending' | 'completed';
  readonly _server_id: null;
}

/** The id of a record is the digest of its row; the label that the row has is a suggestion. */
export function toArgilla(rows: readonly OutgoingRow[], shape: RowShape, question: string): ArgillaRecord[] {
  return rows.map(({ digest, row, key, value, findings, why, decisions }) => {
    const fields = Object.entries(value).filter(([name]) => name !== shape.label);
    const kinds = [...new Set(findings.map(({ kind }) => kind))];
    const label = shape.label === null ? undefined : value[shape.label];
    const responses: Record<string, { value: unknown; user_id: string }[]> = {};
    for (const decided of decisions) {
      for (const [name, answer] of Object.entries(answersOf(decided, shape, question)))
        (responses[name] ??= []).push({ value: answer, user_id: uuidOf(decided.annotator) });
    }
    return {
      id: digest,
      fields: Object.fromEntries(fields.map(([name, cell]) => [name, cellText(cell)])),
      metadata: { row, key, ...(kinds.length === 0 ? {} : { findings: kinds }), ...(why.length === 0 ? {} : { why: [...why] }) },
      suggestions: label === undefined || label === null ? {} : { [question]: { value: cellText(label), score: null, agent: 'data set' } },
      responses,
      vectors: {},
      status: decisions.length === 0 ? 'pending' : 'completed',
      _server_id: null,
    };
  });
}

const recordSchema = z.looseObject({
  id: z.string().nullish(),
  fields: z.record(z.string(), jsonSchema).default({}),
  metadata: z.record(z.string(), jsonSchema).nullish(),
  responses: z.record(z.string(), z.array(z.looseObject({ value: jsonSchema, user_id: z.string() }))).default({}),
});

/** @throws PlumbError REVIEW_IMPORT */
export function fromArgilla(text: string, file: string): IncomingRow[] {
  return listOf(text, file).map((value, at) => {
    const parsed = recordSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw importFault(file, `record ${at + 1}`, `is none of Argilla's: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
    }
    const { id, fields, responses } = parsed.data;
    return { row: isDigest(id) ? id : null, fields, answers: byPerson(responses) };
  });
}

function byPerson(responses: z.infer<typeof recordSchema>['responses']): Answers[] {
  const people = new Map<string, Record<string, Answers['values'][string]>>();
  for (const [question, given] of Object.entries(responses)) {
    for (const { value, user_id } of given) {
      const values = people.get(user_id) ?? {};
      people.set(user_id, values);
      values[question] = value;
    }
  }
  return [...people].map(([id, values]) => ({ who: { id }, values, at: null }));
}
