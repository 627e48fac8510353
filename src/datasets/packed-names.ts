// Very many names in the order of paths, as bytes: as strings, a million take 60 MB, and as much again to be sorted. They are sorted some at a time, and
// merged whenever they are gone through.
import { compareUtf8 } from '../store/tree/keys.ts';
import { sortPaths } from './path-order.ts';

const namesInRun = 1 << 16;
const namesInBlock = 512;

/** Names in order; a NUL between those of a block. */
type Run = readonly Buffer[];

export class PackedNames implements Iterable<string> {
  readonly count: number;
  readonly #runs: readonly Run[];

  /** @param names in any order, without a NUL */
  constructor(names: Iterable<string>) {
    const runs: Run[] = [];
    let some: string[] = [];
    let count = 0;
    for (const name of names) {
      count += 1;
      if (some.push(name) < namesInRun) continue;
      runs.push(packed(some));
      some = [];
    }
    if (some.length > 0) runs.push(packed(some));
    this.count = count;
    this.#runs = runs;
  }

  *[Symbol.iterator](): Generator<string> {
    /** sorted; what comes first is the last */
    const heads: Head[] = [];
    for (const run of this.#runs) advance({ name: '', rest: namesOf(run) }, heads);
    for (let first = heads.pop(); first !== undefined; first = heads.pop()) {
      yield first.name;
      advance(first, heads);
    }
  }
}

interface Head {
  name: string;
  readonly rest: Iterator<string>;
}

/** Puts a run into its place by its next name; one that is at its end goes. */
function advance(head: Head, heads: Head[]): void {
  const { value, done } = head.rest.next();
  if (done === true) return;
  head.name = value;
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8((heads[middle] as Head).name, value) > 0) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}

function* namesOf(run: Run): Generator<string> {
  for (const block of run) yield* block.toString().split('\0');
}

function packed(names: readonly string[]): Run {
  const sorted = sortPaths(names);
  return Array.from({ length: Math.ceil(sorted.length / namesInBlock) }, (_, block) =>
    Buffer.from(sorted.slice(block * namesInBlock, (block + 1) * namesInBlock).join('\0')),
  );
}
