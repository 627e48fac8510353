import { PlumbError } from '../base/errors.ts';

/** A number of things from an option, 1 or more. @throws PlumbError USAGE */
export function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number > 0) return number;
  throw new PlumbError('USAGE', { what: `${option} ${text.slice(0, 40)}: expected a whole number from 1`, mend: `write ${option} 100` });
}
