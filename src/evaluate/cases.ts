// cases.jsonl: one line a case, canonical JSON, sorted by id. Equal results are equal bytes, whatever order the rows came in.
import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { readRowBatches, type ReadOptions } from '../datasets/rows.ts';
import { type CaseResult, caseResultSchema } from './schema.ts';

/** A case before it is asked. */
export type Question = Pick<CaseResult, 'id' | 'input' | 'expected'>;

/** In the order of cases.jsonl: by id, UTF-16 code units. */
export function sortById<Item extends { readonly id: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => byCodeUnit(a.id, b.id));
}

/**
 * Names what was asked: two evaluations with the same digest can be compared case by case, whatever file and format their rows came from.
 * @param questions sorted by id
 * @returns SHA-256 over lines of canonical JSON of id, input and expected
 */
export function caseSetDigest(questions: Iterable<Question>): Digest {
  const state = createHash('sha256');
  for (const { id, input, expected } of questions) state.update(`${canonicalJson({ id, input, expected })}\n`);
  return `sha256:${state.digest('hex')}`;
}

/** lines gathered to one write */
const pieceLength = 1 << 20;

/**
 * Writes cases.jsonl to a path where nothing stands.
 * @param cases sorted by id, each id once
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE
 */
export async function writeCases(path: string, cases: Iterable<CaseResult>): Promise<void> {
  try {
    const file = await open(path, 'wx');
    try {
      let piece = '';
      let last: string | undefined;
      for (const { id, input, expected, got, score } of cases) {
        if (last !== undefined && byCodeUnit(last, id) >= 0) throw new Error(`cases are not sorted by id: ${id} after ${last}`);
        last = id;
        piece += `${canonicalJson({ id, input, expected, got, score })}\n`;
        if (piece.length < pieceLength) continue;
        await file.write(piece);
        piece = '';
      }
      await file.write(piece);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw systemError(error, 'write', path);
  }
}

/** All of cases.jsonl, as `compareCases` wants it. @throws PlumbError as readCases */
export async function readAllCases(path: string, options: ReadOptions = {}): Promise<CaseResult[]> {
  const cases: CaseResult[] = [];
  for await (const entry of readCases(path, options)) cases.push(entry);
  return cases;
}

/**
 * Reads cases.jsonl one by one; memory holds a batch.
 * @param path absolute, of any name: an object of the store too
 * @throws PlumbError ROW_SYNTAX for a line of another shape, ROW_KEY for ids that are not ascending, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readCases(path: string, options: ReadOptions = {}): AsyncGenerator<CaseResult> {
  const file = options.name ?? path;
  let last: string | undefined;
  for await (const batch of readRowBatches(path, 'jsonl', options)) {
    for (const { row, value } of batch) {
      const parsed = caseResultSchema.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new PlumbError('ROW_SYNTAX', {
          what: `row ${row} of ${file} is no case: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
          where: { file, row },
          mend: 'run the evaluation again',
        });
      }
      if (last !== undefined && byCodeUnit(last, parsed.data.id) >= 0) {
        throw new PlumbError('ROW_KEY', {
          what: `row ${row} of ${file} is not in the order of ids`,
          where: { file, row },
          mend: 'run the evaluation again',
        });
      }
      last = parsed.data.id;
      yield parsed.data;
    }
  }
}
