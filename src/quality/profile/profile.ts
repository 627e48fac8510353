// What the columns of a data set hold: one reading of the rows, then one grouping a column. What does not fit into memory DuckDB keeps on the disk.
import type { Progress } from '../../base/progress.ts';
import type { CheckedRows } from '../checked-rows.ts';
import { profileColumn } from './column.ts';
import type { ColumnProfile, Profile } from './schema.ts';
import { withTable } from './table.ts';

export interface ProfileWorld {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** most frequent values that are kept of a column */
  readonly top?: number;
}

/**
 * @returns equal bytes for an equal bag of rows, whatever their order
 * @throws PlumbError ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, FILE_MISSING, FILE_UNREADABLE
 */
export async function profileRows({ source, content }: CheckedRows, { progress, signal, top = 20 }: ProfileWorld): Promise<Profile> {
  return withTable(source, signal, async (table) => {
    const bar = progress.start('profile', table.columns.length, 'steps');
    try {
      const columns: ColumnProfile[] = [];
      for (const column of table.columns) {
        signal.throwIfAborted();
        columns.push(await profileColumn(table, column, top));
        bar.advance(1);
      }
      const { name, format, key = null, label = null } = source;
      return { plumbline: 'profile/1', data: name, content, format, key, label, rows: table.rows, columns };
    } finally {
      bar.end();
    }
  });
}
