// Fitting a report into a number of bytes. A page is a list of sections; a section has rows, of which some are shown.
// Each section first gets a few rows, in order of importance; what room is left goes to the most important ones that want more. What matters most
// is not what is read first: the rows of fifty data sets stand above the cases that broke, and shall not push them out.

export interface Section {
  /** lines before the rows; always shown when the section is */
  readonly head: string;
  readonly rows: readonly string[];
  readonly tail: string;
  /** the smaller, the more important; sections of one rank in their order. 0: it has no rows that could go, and stays */
  readonly rank: number;
  /** rows wanted before others get their second helping */
  readonly first: number;
  /** what a left-out row is called, for 'N more … in the report' */
  readonly noun: readonly [one: string, many: string];
  /** the line for left-out rows, in the section's own form (a list item, a paragraph after a table) */
  more(words: string): string;
}

/**
 * Puts sections together in at most `limitBytes` bytes of UTF-8. Rows are left out whole, and counted; when not even the heads fit,
 * the least important sections are left out.
 */
export function fitPage(sections: readonly Section[], limitBytes: number, closing: string): string {
  const size = (text: string): number => Buffer.byteLength(text);
  const all = sections.map((section) => ({ section, shown: 0 }));
  const kept = all.toSorted((a, b) => a.section.rank - b.section.rank);
  const frame = (section: Section): number =>
    size(section.head) + size(section.tail) + (section.rows.length === 0 ? 0 : size(moreLine(section, section.rows.length)));
  let room = limitBytes - size(closing) - kept.reduce((sum, entry) => sum + frame(entry.section), 0);
  while (room < 0 && kept.length > 1) {
    if (kept.length === sections.length) room -= size(droppedLine(sections.length));
    const dropped = kept.pop();
    if (dropped !== undefined) room += frame(dropped.section);
  }
  for (const helping of ['first', 'rest'] as const) {
    for (const entry of kept) {
      const { rows, first } = entry.section;
      const wanted = helping === 'first' ? Math.min(first, rows.length) : rows.length;
      while (entry.shown < wanted && size(rows[entry.shown] ?? '') <= room) {
        room -= size(rows[entry.shown] ?? '');
        entry.shown += 1;
      }
    }
  }
  const body = all
    .filter((entry) => kept.includes(entry))
    .map(
      ({ section, shown }) => section.head + section.rows.slice(0, shown).join('') + moreLine(section, section.rows.length - shown) + section.tail,
    );
  return body.join('') + droppedLine(sections.length - kept.length) + closing;
}

function droppedLine(sections: number): string {
  return sections === 0 ? '' : `\n*${sections} more ${sections === 1 ? 'section' : 'sections'} in the report*\n`;
}

function moreLine(section: Section, left: number): string {
  if (left <= 0) return '';
  const [one, many] = section.noun;
  return section.more(`${left} more ${left === 1 ? one : many} in the report`);
}
