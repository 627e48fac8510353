// What names a row: the text of its key column.
import { hash } from 'node:crypto';
import { PlumbError } from '../base/errors.ts';
import { DigestTable } from './digest-table.ts';
import type { Row } from './row.ts';

/** Text of a key: the number 7 and the text "7" name one row, so that a data set keeps its keys when it changes format. Null: no key. */
export function keyText(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' ? String(value) : null;
}

/** Finds rows without a key, and keys that stand twice; about 30 bytes of memory a row. */
export class KeyCheck {
  readonly #column: string;
  readonly #file: string;
  readonly #seen = new DigestTable(1);

  constructor(column: string, file: string) {
    this.#column = column;
    this.#file = file;
  }

  /** @throws PlumbError ROW_KEY */
  add(row: Row): void {
    const key = keyText(row.value[this.#column]);
    const where = { file: this.#file, row: row.row, ...(row.line === undefined ? {} : { line: row.line }) };
    if (key === null) {
      throw new PlumbError('ROW_KEY', {
        what: `row ${row.row} of ${this.#file} has no key: its "${this.#column}" is ${describe(row.value[this.#column])}`,
        where,
        mend: `give every row a text or a number in "${this.#column}", or add without --key`,
      });
    }
    const { entry, isNew } = this.#seen.add(hash('sha256', key, 'buffer'));
    if (!isNew) {
      const first = this.#seen.get(entry, 0);
      throw new PlumbError('ROW_KEY', {
        what: `rows ${first} and ${row.row} of ${this.#file} have the same key ${JSON.stringify(key).slice(0, 100)} in "${this.#column}"`,
        where,
        mend: 'take one of the two out, or name a column whose values are unique',
        details: { rows: [first, row.row], key },
      });
    }
    this.#seen.set(entry, 0, row.row);
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === '') return 'empty';
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : JSON.stringify(value);
}
