// A list of numbers of 32 bits that grows: 4 bytes each, where an array of JavaScript takes 8 and more.

export class NumberList {
  array = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.array.length) this.reserve(this.length + 1);
    this.array[this.length++] = value;
  }

  /** Makes room for so many in all. */
  reserve(size: number): void {
    if (size <= this.array.length) return;
    const larger = new Uint32Array(Math.max(size, this.array.length * 2));
    larger.set(this.array.subarray(0, this.length));
    this.array = larger;
  }

  append(values: Uint32Array): void {
    this.reserve(this.length + values.length);
    this.array.set(values, this.length);
    this.length += values.length;
  }

  /** The numbers of another list: for short ones faster than by a view of it. */
  appendList({ array, length }: NumberList): void {
    this.reserve(this.length + length);
    for (let at = 0; at < length; at += 1) this.array[this.length + at] = array[at] as number;
    this.length += length;
  }

  /** Numbers of another list, over those that stand here: there is room for them. */
  copy({ array }: NumberList, from: number, to: number, count: number): void {
    if (count > 64) this.array.set(array.subarray(from, from + count), to);
    // short ones faster than by a view
    else for (let at = 0; at < count; at += 1) this.array[to + at] = array[from + at] as number;
  }

  /** These numbers instead, in their own memory. */
  take(values: Uint32Array<ArrayBuffer>): void {
    this.array = values;
    this.length = values.length;
  }

  /** What is in it; only until it grows. */
  get values(): Uint32Array {
    return this.array.subarray(0, this.length);
  }
}
