// Check digits: what makes a number prove itself. All take texts of digits (and letters where said), without separators.

export function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}

export function withoutSeparators(text: string): string {
  return text.replaceAll(/[\s:.-]/g, '');
}

/** ISO/IEC 7812-1, annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = (digits.charCodeAt(digits.length - 1 - at) - 48) * (at % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** Sum of digits, each times its weight; digits without a weight count nothing. */
export function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < weights.length; at += 1) sum += (digits.charCodeAt(at) - 48) * (weights[at] ?? 0);
  return sum;
}

/** Of a product of two digits, the sum of its digits. */
export function crossSum(product: number): number {
  return Math.floor(product / 10) + (product % 10);
}

const verhoeffTimes = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const verhoeffPlaces = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

/** Verhoeff 1969, the dihedral group of order 10. */
export function verhoeff(digits: string): boolean {
  let check = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48;
    const moved = Number(verhoeffPlaces[at % 8]?.[digit]);
    check = Number(verhoeffTimes[check]?.[moved]);
  }
  return check === 0;
}

/** ISO/IEC 7064, MOD 11,10: the last digit checks those before it. */
export function mod11And10(digits: string): boolean {
  let product = 10;
  for (let at = 0; at < digits.length - 1; at += 1) {
    const sum = (digits.charCodeAt(at) - 48 + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

/** ISO/IEC 7064, MOD 97-10, as an IBAN has it: capital letters and digits, country and check digits in front. */
export function mod97(iban: string): boolean {
  let rest = 0;
  for (let at = 0; at < iban.length; at += 1) {
    const unit = iban.charCodeAt((at + 4) % iban.length);
    rest = unit > 57 ? (rest * 100 + unit - 55) % 97 : (rest * 10 + unit - 48) % 97;
  }
  return rest === 1;
}

/** ICAO 9303, weights 7, 3, 1: the last digit checks the letters and digits before it. */
export function icao(text: string): boolean {
  let sum = 0;
  for (let at = 0; at < text.length - 1; at += 1) sum += Number.parseInt(text.charAt(at), 36) * ([7, 3, 1][at % 3] ?? 0);
  return sum % 10 === Number(text.at(-1));
}

/** A day of the calendar; years have two digits, and 29 February is let pass where one of the centuries has it. */
export function isDate(year: number, month: number, day: number): boolean {
  const days = [31, year % 4 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}
