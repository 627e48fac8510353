// Classes of characters as RE2 has them: ASCII. Source: RE2, syntax.

/** First and last code point of each run, in order. */
export type Ranges = [number, number][];

export const digits: Ranges = [[48, 57]];
export const word: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
export const space: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
/** [:name:] */
export const posix: Readonly<Record<string, Ranges>> = {
  alnum: [
    [48, 57],
    [65, 90],
    [97, 122],
  ],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: digits,
  graph: [[33, 126]],
  lower: [[97, 122]],
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [[65, 90]],
  word,
  xdigit: [
    [48, 57],
    [65, 70],
    [97, 102],
  ],
};
