// What a process prints, as lines. A line may never end, and a process may print faster than a disk writes: neither may cost memory.
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { errnoOf } from '../../base/errors.ts';

/**
 * Cuts text into lines at \n, \r\n and \r (a bar that draws over itself); what is longer than `most` comes in pieces.
 * @param most characters, 1 or more
 */
export class LineCutter {
  readonly #most: number;
  #rest = '';
  #afterReturn = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Lines that ended with this text, and pieces of one that does not end. */
  *push(text: string): Generator<string> {
    // \r\n may be cut between the two
    const fresh = this.#afterReturn && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#afterReturn = text.endsWith('\r');
    const parts = fresh.split(/\r\n|\n|\r/);
    const last = parts.pop() ?? '';
    for (const part of parts) {
      const line = this.#rest + part;
      this.#rest = '';
      yield* this.#pieces(line, true);
    }
    this.#rest += last;
    if (this.#rest.length >= this.#most) yield* this.#pieces(this.#rest, false);
  }

  /** The last line, when nothing ended it. */
  *end(): Generator<string> {
    if (this.#rest !== '') yield this.#rest;
    this.#rest = '';
  }

  *#pieces(line: string, isEnded: boolean): Generator<string> {
    let at = 0;
    for (; line.length - at > this.#most; at += this.#most) yield line.slice(at, at + this.#most);
    if (isEnded) yield line.slice(at);
    else this.#rest = line.slice(at);
  }
}

/**
 * Reads a stream to its end, line by line, no faster than `sink` takes.
 * @param sink where the lines go among others; it is waited for, nothing is written to it here
 * @param most characters of a line before it is cut
 * @returns when the stream ended, well or not
 */
export async function readLines(stream: Readable | null, onLine: (line: string) => void, sink: Writable, most: number): Promise<void> {
  if (stream === null) return;
  const cutter = new LineCutter(most);
  const decoder = new StringDecoder('utf8');
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (const line of cutter.push(decoder.write(chunk))) onLine(line);
      if (sink.writableNeedDrain && !sink.destroyed) await drained(sink);
    }
  } catch (error) {
    // whoever holds the other end was given up: what came until then counts
    if (errnoOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  for (const line of cutter.push(decoder.end())) onLine(line);
  for (const line of cutter.end()) onLine(line);
}

/** Until a stream takes more, or never will. */
function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    sink.on('close', done);
  });
}
