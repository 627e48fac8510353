// Provenance for people. Whoever wrote a source, a document or a key may have written anything.
import type { Digest } from '../base/digest.ts';
import type { FindingsReport } from '../quality/findings.ts';
import type { ProvenanceRow } from '../quality/provenance/schema.ts';
import { cut, visible } from '../report/visible.ts';
import type { Paint } from './command.ts';

/** @param known null: nothing is recorded */
export function provenanceText(
  row: { readonly row: number; readonly key: string; readonly digest: Digest },
  known: ProvenanceRow | null,
  paint: Paint,
): string {
  const lines = [`${paint.bold(shown(row.key))}  row ${row.row}  ${row.digest}`];
  if (known === null) return [...lines, `  ${paint.yellow('nothing is recorded of where it came from')}`].join('\n');
  for (const { source, document, created, annotator, licence } of known.sources) {
    const more = [
      document === undefined ? '' : `document ${shown(document)}`,
      created === undefined ? '' : `created ${shown(created)}`,
      annotator === undefined ? '' : `annotator ${shown(annotator)}`,
      licence === undefined ? '' : `licence ${shown(licence)}`,
    ].filter((part) => part !== '');
    lines.push(`  from ${shown(source)}${more.length === 0 ? '' : `: ${more.join(', ')}`}`);
  }
  for (const { from, by } of known.made ?? []) lines.push(`  made by ${shown(by)} of ${from.map((one) => one.slice(7, 19)).join(', ')}`);
  const { reviewed, pii } = known;
  lines.push(`  reviewed: ${reviewed ?? 'nobody was asked'}`);
  lines.push(`  personal data: ${pii === undefined ? 'not looked for' : pii.verdict === 'clean' ? 'none found' : shown(pii.kinds.join(', '))}`);
  return lines.join('\n');
}

export function checkText(
  { data, rows, holds, kinds, numbers, notes }: FindingsReport,
  { limit, paint }: { readonly limit: number; readonly paint: Paint },
): string {
  const covered = numbers['with_provenance'] ?? 0;
  const lines = [`${paint.bold(visible(data))}: ${inWords(covered)} of ${inWords(rows)} rows have provenance`];
  for (const { rows: count, sample } of kinds) {
    const [first] = sample;
    lines.push(
      `  ${paint.red(inWords(count).padStart(9))}  ${visible(first?.message ?? '')}: ${sample
        .slice(0, limit)
        .map(({ key }) => shown(key))
        .join(', ')}${count > Math.min(limit, sample.length) ? ', ...' : ''}`,
    );
  }
  for (const [name, count] of Object.entries(numbers)) {
    const licence = /^licence (.+)$/s.exec(name)?.[1];
    if (licence !== undefined) lines.push(`  ${inWords(count).padStart(9)}  licence ${visible(licence)}`);
  }
  for (const note of notes) lines.push(`  ${note}`);
  return [...lines, holds ? paint.green('all rows have what is required') : paint.red('rows lack what is required')].join('\n');
}

function inWords(count: number): string {
  return count.toLocaleString('en-US');
}

function shown(text: string): string {
  return cut(visible(text), 200);
}
