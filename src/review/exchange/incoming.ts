// Answers of another tool become decisions: a file of reviews for each person. Nothing is taken from rows that are not those of the data set.
import { byCodeUnit } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import { listed } from '../../base/names.ts';
import type { JsonValue } from '../../base/schema.ts';
import { cellText } from '../../datasets/row-content.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { editDecision, labelOf, type RowShape, type RowValue } from '../change.ts';
import type { Annotator, Decision, ReviewHeader } from '../schema.ts';
import { outcomeOf, personOf, type Decided } from '../settled.ts';
import { editPrefix, type Answers, type IncomingRow, type Who } from './outside.ts';

export interface ImportRequest {
  readonly data: string;
  readonly tool: 'argilla' | 'label-studio';
  readonly source: RowSource;
  readonly shape: RowShape;
  /** the question whose answer is the label; null: none is */
  readonly question: string | null;
  /** users of the other tool -> people */
  readonly people: ReadonlyMap<string, Annotator>;
  /** what is decided here already: the same again adds nothing */
  readonly decided: readonly Decided[];
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface Imported {
  readonly files: readonly { readonly header: ReviewHeader; readonly decisions: readonly Decision[] }[];
  readonly decisions: number;
  /** answers that were here already */
  readonly known: number;
  /** rows of the file that the data set has not, or has several of */
  readonly unmatched: number;
  /** rows that nobody answered anything about */
  readonly unanswered: number;
  /** questions whose answers mean nothing here, sorted */
  readonly ignored: readonly string[];
}

/** @throws PlumbError REVIEW_IMPORT where no column of the file is one of the data set, or an answer cannot be taken */
export async function importRows(rows: readonly IncomingRow[], request: ImportRequest): Promise<Imported> {
  const matched = await matchRows(rows, request);
  const known = new Set(request.decided.map((one) => sayOf(one.annotator, one)));
  const people = new Map<string, { header: ReviewHeader; decisions: Decision[] }>();
  const ignored = new Set<string>();
  const counts = { decisions: 0, known: 0, unmatched: 0, unanswered: 0 };
  for (const [at, row] of rows.entries()) {
    const found = matched[at];
    if (row.answers.length === 0) counts.unanswered += 1;
    else if (found === null || found === undefined) counts.unmatched += 1;
    else {
      for (const answers of row.answers) {
        const decision = decisionOf(found, answers, request, ignored);
        if (decision === null) continue;
        const annotator = annotatorOf(answers.who, request);
        if (known.has(sayOf(annotator, decision))) {
          counts.known += 1;
          continue;
        }
        known.add(sayOf(annotator, decision));
        const header: ReviewHeader = { plumbline: 'review/1', data: request.data, annotator, role: 'first' };
        const file = people.get(personOf(annotator)) ?? { header, decisions: [] };
        people.set(personOf(annotator), file);
        file.decisions.push(decision);
        counts.decisions += 1;
      }
    }
  }
  const files = [...people].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, file]) => file);
  return { files, ...counts, ignored: [...ignored].toSorted(byCodeUnit) };
}

function sayOf(annotator: Annotator, decision: Decision): string {
  return JSON.stringify([personOf(annotator), decision.row, outcomeOf(decision), decision.note ?? '']);
}

function annotatorOf(who: Who, { people, tool }: ImportRequest): Annotator {
  const named = people.get(who.id);
  if (named !== undefined) return named;
  if (who.email !== undefined) return { name: (who.name ?? who.email).slice(0, 300), email: who.email.slice(0, 300) };
  return { name: `${tool} user ${who.id}`.slice(0, 300), email: '' };
}

interface Matched {
  readonly digest: Digest;
  readonly value: RowValue;
}

function decisionOf({ digest, value }: Matched, { values, at }: Answers, request: ImportRequest, ignored: Set<string>): Decision | null {
  const { shape, question, now } = request;
  const edit: Record<string, JsonValue> = {};
  let label = false;
  for (const [name, answer] of Object.entries(values)) {
    if (name === 'decision' || name === 'note') continue;
    if (name === question && shape.label !== null) {
      edit[shape.label] = likeBefore(value[shape.label], answer);
      label = true;
    } else if (name.startsWith(editPrefix)) edit[name.slice(editPrefix.length)] = likeBefore(value[name.slice(editPrefix.length)], answer);
    else ignored.add(name);
  }
  const note = cellText(values['note']).trim().toWellFormed().slice(0, 10_000);
  const rest = { row: digest, why: [`imported from ${request.tool}`], at: at ?? now.toISOString(), ...(note === '' ? {} : { note }) };
  if (values['decision'] === 'reject') return { action: 'reject', ...rest };
  if (values['decision'] !== 'accept' && Object.keys(edit).length === 0) return null;
  try {
    const changed = editDecision(value, edit, shape);
    if (changed === null) return { action: 'accept', ...labelOf(value, shape), ...rest };
    return {
      action: label && Object.keys(changed.edit ?? {}).length === 1 && Object.hasOwn(changed.edit ?? {}, shape.label ?? '') ? 'label' : 'edit',
      ...changed,
      ...rest,
    };
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    throw new PlumbError('REVIEW_IMPORT', { what: error.message, mend: error.mend, cause: error });
  }
}

/** Other tools answer in texts. */
function likeBefore(before: unknown, answer: JsonValue): JsonValue {
  if (typeof answer !== 'string' || before === undefined || before === null || typeof before === 'string') return answer;
  try {
    const value = JSON.parse(answer) as JsonValue;
    return typeof value === typeof before ? value : answer;
  } catch {
    return answer;
  }
}

/** By digest where the file has one, else by the columns that both have: a row that fits several is none. */
async function matchRows(rows: readonly IncomingRow[], { source, shape, signal }: ImportRequest): Promise<(Matched | null)[]> {
  const byDigest = new Map<Digest, number[]>();
  const byText = new Map<string, Map<string, number[]>>();
  for (const [at, { row, fields }] of rows.entries()) {
    if (row !== null) byDigest.set(row, [...(byDigest.get(row) ?? []), at]);
    else {
      const columns = sharedColumns(fields, shape);
      const texts = byText.get(JSON.stringify(columns)) ?? new Map<string, number[]>();
      byText.set(JSON.stringify(columns), texts);
      const text = textOf(fields, columns);
      texts.set(text, [...(texts.get(text) ?? []), at]);
    }
  }
  const matched: (Matched | null)[] = rows.map(() => null);
  const twice = new Set<number>();
  const take = (at: number, found: Matched): void => {
    if (matched[at] !== null && matched[at]?.digest !== found.digest) twice.add(at);
    matched[at] = found;
  };
  const groups = [...byText].map(([columns, texts]) => ({ columns: JSON.parse(columns) as string[], texts }));
  for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
    for (const { value } of batch) {
      const digest = rowDigest(value);
      for (const at of byDigest.get(digest) ?? []) take(at, { digest, value });
      for (const { columns, texts } of groups) for (const at of texts.get(textOf(value, columns)) ?? []) take(at, { digest, value });
    }
  }
  for (const at of twice) matched[at] = null;
  return matched;
}

function sharedColumns(fields: Readonly<Record<string, unknown>>, { columns, label }: RowShape): string[] {
  const shared = Object.keys(fields)
    .filter((name) => name !== label && (columns ?? []).includes(name))
    .toSorted(byCodeUnit);
  if (shared.length > 0) return shared;
  throw new PlumbError('REVIEW_IMPORT', {
    what: `the file has ${Object.keys(fields).slice(0, 10).join(', ') || 'no column'}, and none of it is a column of the data set`,
    mend: `its columns are: ${listed(columns ?? [])}`,
  });
}

function textOf(value: Readonly<Record<string, unknown>>, columns: readonly string[]): string {
  return JSON.stringify(columns.map((name) => cellText(value[name])));
}
