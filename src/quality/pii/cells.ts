// The texts of a row: cells that are text, texts within lists and objects, and whole numbers, which may be a card.
import type { Row } from '../../datasets/rows.ts';

/** Where a text stands in a row: the column, then keys and places from 0. */
export type CellPath = readonly [string, ...(string | number)[]];

export interface Cell {
  readonly path: CellPath;
  readonly text: string;
  /** the text is the last name of the path, not what stands there: an address may be the name of a column, or a key of an object */
  readonly isName?: true;
}

/** Below a thousandth of what could be a number of anybody. */
const shortestNumber = 8;
/** a@b.cc */
const shortestName = 6;

/** @param columns null: all */
export function cellsOf(value: Row['value'], columns: ReadonlySet<string> | null): Cell[] {
  const cells: Cell[] = [];
  for (const column of Object.keys(value)) {
    if (columns !== null && !columns.has(column)) continue;
    const cell = value[column];
    collectName([column], column, cells);
    if (typeof cell === 'string') {
      if (cell !== '') cells.push({ path: [column], text: cell });
    } else collect(cell, [column], cells);
  }
  return cells;
}

/** Depth is bounded where rows are read. */
function collect(value: unknown, path: CellPath, cells: Cell[]): void {
  if (typeof value === 'string') {
    if (value !== '') cells.push({ path, text: value });
  } else if (typeof value === 'number') {
    const text = String(value);
    if (text.length >= shortestNumber && /^-?\d+$/.test(text)) cells.push({ path, text });
  } else if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) collect(item, [...path, at], cells);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      const inside: CellPath = [...path, key];
      collectName(inside, key, cells);
      collect(item, inside, cells);
    }
  }
}

function collectName(path: CellPath, name: string, cells: Cell[]): void {
  if (name.length >= shortestName && mayName(name)) cells.push({ path, text: name, isName: true });
}

/** Names as programs give them hold nobody's data, and are spared. */
function mayName(name: string): boolean {
  return !/^[A-Za-z_]+\d{0,4}$/.test(name);
}

/** 'text', 'messages[3].content' */
export function pathText(path: CellPath): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}

/** The words of a path that speak for a find: its last name. */
export function nameOfPath(path: CellPath): string {
  return path.findLast((step) => typeof step === 'string') ?? path[0];
}

/** The text at a path; null: there is none. */
export function textAt(value: Row['value'], path: CellPath): string | null {
  let current: unknown = value;
  for (const step of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, step)) return null;
    current = (current as Record<string | number, unknown>)[step];
  }
  return typeof current === 'string' ? current : typeof current === 'number' ? String(current) : null;
}
