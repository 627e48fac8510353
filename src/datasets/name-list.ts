// The names in one folder, as a walk asks for them.
import { compareUtf8 } from '../store/tree/keys.ts';

export class NameList {
  readonly #names: Iterator<string>;
  #ahead: string | undefined;
  /** names that were put back, sorted */
  readonly #back: string[] = [];

  /** @param names in the order of paths */
  constructor(names: Iterable<string>) {
    this.#names = names[Symbol.iterator]();
    this.#ahead = this.#take();
  }

  /** Undefined at the end. */
  next(): string | undefined {
    const name = this.#ahead;
    const [back] = this.#back;
    if (back !== undefined && (name === undefined || compareUtf8(back, name) < 0)) return this.#back.shift();
    if (name !== undefined) this.#ahead = this.#take();
    return name;
  }

  /** Puts a name in its place among those that come. */
  putBack(name: string): void {
    let at = this.#back.length;
    while (at > 0 && compareUtf8(this.#back[at - 1] as string, name) > 0) at -= 1;
    this.#back.splice(at, 0, name);
  }

  #take(): string | undefined {
    const { value, done } = this.#names.next();
    return done === true ? undefined : value;
  }
}
