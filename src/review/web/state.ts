// What the page shows of a sitting: plain texts and where marks begin and end. The page puts texts into text nodes only.
import { cellText } from '../../datasets/row-content.ts';
import type { JsonValue } from '../../base/schema.ts';
import type { RowEdit } from '../change.ts';
import type { Annotator, ReviewRole } from '../schema.ts';
import { PlumbError } from '../../base/errors.ts';
import type { Sitting, Standing } from '../sitting.ts';
import { partsOf, type TextPart } from '../spans.ts';

export interface PageColumn {
  readonly name: string;
  readonly parts: readonly TextPart[];
  /** the text is longer than a page shows: it cannot be edited here */
  readonly cut: boolean;
}

export interface PageState {
  readonly data: string;
  readonly role: ReviewRole;
  readonly who: string;
  readonly standing: Standing;
  readonly labels: readonly string[];
  /** the label column; null: there is none */
  readonly label: string | null;
  /** null: the end */
  readonly item: PageItem | null;
}

export interface PageItem {
  readonly digest: string;
  readonly key: string;
  readonly row: number;
  readonly columns: readonly PageColumn[];
  readonly findings: readonly { readonly kind: string; readonly severity: string; readonly column: string | null; readonly message: string }[];
  readonly why: readonly string[];
  readonly votes: readonly {
    readonly who: string;
    readonly action: string;
    readonly changes: readonly (readonly [string, string])[];
    readonly note: string;
  }[];
  readonly decision: string | null;
  readonly note: string;
}

/** What a page shows of one text, in UTF-16 units; a browser is slow with more. */
const mostText = 100_000;

export function stateOf(
  sitting: Sitting,
  { data, who, role }: { readonly data: string; readonly who: Annotator; readonly role: ReviewRole },
): PageState {
  const { item, standing, labels, shape, decision, note } = sitting;
  const state = { data, role, who: who.name, standing, labels, label: shape.label };
  if (item === null) return { ...state, item: null };
  const columns = Object.entries(item.value).map(([name, cell]) => {
    const text = cellText(cell).toWellFormed();
    const flagged = item.findings.filter(({ column }) => column === name);
    return { name, parts: partsOf(text.slice(0, mostText).toWellFormed(), flagged), cut: text.length > mostText };
  });
  const votes = item.votes.map(({ annotator, action, edit = {}, note: said = '' }) => ({
    who: annotator.name,
    action,
    changes: Object.entries(edit).map(([name, cell]): [string, string] => [name, cellText(cell)]),
    note: said,
  }));
  const findings = item.findings.map(({ kind, severity, column, message }) => ({ kind, severity, column, message }));
  const { digest, key, row, why } = item;
  return { ...state, item: { digest, key, row, columns, findings, why, votes, decision: decision?.action ?? null, note } };
}

export interface PageRequest {
  readonly op: string;
  /** digest of the row that the page shows: a decision is about nothing else */
  readonly row: string | null;
  /** label and note */
  readonly text?: string;
  /** edit: columns as they stand in the page, texts */
  readonly columns?: Readonly<Record<string, string>>;
}

/** @returns true: the sitting is over @throws PlumbError USAGE, DATASET_COLUMN, ROW_ENCODING: said on the page */
export async function carryOut(sitting: Sitting, { op, row, text = '', columns = {} }: PageRequest): Promise<boolean> {
  if (op === 'look') return false;
  if (op === 'finish') return true;
  if (row !== (sitting.item?.digest ?? null))
    throw new PlumbError('USAGE', { what: 'another window went on to another row', mend: 'look at the row that is shown now' });
  if (op === 'accept') await sitting.accept();
  else if (op === 'reject') await sitting.reject();
  else if (op === 'label') await sitting.label(text);
  else if (op === 'note') await sitting.annotate(text);
  else if (op === 'edit') await sitting.edit(editOf(sitting, columns));
  else if (op === 'skip') sitting.skip();
  else if (op === 'back') sitting.back();
  else if (op === 'undo') await sitting.undo();
  else throw new PlumbError('USAGE', { what: 'the page asks for something that is not there', mend: 'load it again' });
  return false;
}

/** Texts of a page as values: a column that holds other things than text takes JSON. */
function editOf(sitting: Sitting, columns: Readonly<Record<string, string>>): RowEdit {
  const value = sitting.item?.value ?? {};
  const changed = Object.entries(columns).filter(([name, text]) => text !== cellText(value[name]));
  return Object.fromEntries(changed.map(([name, text]) => [name, likeBefore(name, value[name], text)]));
}

function likeBefore(name: string, before: unknown, text: string): JsonValue {
  if (typeof before === 'string' || before === undefined || (before === null && !/^\s*[[{]/.test(text)))
    return text === '' && before === null ? null : text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new PlumbError('USAGE', {
      what: `${JSON.stringify(name).slice(0, 120)} held ${JSON.stringify(before).slice(0, 60)}: its new value is no JSON`,
      mend: 'write a number, true, false, null, a list or an object',
    });
  }
}
