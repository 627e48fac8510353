// Label Studio: tasks with predictions and annotations, as its JSON export has them and its import takes them.
// Source: labelstud.io/guide/task_format, /guide/predictions; HumanSignal/label-studio-sdk, label_interface (checked by its LabelInterface)
import { hash } from 'node:crypto';
import { isDigest } from '../../base/digest.ts';
import { jsonSchema, z, type JsonValue } from '../../base/schema.ts';
import { cellText } from '../../datasets/row-content.ts';
import type { RowShape } from '../change.ts';
import { partsOf } from '../spans.ts';
import { answersOf, editPrefix, importFault, listOf, type Answers, type IncomingRow, type OutgoingRow, type Who } from './outside.ts';

interface Region {
  readonly id: string;
  readonly from_name: string;
  readonly to_name: string;
  readonly type: 'choices' | 'textarea' | 'labels';
  readonly value: Readonly<Record<string, unknown>>;
}

export interface LabelStudioTask {
  readonly data: Readonly<Record<string, string>>;
  readonly meta: { readonly row: string; readonly number: number; readonly key: string; readonly why: readonly string[] };
  readonly predictions: readonly { readonly model_version: string; readonly result: readonly Region[] }[];
  readonly annotations: readonly {
    readonly completed_by: { readonly email: string; readonly first_name: string; readonly last_name: string };
    readonly created_at: string;
    readonly was_cancelled: false;
    readonly ground_truth: boolean;
    readonly result: readonly Region[];
  }[];
}

/** What the row says is a prediction: its label, and the flagged places (offsets in UTF-16 units, as the browser counts them). */
export function toLabelStudio(rows: readonly OutgoingRow[], shape: RowShape, question: string): LabelStudioTask[] {
  return rows.map((row) => {
    const columns = Object.keys(row.value).filter((name) => name !== shape.label);
    const subject = columns[0] ?? '';
    const label = shape.label === null ? null : cellText(row.value[shape.label]);
    const chosen = label === null || label === '' ? [] : [regionOf(row, question, subject, 'choices', { choices: [label] })];
    const result = [...chosen, ...columns.flatMap((name) => flaggedPlaces(row, name))];
    return {
      data: Object.fromEntries(Object.entries(row.value).map(([name, cell]) => [name, cellText(cell)])),
      meta: { row: row.digest, number: row.row, key: row.key, why: row.why },
      predictions: result.length === 0 ? [] : [{ model_version: 'plumbline', result }],
      annotations: row.decisions.map((decided) => ({
        completed_by: { email: decided.annotator.email, first_name: decided.annotator.name, last_name: '' },
        created_at: decided.at,
        was_cancelled: false,
        ground_truth: decided.role === 'adjudicator',
        result: Object.entries(answersOf(decided, shape, question)).map(([name, answer]) =>
          name === 'decision' || name === question
            ? regionOf(row, name, subject, 'choices', { choices: [cellText(answer)] })
            : regionOf(row, name, name.startsWith(editPrefix) ? name.slice(editPrefix.length) : subject, 'textarea', { text: [cellText(answer)] }),
        ),
      })),
    };
  });
}

function flaggedPlaces(row: OutgoingRow, column: string): Region[] {
  let start = 0;
  return partsOf(
    cellText(row.value[column]),
    row.findings.filter((finding) => finding.column === column),
  ).flatMap(({ text, kinds }) => {
    const value = { start, end: start + text.length, text, labels: kinds };
    start += text.length;
    return kinds.length === 0 ? [] : [regionOf(row, `findings_${column}`, column, 'labels', value)];
  });
}

function regionOf(row: OutgoingRow, from_name: string, to_name: string, type: Region['type'], value: Region['value']): Region {
  const id = hash('sha256', JSON.stringify([row.digest, from_name, to_name, value]), 'hex').slice(0, 10);
  return { id, from_name, to_name, type, value };
}

/** The labeling interface for such tasks. */
export function labelStudioConfig(
  columns: readonly string[],
  labels: readonly string[],
  kinds: readonly string[],
  shape: RowShape,
  question: string,
): string {
  const shown = columns.filter((name) => name !== shape.label);
  const subject = shown[0] ?? '';
  const lines = [
    ...shown.map((name) => `<Header value="${xml(name)}"/><Text name="${xml(name)}" value="$${xml(name)}"/>`),
    ...(kinds.length === 0 ? [] : shown.flatMap((name) => flags(name, kinds))),
    ...choices('decision', subject, ['accept', 'reject']),
    ...(shape.label === null ? [] : choices(question, subject, labels)),
    ...shown.map((name) => `<TextArea name="${xml(editPrefix + name)}" toName="${xml(name)}" maxSubmissions="1" placeholder="new ${xml(name)}"/>`),
    `<TextArea name="note" toName="${xml(subject)}" maxSubmissions="1" placeholder="note"/>`,
  ];
  return `<View>\n${lines.map((line) => `  ${line}\n`).join('')}</View>\n`;
}

function flags(column: string, kinds: readonly string[]): string[] {
  return [
    `<Labels name="${xml(`findings_${column}`)}" toName="${xml(column)}">`,
    ...kinds.map((kind) => `  <Label value="${xml(kind)}"/>`),
    '</Labels>',
  ];
}

function choices(name: string, subject: string, values: readonly string[]): string[] {
  return [
    `<Choices name="${xml(name)}" toName="${xml(subject)}" choice="single">`,
    ...values.map((value) => `  <Choice value="${xml(value)}"/>`),
    '</Choices>',
  ];
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const annotationSchema = z.looseObject({
  completed_by: z
    .union([
      z.number(),
      z.string(),
      z.looseObject({ id: z.number().optional(), email: z.string().optional(), first_name: z.string().optional(), last_name: z.string().optional() }),
    ])
    .nullish(),
  result: z.array(z.looseObject({ from_name: z.string().optional(), type: z.string(), value: z.record(z.string(), jsonSchema).optional() })),
  was_cancelled: z.boolean().nullish(),
  created_at: z.string().nullish(),
  updated_at: z.string().nullish(),
});

const taskSchema = z.looseObject({
  data: z.record(z.string(), jsonSchema),
  meta: z.record(z.string(), jsonSchema).nullish(),
  annotations: z.array(annotationSchema).default([]),
});

/** Skipped annotations say nothing. @throws PlumbError REVIEW_IMPORT */
export function fromLabelStudio(text: string, file: string): IncomingRow[] {
  return listOf(text, file).map((value, at) => {
    const parsed = taskSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw importFault(file, `task ${at + 1}`, `is none of Label Studio's: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
    }
    const { data, meta, annotations } = parsed.data;
    const row = meta?.['row'];
    return { row: isDigest(row) ? row : null, fields: data, answers: annotations.filter((one) => one.was_cancelled !== true).map(answersIn) };
  });
}

function answersIn({ completed_by, result, created_at, updated_at }: z.infer<typeof annotationSchema>): Answers {
  const values: Record<string, JsonValue> = {};
  for (const { from_name, type, value = {} } of result) {
    const [answer] = [value[type === 'textarea' ? 'text' : type]].flat();
    if (from_name !== undefined && answer !== undefined && answer !== null && ['choices', 'textarea', 'rating', 'number'].includes(type))
      values[from_name] = answer;
  }
  const at = new Date(updated_at ?? created_at ?? Number.NaN);
  return { who: whoOf(completed_by), values, at: Number.isNaN(at.getTime()) ? null : at.toISOString() };
}

function whoOf(by: z.infer<typeof annotationSchema>['completed_by']): Who {
  if (by === null || by === undefined) return { id: 'unknown' };
  if (typeof by !== 'object') return { id: String(by) };
  const { id, email = '', first_name = '', last_name = '' } = by;
  const name = `${first_name} ${last_name}`.trim();
  return { id: id === undefined ? email : String(id), ...(email === '' ? {} : { email, name: name === '' ? email : name }) };
}
