// JSON Lines: one object a line. Lines are split over bytes, so that an error can say row, line and byte.
import { isUtf8 } from 'node:buffer';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { firstBadByte, skipByteOrderMark } from './encoding.ts';
import { deepest, keyThatStandsTwice, traitOf } from './json-members.ts';
import { readBlocks, type ReadOptions, type Row } from './row.ts';

/** A row longer than this is no row but a file of another kind. */
export const maxRowBytes = 256 * 1024 * 1024;

/**
 * Rows of a JSONL file, in batches of about a megabyte. Blank lines are skipped; LF or CRLF; a byte order mark is let pass.
 * @throws PlumbError ROW_SYNTAX, ROW_ENCODING, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readJsonl(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const file = options.name ?? path;
  const lines = createLineParser(file, options);
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let first = true;
  for await (const read of readBlocks(path, options)) {
    let block = read;
    if (first) {
      const mark = skipByteOrderMark(block, file);
      lines.skip(mark);
      options.onHead?.(mark, null);
      block = block.subarray(mark);
      first = false;
    }
    const end = block.lastIndexOf(0x0a) + 1;
    if (end === 0) {
      tail.push(block);
      tailBytes += block.length;
      if (tailBytes > maxRowBytes) throw lines.tooLong();
      continue;
    }
    const whole = tail.length === 0 ? block.subarray(0, end) : Buffer.concat([...tail, block.subarray(0, end)]);
    tail = end < block.length ? [block.subarray(end)] : [];
    tailBytes = block.length - end;
    const rows = lines.parse(whole);
    if (rows.length > 0) yield rows;
  }
  const rows = lines.parse(Buffer.concat(tail));
  if (rows.length > 0) yield rows;
}

interface LineParser {
  /** passes over bytes that are no text */
  skip(bytes: number): void;
  /** @param block whole lines */
  parse(block: Buffer): Row[];
  tooLong(): PlumbError;
}

function createLineParser(file: string, { ends = false, onFault }: ReadOptions): LineParser {
  let line = 0;
  let row = 0;
  let offset = 0;
  const fault = (error: unknown): null => {
    if (onFault === undefined || !isPlumbError(error)) throw error;
    onFault(error);
    return null;
  };
  const parsed = (text: string, at: { file: string; line: number; row: number }): Record<string, unknown> | null => {
    try {
      return parseLine(text, at);
    } catch (error) {
      return fault(error);
    }
  };
  const parse = (block: Buffer): Row[] => {
    const checked = isUtf8(block);
    const rows: Row[] = [];
    for (let start = 0; start < block.length;) {
      const newline = block.indexOf(0x0a, start);
      const next = newline === -1 ? block.length : newline + 1;
      const bytes = block.subarray(start, newline === -1 ? block.length : newline);
      line += 1;
      if (!checked && !isUtf8(bytes)) {
        row += 1;
        fault(badEncoding({ file, line, row, bytes, offset: offset + start }));
      } else {
        const text = bytes[0] === 0x7b ? bytes.toString('utf8') : bytes.toString('utf8').trim();
        if (text !== '') {
          row += 1;
          const value = parsed(text, { file, line, row });
          if (value !== null) rows.push(ends ? { row, line, value, end: offset + next, text } : { row, line, value });
        }
      }
      start = next;
    }
    offset += block.length;
    return rows;
  };
  return {
    skip: (bytes) => void (offset += bytes),
    parse,
    tooLong: () =>
      new PlumbError('ROW_SYNTAX', {
        what: `row ${row + 1} of ${file} is longer than ${maxRowBytes >> 20} MiB`,
        where: { file, line: line + 1, row: row + 1 },
        mend: 'JSONL has one JSON object on each line; a file that is one JSON list must be turned into lines',
      }),
  };
}

function badEncoding(at: { file: string; line: number; row: number; bytes: Buffer; offset: number }): PlumbError {
  const byte = firstBadByte(at.bytes);
  return new PlumbError('ROW_ENCODING', {
    what: `row ${at.row} of ${at.file} is not UTF-8: byte 0x${(at.bytes[byte] ?? 0).toString(16).padStart(2, '0')} at offset ${at.offset + byte}`,
    where: { file: at.file, line: at.line, row: at.row },
    mend: 'save the file as UTF-8; if it is Latin-1: iconv -f LATIN1 -t UTF-8',
    details: { offset: at.offset + byte },
  });
}

/** What Python's json writes for numbers that JSON does not have, where a value may stand. */
const pythonNumber = /[[:,]\s*-?(?:NaN|Infinity)\s*[,\]}]/;

/** The object that a line of JSONL is. @param text without white space around it @throws PlumbError ROW_SYNTAX, ROW_ENCODING */
export function parseLine(text: string, at: { file: string; line?: number; row: number }): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PlumbError('ROW_SYNTAX', {
      what: `row ${at.row} of ${at.file} is not JSON: ${sentenceOf(error)}`,
      where: at,
      mend: pythonNumber.test(text)
        ? 'NaN and Infinity are no JSON: write null (Python: json.dumps(row, allow_nan=False) says where they come from; pandas: to_json writes null)'
        : 'correct or take out this line; JSONL has one JSON object on each line',
      cause: error,
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new PlumbError('ROW_SYNTAX', {
      what: `row ${at.row} of ${at.file} is ${Array.isArray(value) ? 'a list' : JSON.stringify(value).slice(0, 40)}, not an object`,
      where: at,
      mend: 'JSONL has one JSON object on each line, as {"text": "...", "label": "..."}',
    });
  }
  const trait = traitOf(text, value as Record<string, unknown>);
  if (trait === 'key-twice') throw keyTwice(text, at);
  if (trait === 'too-deep') {
    throw new PlumbError('ROW_SYNTAX', {
      what: `row ${at.row} of ${at.file} is nested deeper than ${deepest}`,
      where: at,
      mend: 'take the row out, or keep what it holds as a text',
    });
  }
  if (trait === 'long-number') value = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  // half of a character, written as an escape: no UTF-8 can hold it, so no other program would read the row that we write
  if (text.includes('\\u') && halfCharacter.test(text) && !isWellFormed(value)) {
    throw new PlumbError('ROW_ENCODING', {
      what: `row ${at.row} of ${at.file} holds half a character: a lone surrogate, written as \\uD800 to \\uDFFF`,
      where: at,
      mend: 'correct the row: whoever wrote it cut a text in the middle of a character',
    });
  }
  return value as Record<string, unknown>;
}

function keyTwice(text: string, at: { file: string; line?: number; row: number }): PlumbError {
  const key = JSON.stringify((keyThatStandsTwice(text) ?? '').slice(0, 80).toWellFormed());
  return new PlumbError('ROW_SYNTAX', {
    what: `row ${at.row} of ${at.file} has the key ${key} twice in one object: every reader keeps one of the values, and no check would see the other`,
    where: at,
    mend: 'leave the value that is meant, or give the other a key of its own',
  });
}

const halfCharacter = /\\u[dD][89a-fA-F]/;

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value !== 'object') return true;
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
}

/** A whole number beyond 2^53 stays as it was written. */
function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context.source !== undefined && /^-?\d+$/.test(context.source) ? context.source : value;
}

/** V8 quotes the text that it fails on; a row may be long, and hold anything. */
function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/,? ?\.{0,3}".*" is not valid JSON$/s, '').replace(/\p{Cc}/gu, '?');
}
