// Tables for a terminal: columns as wide as their widest cell, numbers to the right, control characters shown, never sent.

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** @param rows cells as text, maybe painted; each as long as columns */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(column.title.length, ...rows.map((row) => visibleLength(row[at] ?? ''))));
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, at) => {
        const cell = cells[at] ?? '';
        const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - visibleLength(cell)));
        return column.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)].join('\n');
}

function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex -- colours of our own begin with it
  return text.replaceAll(/\u001b\[\d+m/g, '').length;
}
