// A value of the data as a report shows it.
import { maskSensitive } from '../sensitive.ts';

const longest = 80;

/** Masked, then cut: half a key is no key to the patterns. */
export function shownText(value: string): string {
  if (value.startsWith('\0')) return '(a long text)';
  const whole = maskSensitive(value).toWellFormed();
  return whole.length <= longest ? whole : `${whole.slice(0, longest - 1).replace(/[\ud800-\udbff]$/u, '')}…`;
}
