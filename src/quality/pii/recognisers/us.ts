// The United States and Canada.
import { digitsOf, luhn, weighted, withoutSeparators } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

function isSsn(text: string): boolean | null {
  const digits = digitsOf(text);
  const mixed = new Set(text.replaceAll(/\d/g, '')).size > 1;
  const never = ['000', '666', '123456789', '98765432', '078051120'].some((sample) => digits.startsWith(sample));
  return mixed || new Set(digits).size === 1 || digits.slice(3, 5) === '00' || digits.endsWith('0000') || never ? false : null;
}

function isDea(text: string): boolean {
  const digits = text.slice(2);
  return (weighted(digits, [1, 2, 1, 2, 1, 2]) - Number(digits[6])) % 10 === 0;
}

const itin = String.raw`(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])`;
const mbi = { digit: '[0-9]', letter: '[AC-HJKMNP-RT-Y]', either: '[0-9AC-HJKMNP-RT-Y]' };
const mbiParts = [
  mbi.digit + mbi.letter + mbi.either + mbi.digit,
  mbi.letter + mbi.either + mbi.digit,
  mbi.letter + mbi.letter + mbi.digit + mbi.digit,
];

export const usRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'US_SSN',
    'us',
    'social, security, ssn, ssns, ssid',
    [
      ['D5', /\d{5}-\d{4}\b/, 0.05],
      ['D3', /\d{3}-\d{6}\b/, 0.05],
      ['D9', /\d{9}\b/, 0.05],
      ['D3', /\d{3}[- .]\d{2}[- .]\d{4}\b/, 0.5],
    ],
    isSsn,
  ),
  recogniser('US_ITIN', 'us', 'individual, taxpayer, itin, tax, payer, taxid, tin', [
    ['D3', new RegExp(String.raw`9\d{2}[- ]${itin}\d{4}\b`), 0.05],
    ['D5', new RegExp(String.raw`9\d{2}${itin}[- ]\d{4}\b`), 0.05],
    ['D9', new RegExp(String.raw`9\d{2}${itin}\d{4}\b`), 0.3],
    ['D3', new RegExp(String.raw`9\d{2}[- ]${itin}[- ]\d{4}\b`), 0.5],
  ]),
  recogniser('US_PASSPORT', 'us', 'us, united, states, passport, passport#, travel, document', [
    ['D9', /\d{9}\b/, 0.05],
    ['M9', /[A-Z]\d{8}\b/, 0.1],
  ]),
  recogniser('US_DRIVER_LICENSE', 'us', 'driver, license, permit, lic, identification, dls, cdls, lic#, driving', [
    [
      'M2-19',
      /(?:[A-Z]\d{1,14}|[A-Z]\d{18}|[A-Z]{2}\d{2,7}|\d{2}[A-Z]{3}\d{5,6}|[A-Z]\d{6}R|\d{9}[A-Z]|[A-Z]{2}\d{6}[A-Z]|\d{8}[A-Z]{2}|\d{3}[A-Z]{2}\d{4}|[A-Z]\d[A-Z]\d[A-Z]|\d{7,8}[A-Z])\b/,
      0.3,
    ],
    ['D6-14 D16', /(?:\d{6,14}|\d{16})\b/, 0.01],
  ]),
  recogniser('US_BANK_NUMBER', 'us', 'check, account, account#, acct, bank, save, debit', [['D8-17', /\d{8,17}\b/, 0.05]]),
  recogniser(
    'ABA_ROUTING_NUMBER',
    'us',
    'aba, routing, abarouting, association, bankrouting',
    [
      ['D9', /[0123678]\d{8}\b/, 0.05],
      ['D4', /[0123678]\d{3}-\d{4}-\d\b/, 0.3],
    ],
    (text) => weighted(digitsOf(text), [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0,
  ),
  recogniser(
    'US_NPI',
    'us',
    'npi, national provider, provider, npi number, provider id, provider identifier, taxonomy',
    [
      ['D10', /[12]\d{9}\b/, 0.1],
      ['D4', /[12]\d{3}[ -]\d{3}[ -]\d{3}\b/, 0.4],
    ],
    (text) => luhn(`80840${digitsOf(text)}`) && new Set(digitsOf(text).slice(0, -1)).size > 1,
  ),
  recogniser('US_MBI', 'us', 'medicare, mbi, beneficiary, cms, medicaid, hic, hicn', [
    ['M11', new RegExp(String.raw`${mbiParts.join('')}\b`), 0.3],
    ['M4', new RegExp(String.raw`${mbiParts.join('-')}\b`), 0.5],
  ]),
  recogniser('MEDICAL_LICENSE', 'us', 'medical, certificate, dea', [['M9', /[A-HJ-MPR-UX][A-Z9]\d{7}\b/, 0.4]], isDea),
  recogniser(
    'CA_SIN',
    'ca',
    "sin, sin number, social insurance, social insurance number, canada, nas, numéro nas, numéro d'assurance sociale, assurance sociale",
    [
      ['D9', /[1-79]\d{8}\b/, 0.05],
      ['D3', /[1-79]\d{2}([- ])\d{3}\1\d{3}\b/, 0.5],
    ],
    (text) => (luhn(withoutSeparators(text)) ? null : false),
  ),
];
