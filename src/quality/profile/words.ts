// Figures of a profile in words. No locale: the same profile is the same text on every machine.

/** Never 0 % of something, nor 100 % of less than all. */
export function shareText(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  if (part === whole) return '100 %';
  const percent = (100 * part) / whole;
  if (percent < 0.1) return '<0.1 %';
  return percent > 99.9 ? '>99.9 %' : `${percent.toFixed(1)} %`;
}

/** 1234567 -> '1,234,567' */
export function countText(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Whole numbers whole, others to four digits. */
export function shortNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? countText(value) : String(Number(value.toPrecision(4)));
}

/** A value as it is shown; a text with white space at its ends in quotes. */
export function shownValue(value: string | number | boolean): string {
  return typeof value === 'string' && value.trim() !== value ? JSON.stringify(value) : String(value);
}
