// Loaded before plumb by `node --import`: its clock is PLUMB_TEST_CLOCK_MS ahead of that of the machine, or behind it.
const offset = Number(process.env['PLUMB_TEST_CLOCK_MS'] ?? 0);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...words: unknown[]) {
    if (words.length === 0) super(RealDate.now() + offset);
    else super(...(words as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
} as DateConstructor;
