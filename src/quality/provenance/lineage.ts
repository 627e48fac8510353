// lineage/1: which rows a step made of which, by their digests. A step that rewrites rows (redact, clean, dedupe) writes it as its output `lineage`, so
// that it stands in the run record and a training row leads back to the row that it came from. A row that stays as it was needs no line: its name is
// what it says.
import { isDigest, type Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { digestSchema, fields, z } from '../../base/schema.ts';
import { readRowBatches } from '../../datasets/rows.ts';

export const lineageRowSchema = fields({
  row: digestSchema.describe('the row as it was written: datasets/row-digest.ts'),
  from: z.array(digestSchema).min(1).describe('the rows that it was made of, sorted, each once'),
  by: z.string().min(1).describe('the step, and what it did: "plumb/pii redact"'),
}).describe('lineage/1: one rewritten row a line, in the order of the data; a row that did not change has none');
export type LineageRow = z.infer<typeof lineageRowSchema>;

/** Name and file of the output, as `ports` of a step gives it: `outputs: { data: ..., ...lineageOutput }`. */
export const lineageOutput = { lineage: 'lineage.jsonl' } as const;

/**
 * The line of a row with its end; '' for a row that is what it was made of: then nothing needs to be said.
 * @param from at least one
 * @param by "plumb/pii redact"
 */
export function lineageLine(row: Digest, from: readonly Digest[], by: string): string {
  const origins = [...new Set(from)].toSorted();
  if (origins.length === 0) throw new Error('a row was made of none');
  return origins.length === 1 && origins[0] === row ? '' : `${JSON.stringify({ row, from: origins, by } satisfies LineageRow)}\n`;
}

/**
 * @param path absolute, of a lineage.jsonl
 * @param name for messages: stage.lineage
 * @throws PlumbError LINEAGE_INVALID, and as readRowBatches
 */
export async function* readLineage(path: string, name: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LineageRow> {
  for await (const batch of readRowBatches(path, 'jsonl', { ...options, name })) {
    for (const { row: number, value } of batch) {
      if (isLineageRow(value)) yield value;
      else
        throw new PlumbError('LINEAGE_INVALID', {
          what: `row ${number} of ${name} does not say of which rows a row was made`,
          where: { file: name, row: number },
          mend: 'a line is {"row": digest, "from": [digests], "by": "step"}; run the stage that wrote it again with `plumb run --force`',
        });
    }
  }
}

/** What lineageRowSchema says, at the speed of a line. */
function isLineageRow(value: Record<string, unknown>): value is LineageRow {
  const { row, from, by } = value;
  return isDigest(row) && Array.isArray(from) && from.length > 0 && from.every(isDigest) && typeof by === 'string' && by !== '';
}
