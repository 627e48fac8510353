// Telephone numbers: what looks like one is judged by libphonenumber (its rules of numbering plans); beside a word that speaks of telephones a number with
// groups needs no plan, for people leave area codes and countries out.
import { createRequire } from 'node:module';
import type { CountryCode } from 'libphonenumber-js/max';
import type { Found } from '../found.ts';
import { isWordUnit } from '../words.ts';

/** Presidio's, in its order. */
export const phoneRegions: readonly CountryCode[] = ['US', 'GB', 'DE', 'FR', 'IL', 'IN', 'CA', 'BR'];

const form = /\d{1,15}(?:(?:[ .\-/]|\) ?| ?\(|\.\()(?:\(0\)[ -]?)?\d{1,12}){0,7}/y;
const extension = / ?(?:x|ext\.? ?|#)\d{1,7}(?!\w)/iy;
/** The words of Presidio's recogniser, and those of lists and letters. */
export const phoneContext =
  'phone, number, telephone, cell, cellphone, mobile, call, tel, fax, office, desk, answering, messages, whatsapp, sms, contact'.split(', ');

/**
 * @param start where a word of digits begins
 * @param isSpokenOf the words before it speak of telephones
 */
export function findPhone(text: string, start: number, regions: readonly CountryCode[], isSpokenOf: () => boolean): Found | null {
  const begins = beginningOf(text, start);
  if (begins === null) return null;
  form.lastIndex = start;
  let written = form.exec(text)?.[0] ?? '';
  for (let left = 0; left < 3; left += 1) {
    const found = judge(text, begins, start + written.length, regions, isSpokenOf);
    if (found !== null) return found;
    // what stands behind may be a number of its own: '555-0132 2026'
    const shorter = written.replace(/\D+\d+$/, '');
    if (shorter === written) return null;
    written = shorter;
  }
  return null;
}

/** Back over a plus and a bracket; null: the digits are part of something larger. */
function beginningOf(text: string, start: number): number | null {
  let begins = start;
  if (text.charCodeAt(begins - 1) === 0x28) begins -= 1;
  if (text.charCodeAt(begins - 1) === 0x2b) begins -= 1;
  const before = text.charCodeAt(begins - 1);
  const beyond = text.charCodeAt(begins - 2);
  if (isWordUnit(before) || before === 0x24 || before === 0x20ac || before === 0x2b) return null;
  const joins = before === 0x2e || before === 0x2d || before === 0x2f || before === 0x2c || before === 0x3a;
  return joins && isWordUnit(beyond) && before !== 0x3a ? null : begins;
}

function judge(text: string, begins: number, ends: number, regions: readonly CountryCode[], isSpokenOf: () => boolean): Found | null {
  const written = text.slice(begins, ends);
  const digits = written.replaceAll(/\D/g, '');
  const next = text.charCodeAt(ends);
  if (digits.length < 7 || digits.length > 17 || !isBalanced(written) || isLikeAnother(written)) return null;
  extension.lastIndex = ends;
  const behind = extension.exec(text)?.[0] ?? '';
  if (behind === '' && isWordUnit(next)) return null;
  if ((next === 0x2e || next === 0x2c || next === 0x2d) && isDigit(text.charCodeAt(ends + 1))) return null;
  const found = { entity: 'PHONE_NUMBER', start: begins, end: ends + behind.length, score: 0.4 };
  if (isValid(written, digits, regions)) return found;
  const grouped = /\D/.test(written.slice(1)) || digits.length >= 10;
  return grouped && digits.length <= 15 && isSpokenOf() ? found : null;
}

function isBalanced(written: string): boolean {
  return written.split('(').length === written.split(')').length;
}

/** Dates, amounts, social security numbers, and numbers that are too even. */
const otherForms = [
  /^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}/,
  /^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}/,
  /^\d{3}-\d{2}-\d{4}$/,
  /^\d{1,3}(?:\.\d{3})+$/,
  /^\d{1,3}(?:\.\d{1,3}){3}$/,
  /^\D*(\d)(?:\D*\1)+$/,
  // three digits by themselves: versions, lists
  /(?<!\d)\d\D{1,2}\d\D{1,2}\d(?!\d)/,
];

function isLikeAnother(written: string): boolean {
  return otherForms.some((one) => one.test(written));
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

type Plans = typeof import('libphonenumber-js/max');
let plans: Plans | null = null;

/** The plans of all countries are loaded when something first looks like a number: most versions change nothing that does. */
function isInPlan(number: string, options: Parameters<Plans['parsePhoneNumberFromString']>[1]): boolean {
  plans ??= createRequire(import.meta.url)('libphonenumber-js/max') as Plans;
  return plans.parsePhoneNumberFromString(number, options)?.isValid() === true;
}

function isValid(written: string, digits: string, regions: readonly CountryCode[]): boolean {
  const international = written.includes('+') ? written : /^(?:00|011)[1-9]/.test(digits) ? `+${digits.replace(/^(?:00|011)/, '')}` : null;
  if (international !== null) return isInPlan(international, { extract: false });
  // '17151 2450 Crown St': numbers side by side are none of a telephone without a sign of it, a bracket, a trunk 0 or groups as people write them
  const groups = written.split(/\D+/).length;
  const hasSign = /^[(0]/.test(written) || (digits.length >= 10 && (groups > 2 || !written.includes(' ')));
  // digits in a row are any number, such as a time in seconds
  if (!hasSign || (digits === written && !/^0\d{9,10}$/.test(written))) return false;
  return regions.some((region) => {
    if (digits.length < shortest(region) || digits.length > 13) return false;
    return isInPlan(digits, { defaultCountry: region, extract: false });
  });
}

/** Of a number with its area code, digits without the trunk prefix. */
function shortest(region: CountryCode): number {
  return region === 'US' || region === 'CA' || region === 'IN' || region === 'BR' ? 10 : region === 'DE' ? 7 : 8;
}
