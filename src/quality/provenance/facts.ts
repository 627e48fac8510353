// What is said of rows when their provenance is recorded: the same of all, by a column of theirs, or by a file that says it of each key or document.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import { cellText, valueText } from '../../datasets/row-content.ts';
import { readRowBatches, requireFormatOfName } from '../../datasets/rows.ts';
import type { ProvenanceSource } from './schema.ts';

export interface FactsWish {
  /** of all rows */
  readonly source?: string;
  readonly licence?: string;
  /** columns of the data */
  readonly document?: string;
  readonly created?: string;
  readonly annotator?: string;
  /** what a file says of some rows; it wins over what is said of all */
  readonly map?: FactsMap;
}

export interface FactsMap {
  /** the column of the data that its rows are found by */
  readonly by: string;
  readonly facts: ReadonlyMap<string, Partial<ProvenanceSource>>;
}

const fieldNames = ['source', 'document', 'created', 'annotator', 'licence'] as const;

/** Where a row came from, as far as it is said; null: no source is. */
export function sourceReader(wish: FactsWish): (value: Readonly<Record<string, unknown>>) => ProvenanceSource | null {
  const columns = (['document', 'created', 'annotator'] as const).flatMap((field) => {
    const column = wish[field];
    return column === undefined ? [] : [{ field, column }];
  });
  return (value) => {
    const facts: Partial<ProvenanceSource> = {};
    if (wish.source !== undefined) facts.source = wish.source;
    if (wish.licence !== undefined) facts.licence = wish.licence;
    for (const { field, column } of columns) {
      const cell = textIn(value, column);
      if (cell !== null) facts[field] = cell;
    }
    const key = wish.map === undefined ? null : textIn(value, wish.map.by);
    const { source, ...rest } = { ...facts, ...(key === null ? {} : wish.map?.facts.get(key)) };
    return source === undefined ? null : { source, ...rest };
  };
}

function textIn(value: Readonly<Record<string, unknown>>, column: string): string | null {
  const cell = Object.hasOwn(value, column) ? value[column] : undefined;
  return valueText(cell, true) === null ? null : cellText(cell).toWellFormed();
}

/**
 * A file of rows with a column `key` or `document`, and columns named as the facts: source, document, created, annotator, licence.
 * @param path absolute; name: for messages
 * @param columns of the data: what `key` and `document` stand for there
 * @throws PlumbError DATASET_FORMAT, DATASET_COLUMN, PROVENANCE_INVALID, and as readRowBatches
 */
export async function readFactsMap(
  { path, name }: { readonly path: string; readonly name: string },
  columns: { readonly key?: string | undefined; readonly document?: string | undefined },
  options: { readonly signal?: AbortSignal } = {},
): Promise<FactsMap> {
  const facts = new Map<string, Partial<ProvenanceSource>>();
  let by: 'key' | 'document' | null = null;
  for await (const batch of readRowBatches(path, requireFormatOfName(name), { ...options, name })) {
    for (const { row, value } of batch) {
      by ??= Object.hasOwn(value, 'key') ? 'key' : 'document';
      const at = textIn(value, by);
      if (at === null || facts.has(at))
        throw unfit(name, row, at === null ? `has no "${by}" that says which rows it is about` : `is about "${at.slice(0, 80)}" again`);
      const said = Object.fromEntries(fieldNames.flatMap((field) => (textIn(value, field) === null ? [] : [[field, textIn(value, field) ?? '']])));
      const { licence } = said;
      if (licence !== undefined && !isLicence(licence))
        throw unfit(name, row, `has the licence "${licence.slice(0, 80)}", which is no SPDX expression`);
      facts.set(at, said);
    }
  }
  const column = by === 'key' ? columns.key : columns.document;
  if (column !== undefined) return { by: column, facts };
  throw new PlumbError('DATASET_COLUMN', {
    what: `${name} says what it knows by "${by ?? 'document'}", and the data set has no column for that`,
    where: { file: name },
    mend: by === 'key' ? 'lock the data set with its key: `plumb add FILE --key COLUMN`' : 'name the column of the data with --document COLUMN',
  });
}

function unfit(file: string, row: number, what: string): PlumbError {
  return new PlumbError('PROVENANCE_INVALID', {
    what: `row ${row} of ${file} ${what}`,
    where: { file, row },
    mend: 'a row has key or document, each once, and any of source, document, created, annotator, licence',
  });
}

/** @param schema columns of the data @throws PlumbError DATASET_COLUMN */
export function requireFactColumns(wish: Pick<FactsWish, 'document' | 'created' | 'annotator'>, schema: Readonly<Record<string, string>>): void {
  for (const [option, column] of Object.entries(wish)) {
    if (column === undefined || Object.hasOwn(schema, column)) continue;
    throw new PlumbError('DATASET_COLUMN', {
      what: `--${option} ${column.slice(0, 80)}: no row has that column.${didYouMean(column, Object.keys(schema))}`,
      mend: `name one of: ${listed(Object.keys(schema))}`,
    });
  }
}

/**
 * Has a text the form of an SPDX licence expression: identifiers with AND, OR, WITH and parentheses? Whether an identifier is on the list is not asked.
 * Source: SPDX specification 2.3, annex D
 */
export function isLicence(text: string): boolean {
  if (text.length > 400 || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return false;
  const words = text.match(/[()]|[^\s()]+/g) ?? [];
  let [depth, wantsName] = [0, true];
  for (const word of words) {
    if (word === '(' ? !wantsName : word === ')' ? wantsName || depth === 0 : wantsName !== !/^(AND|OR|WITH)$/.test(word)) return false;
    if (word === '(') depth += 1;
    else if (word === ')') depth -= 1;
    else if (wantsName && !/^[A-Za-z0-9][A-Za-z0-9.:-]*\+?$/.test(word)) return false;
    else wantsName = !wantsName;
  }
  return depth === 0 && !wantsName;
}
