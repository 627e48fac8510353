// Finland, Italy, Poland, Spain, Sweden, Turkey.
import { digitsOf, isDate, luhn, weighted } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

const finnishCheck = '0123456789ABCDEFHJKLMNPRSTUVWXY';

function isFinnish(text: string): boolean {
  if (!isDate(Number(text.slice(4, 6)), Number(text.slice(2, 4)), Number(text.slice(0, 2)))) return false;
  return finnishCheck[Number(text.slice(0, 6) + text.slice(7, 10)) % 31] === text[10];
}

const oddValues: Readonly<Record<string, number>> = Object.fromEntries(
  [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((character, at) => [
    character,
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23][at < 10 ? at : at - 10] ?? 0,
  ]),
);

/** Decree of 12 March 1974: characters in odd places count by a table, the others by their number. */
function isFiscalCode(text: string): boolean | null {
  const code = text.toUpperCase();
  let sum = 0;
  for (let at = 0; at < 15; at += 1) {
    const character = code.charAt(at);
    const value = Number.parseInt(character, 36);
    sum += at % 2 === 0 ? (oddValues[character] ?? 0) : value > 9 ? value - 10 : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === code[15] ? true : null;
}

function isSwedish(text: string): boolean {
  const number = digitsOf(text).slice(-10);
  const [month, day] = [Number(number.slice(2, 4)), Number(number.slice(4, 6))];
  // of a coordination number the day is 60 more
  const born = day >= 61 ? day - 60 : day;
  return number.length === 10 && month >= 1 && month <= 12 && born >= 1 && born <= 31 && luhn(number);
}

function spanishLetter(number: string): string {
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23] ?? '';
}

function isNie(text: string): boolean {
  const code = text.replaceAll('-', '').toUpperCase();
  const first = 'XYZ'.indexOf(code.charAt(0));
  return first !== -1 && code.length >= 8 && code.length <= 9 && spanishLetter(first + digitsOf(code)) === code.at(-1);
}

function isTurkish(text: string): boolean {
  const tenth = (((weighted(text, [7, -1, 7, -1, 7, -1, 7, -1, 7]) % 10) + 10) % 10).toString();
  return tenth === text[9] && weighted(text, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) % 10 === Number(text[10]);
}

const fiscalCode =
  /(?:[A-Z][AEIOU][AEIOUX]|[AEIOU]X{2}|[B-DF-HJ-NP-TV-Z]{2}[A-Z]){2}(?:[\dLMNP-V]{2}(?:[A-EHLMPR-T](?:[04LQ][1-9MNP-V]|[15MR][\dLMNP-V]|[26NS][0-8LMNP-U])|[DHPS][37PT][0L]|[ACELMRT][37PT][01LM]|[AC-EHLMPR-T][26NS][9V])|(?:[02468LNQSU][048LQU]|[13579MPRTV][26NS])B[26NS][9V])(?:[A-MZ][1-9MNP-V][\dLMNP-V]{2}|[A-M][0L](?:[1-9MNP-V][\dLMNP-V]|[0L][1-9MNP-V]))[A-Z]\b/;

export const europeanRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'FI_PERSONAL_IDENTITY_CODE',
    'fi',
    'hetu, henkilötunnus, personbeteckningen, personal identity code',
    [['D6 M11', /\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b/, 0.5]],
    isFinnish,
  ),
  recogniser('IT_FISCAL_CODE', 'it', 'codice fiscale, cf', [['M16', fiscalCode, 0.3]], isFiscalCode),
  recogniser('IT_VAT_CODE', 'it', 'piva, partita iva, pi', [['D1-11', /(?:\d[ _]?){10}\d\b/, 0.1]], (text) => {
    const digits = digitsOf(text);
    return !/^0+$/.test(digits) && luhn(digits);
  }),
  recogniser('IT_DRIVER_LICENSE', 'it', 'patente, patente di guida, licenza, licenza di guida', [
    ['M10', /(?:[A-Z]{2}\d{7}[A-Z]|U1[B-HJ-NPRSTUWXYZ0-9]{7}[A-Z])\b/, 0.2],
  ]),
  recogniser('IT_PASSPORT', 'it', 'passaporto, elettronico, italiano, viaggio, viaggiare, estero, documento, dogana', [
    ['M9', /[A-Z]{2}\d{7}\b/, 0.01],
  ]),
  recogniser('IT_IDENTITY_CARD', 'it', 'carta, identità, elettronica, cie, documento, riconoscimento, espatrio', [
    ['M9 L2', /[A-Z]{2}\s?\d{7}\b/, 0.01],
    ['M9', /(?:\d{7}[A-Z]{2}|[A-Z]{2}\d{5}[A-Z]{2})\b/, 0.01],
  ]),
  recogniser(
    'PL_PESEL',
    'pl',
    'pesel',
    [['D11 I11', /\d{2}(?:[02468][1-9]|[13579][012])(?:0[1-9]|[12]\d|3[01])\d{5}(?!\d)/, 0.4]],
    (text) => (10 - (weighted(text, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(text[10]),
  ),
  recogniser(
    'ES_NIF',
    'es',
    'documento nacional de identidad, dni, nif, identificación',
    [['D7-8 M8-9', /\d{7,8}-?[A-Z]\b/, 0.5]],
    (text) => spanishLetter(digitsOf(text)) === text.at(-1)?.toUpperCase(),
  ),
  recogniser('ES_NIE', 'es', 'número de identificación de extranjero, nie', [['M8-10', /[X-Z]\d{7,8}-?[A-Z]\b/, 0.5]], isNie),
  recogniser('ES_PASSPORT', 'es', 'pasaporte, passport, número de pasaporte, passport number', [['M9', /[A-Z]{3}\d{6}\b/, 0.05]]),
  recogniser(
    'SE_PERSONNUMMER',
    'se',
    'personnummer, svenskt personnummer, svensk id, ssn, personal identity number, samordningsnummer',
    [
      ['D6-8 D10-12', /\d{6,8}[-+]?\d{4}\b/, 0.5],
      ['I10-12', /\d{6,8}[-+]?\d{4}(?!\d)/, 0.1],
    ],
    isSwedish,
  ),
  recogniser(
    'SE_ORGANISATIONSNUMMER',
    'se',
    'organisationsnummer, orgnr, org nr, företagsnummer',
    [['D6 D10', /\d{6}-?\d{4}\b/, 0.6]],
    (text) => Number(text[2]) >= 2 && luhn(digitsOf(text)),
  ),
  recogniser(
    'TR_NATIONAL_ID',
    'tr',
    'tc kimlik, kimlik no, kimlik numarası, tckn, tc no, nüfus cüzdanı, national id, turkish id, türk kimlik',
    [['D11', /[1-9]\d{10}\b/, 0.3]],
    isTurkish,
  ),
  recogniser(
    'TR_LICENSE_PLATE',
    'tr',
    'plaka, araç plakası, plaka numarası, kayıt plakası, tr plaka, license plate, number plate, plate, taşıt plakası, kayıt',
    // Presidio calls every province code a proof, and so each '12 in 2019' a plate with score 1: ours stays as sure as the pattern
    [['D2 M3-9', /(?:0[1-9]|[1-7]\d|8[01])(?:\s?[A-PR-VYZ]{1,3}\s?|-[A-PR-VYZ]{1,3}-)\d{2,4}\b/, 0.3]],
  ),
];
