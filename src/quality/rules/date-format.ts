// Dates as texts: the strftime formats that a rule can ask for. A format is a regular expression and a calendar: 31/02/2026 has the form of a date and is none.

interface Directive {
  readonly regex: string;
  /** what it says of the day */
  readonly part?: 'year' | 'shortYear' | 'month' | 'monthName' | 'monthShort' | 'day' | 'dayOfYear';
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const short = (names: readonly string[]): string => names.map((name) => name.slice(0, 3)).join('|');

const directives: Readonly<Record<string, Directive>> = {
  Y: { regex: '\\d{4}', part: 'year' },
  y: { regex: '\\d{2}', part: 'shortYear' },
  m: { regex: '0?[1-9]|1[0-2]', part: 'month' },
  d: { regex: '0?[1-9]|[12]\\d|3[01]', part: 'day' },
  j: { regex: '\\d{3}', part: 'dayOfYear' },
  B: { regex: months.join('|'), part: 'monthName' },
  b: { regex: short(months), part: 'monthShort' },
  A: { regex: days.join('|') },
  a: { regex: short(days) },
  H: { regex: '[01]?\\d|2[0-3]' },
  I: { regex: '0?[1-9]|1[0-2]' },
  M: { regex: '[0-5]?\\d' },
  S: { regex: '[0-5]?\\d|60' },
  f: { regex: '\\d{1,6}' },
  p: { regex: 'AM|PM|am|pm' },
  z: { regex: 'Z|[+-]\\d{2}:?\\d{2}' },
  Z: { regex: '[A-Z]{1,5}' },
};

const iso = { F: '%Y-%m-%d', T: '%H:%M:%S' };

/** What is wrong with a format, or undefined. */
export function dateFormatProblem(format: string): string | undefined {
  const unknown = /%(?![YymdjBbAaHIMSfpzZFT%])(.?)/.exec(format);
  if (unknown !== null)
    return `%${unknown[1]} is no part of a date format here: ${Object.keys(directives)
      .map((one) => `%${one}`)
      .join(', ')}, %F, %T, %%`;
  return /%[^%]/.test(format) ? undefined : 'expected a format with at least one part, as %Y-%m-%d';
}

/** A date format as what both engines understand. */
export interface DateForm {
  /** of the whole text, with a group for each part of the day */
  readonly regex: string;
  /** what the groups are, in order; null: the format says too little for a day */
  readonly parts: readonly NonNullable<Directive['part']>[];
}

export function dateForm(format: string): DateForm {
  const parts: NonNullable<Directive['part']>[] = [];
  const written = format.replaceAll('%F', iso.F).replaceAll('%T', iso.T);
  const regex = written.replace(/%(.)|[\\^$.*+?()[\]{}|]/gs, (text, name: string | undefined) => {
    if (name === undefined) return `\\${text}`;
    if (name === '%') return '%';
    const directive = directives[name] as Directive;
    if (directive.part === undefined) return `(?:${directive.regex})`;
    parts.push(directive.part);
    return `(${directive.regex})`;
  });
  return { regex: `^${regex}$`, parts };
}

/** Is the day that the groups name one of the calendar? A format without a day of a month names none, and holds. */
export function isDay({ parts }: DateForm, groups: readonly string[]): boolean {
  const said = new Map(parts.map((part, at) => [part, groups[at] as string]));
  const number = (part: NonNullable<Directive['part']>): number | undefined => (said.has(part) ? Number(said.get(part)) : undefined);
  const year = number('year') ?? number('shortYear');
  const dayOfYear = number('dayOfYear');
  // without a year, the longest one
  const leap = year === undefined || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
  if (dayOfYear !== undefined && (dayOfYear < 1 || dayOfYear > (leap ? 366 : 365))) return false;
  const month = number('month') ?? monthOf(said.get('monthName') ?? said.get('monthShort'));
  const day = number('day');
  return day === undefined || month === undefined || day <= daysOf(month, leap);
}

function monthOf(name: string | undefined): number | undefined {
  return name === undefined ? undefined : months.findIndex((month) => month.startsWith(name)) + 1;
}

function daysOf(month: number, leap: boolean): number {
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
