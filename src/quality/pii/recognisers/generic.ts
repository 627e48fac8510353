// Of no country: cards, IBAN, dates, MAC addresses, crypto addresses. Hosts, addresses and telephone numbers are found by their signs, in files of their own.
import { hash } from 'node:crypto';
import { digitsOf, luhn, mod97 } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

/**
 * Issuers' ranges with their lengths: Visa 13, 16, 19; Mastercard, also of the second series; American Express; Diners; Discover; JCB, also the old ones of 15;
 * Maestro 12 to 19; UnionPay. Presidio knows neither 12 nor 19 digits nor the second series.
 */
const issued =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[0-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[012])\d{13}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|3\d{15}|(?:1800|2131)\d{11}|6(?:011|[245]\d\d)\d{12,15}|(?:50|5[6-8]|6\d|06)\d{10,17})$/;

function isCard(text: string): boolean {
  const digits = digitsOf(text);
  return issued.test(digits) && new Set(digits).size > 1 && luhn(digits);
}

/** Characters of an IBAN by country. Source: SWIFT, IBAN Registry, release 99. */
const ibanLengths: ReadonlyMap<string, number> = new Map(
  `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23
GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18
NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** How many characters of a text from a place on are an IBAN, blanks and hyphens between them counted; 0: none is. */
export function ibanLength(text: string, start: number): number {
  const wanted = ibanLengths.get(text.slice(start, start + 2).toUpperCase()) ?? 0;
  let iban = '';
  let at = start;
  for (; iban.length < wanted && at < text.length; at += 1) {
    const character = text.charAt(at);
    if (/[A-Za-z0-9]/.test(character)) iban += character;
    else if ((character !== ' ' && character !== '-') || !/[A-Za-z0-9]/.test(text.charAt(at + 1))) break;
  }
  return iban.length === wanted && wanted > 0 && /^[A-Z]{2}\d{2}/i.test(iban) && mod97(iban.toUpperCase()) ? at - start : 0;
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Base58Check: the last four bytes are the first of SHA-256 twice over those before. */
function isBase58Check(text: string): boolean {
  let number = 0n;
  for (const character of text) {
    const value = base58.indexOf(character);
    if (value === -1) return false;
    number = number * 58n + BigInt(value);
  }
  const hex = number.toString(16);
  const zeros = (/^1*/.exec(text)?.[0].length ?? 0) * 2;
  const bytes = Buffer.from('0'.repeat(zeros) + hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const twice = hash('sha256', hash('sha256', bytes.subarray(0, -4), 'buffer'), 'buffer');
  return bytes.length === 25 && twice.subarray(0, 4).equals(bytes.subarray(-4));
}

const bech32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** BIP 173 and, for version 1 on, BIP 350. */
function isBech32(text: string): boolean {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return false;
  const values = [3, 3, 0, 2, 3, ...Array.from(text.toLowerCase().slice(3), (character) => bech32.indexOf(character))];
  if (values.includes(-1)) return false;
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if (((top >>> bit) & 1) === 1) check ^= generator;
  }
  return check === 1 || check === 0x2bc830a3;
}

const month = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)';
const longMonth =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const [m, d, y] = ['(?:0[1-9]|1[0-2]|[1-9])', '(?:0[1-9]|[12]\\d|3[01]|[1-9])', '(?:\\d{4}|\\d{2})'];

export const genericRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'CREDIT_CARD',
    null,
    'credit, card, visa, mastercard, cc, amex, discover, jcb, diners, maestro, instapayment',
    [
      ['D12-19', /\d{12,19}\b/, 0.3],
      ['D4', /\d{4}([-./\s]|\s{2})\d{4}\1\d{4}\1(?:\d{4}|\d{1,3}|\d{4}\1\d{3})\b/, 0.3],
      ['D4', /\d{4}([-./\s]|\s{2})\d{6}\1\d{4,5}\b/, 0.3],
    ],
    isCard,
  ),
  recogniser('CRYPTO', null, 'wallet, btc, bitcoin, crypto', [['M26-62', /(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,59}\b/, 0.5]], (text) =>
    /^bc1/i.test(text) ? isBech32(text) : isBase58Check(text),
  ),
  recogniser(
    'MAC_ADDRESS',
    null,
    'mac, mac address, hardware address, physical address, ethernet',
    [
      ['D2 M2 L2', /[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}\b/, 0.6],
      ['D4 M4 L4', /[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b/, 0.6],
    ],
    (text) => (new Set(text.toUpperCase().replaceAll(/[:.-]/g, '')).size === 1 && /^[0F]/i.test(text) ? false : null),
  ),
  recogniser('DATE_TIME', null, 'date, birthday, born, dob', [
    ['D4', /\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:[+-][0-2]\d:[0-5]\d|Z)?\b/, 0.8],
    ['D1-2', new RegExp(String.raw`(?:${m}/${d}|${d}/${m})/${y}\b`), 0.6],
    ['D4', new RegExp(String.raw`\d{4}([/-])${m}\1${d}\b`), 0.6],
    ['D1-2', new RegExp(String.raw`(?:${m}-${d}|${d}-${m})-\d{4}\b`), 0.6],
    ['D1-2', new RegExp(String.raw`${d}\.${m}\.${y}\b`), 0.6],
    ['D1-2', new RegExp(String.raw`${d}-${month}(?:-${y})?\b`), 0.6],
    ['D1-2', new RegExp(String.raw`${d}(?:st|nd|rd|th)? ${longMonth},? \d{4}\b`), 0.6],
    ['L3-9', new RegExp(String.raw`${month}-${y}\b`), 0.6],
    ['L3-9', new RegExp(String.raw`${longMonth}\.? ${d}(?:st|nd|rd|th)?,? \d{4}\b`), 0.6],
    ['D1-2', new RegExp(String.raw`${m}/\d{4}\b`), 0.2],
    ['D1-2', new RegExp(String.raw`${m}/\d{2}\b`), 0.1],
  ]),
];
