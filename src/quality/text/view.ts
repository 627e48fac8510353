// What of a row is compared: which columns, and as what.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import { cellText } from '../../datasets/row-content.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { CodeLanguage } from '../code/grammar.ts';
import type { Document } from './text-reader.ts';
import { isWord, foldText, tokensOf } from './words.ts';

/** text: words. code: tokens of the code, names that it binds itself alike. rows: each cell is one thing. */
export const viewKinds = ['text', 'code', 'rows'] as const;
export type ViewKind = (typeof viewKinds)[number];

export interface RowView {
  readonly columns: readonly string[];
  readonly as: ViewKind;
  /** of code */
  readonly language: CodeLanguage | null;
}

/** How many words, tokens or cells a shingle has. */
export const shingleSizes: Readonly<Record<ViewKind, number>> = { text: 5, code: 8, rows: 1 };

export type ReadDocument = (value: Readonly<Record<string, unknown>>) => Promise<Document> | Document;

/** @param size of a shingle: a name that stood longer ago is as good as new */
export async function documentReader(view: RowView, size: number): Promise<ReadDocument> {
  const textsOf = (value: Readonly<Record<string, unknown>>): string[] => view.columns.map((column) => cellText(valueOf(value, column)));
  if (view.as === 'text') return (value) => ({ parts: textsOf(value), tokens: null });
  if (view.as === 'rows') return (value) => ({ parts: [], tokens: cellsOf(value, view.columns) });
  const { normalFormOf } = await import('../code/normal-form.ts');
  return async (value) => {
    const parts = textsOf(value);
    const forms = await Promise.all(parts.map((part) => normalFormOf(view.language ?? 'python', part)));
    // what no parser takes is compared as text
    if (forms.some((form) => form === null)) return { parts, tokens: null };
    return {
      parts: [],
      tokens: distances(
        forms.flatMap((form) => form?.tokens ?? []),
        size,
      ),
    };
  };
}

/** What makes two rows exactly equal: the texts of the columns without white space at their ends. */
export function exactText(value: Readonly<Record<string, unknown>>, columns: readonly string[]): string {
  return JSON.stringify(columns.map((column) => cellText(valueOf(value, column)).trim()));
}

export function valueOf(value: Readonly<Record<string, unknown>>, column: string): unknown {
  return Object.hasOwn(value, column) ? value[column] : undefined;
}

function cellsOf(value: Readonly<Record<string, unknown>>, columns: readonly string[]): string[] {
  return columns.flatMap((column) => {
    const text = cellText(valueOf(value, column));
    const tokens = tokensOf(foldText(text));
    return text.trim() === '' ? [] : [`${column}=${tokens.some(isWord) ? tokens.join(' ') : text.trim()}`];
  });
}

/**
 * A name that the code binds says how long ago it stood last, not which number it has: a line put in above renames nothing below.
 * Source: parameterised strings, Baker 1993
 */
function distances(tokens: readonly string[], size: number): string[] {
  const last = new Map<string, number>();
  return tokens.map((token, at) => {
    if (!/^v\d+$/.test(token)) return token;
    const ago = at - (last.get(token) ?? Number.NEGATIVE_INFINITY);
    last.set(token, at);
    return ago < size ? `\u0001${ago}` : '\u0001';
  });
}

/**
 * The columns that a check looks at, told or not: then, of the first rows, those with text (for `rows`: all) that are neither key nor label.
 * @throws PlumbError DATASET_COLUMN for one that no row has, or where there is none to choose; what reading throws
 */
export async function chooseColumns(
  source: RowSource,
  wanted: { readonly columns: readonly string[] | undefined; readonly as: ViewKind; readonly not: readonly (string | null)[] },
  signal: AbortSignal,
): Promise<string[]> {
  const seen = new Map<string, boolean>(Object.keys(source.tree?.schema ?? {}).map((column) => [column, false]));
  const missing = (): string | undefined => wanted.columns?.find((column) => !seen.has(column));
  for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
    for (const { value } of batch)
      for (const [column, cell] of Object.entries(value)) {
        const told = seen.get(column);
        if (told !== true) seen.set(column, wanted.as === 'rows' || (typeof cell === 'string' && cell !== ''));
      }
    if (missing() === undefined) break;
  }
  const lacking = missing();
  if (lacking !== undefined && seen.size > 0) throw noColumn(source.name, lacking, seen.keys());
  const chosen = wanted.columns ?? [...seen].flatMap(([column, holds]) => (holds && !wanted.not.includes(column) ? [column] : []));
  if (chosen.length > 0 || seen.size === 0) return [...new Set(chosen)];
  throw new PlumbError('DATASET_COLUMN', {
    what: `${source.name} has no column of text to compare`,
    where: { file: source.name },
    mend: `name columns: ${listed(seen.keys())}`,
  });
}

function noColumn(data: string, column: string, known: Iterable<string>): PlumbError {
  const names = [...known];
  return new PlumbError('DATASET_COLUMN', {
    what: `no row of ${data} has the column "${column.slice(0, 100)}".${didYouMean(column, names)}`,
    where: { file: data },
    mend: `columns: ${listed(names)}`,
  });
}
