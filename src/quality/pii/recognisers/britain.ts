// The United Kingdom.
import { digitsOf, weighted } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

const postcode =
  /(?:GIR\s?0AA|[A-PR-UWYZ][0-9][ABCDEFGHJKPSTUW]?\s?[0-9][ABD-HJLNP-UW-Z]{2}|[A-PR-UWYZ][0-9]{2}\s?[0-9][ABD-HJLNP-UW-Z]{2}|[A-PR-UWYZ][A-HK-Y][0-9][ABEHMNPRVWXY]?\s?[0-9][ABD-HJLNP-UW-Z]{2}|[A-PR-UWYZ][A-HK-Y][0-9]{2}\s?[0-9][ABD-HJLNP-UW-Z]{2})\b/;

/** Of a plate of 2001 and later, the age identifier: 02 to 29 and 51 to 79. */
function isPlate(text: string): boolean | null {
  const age = /^[A-Z]{2}(\d{2})[- ]?[A-Z]{3}$/i.exec(text)?.[1];
  if (age === undefined) return null;
  return (Number(age) >= 2 && Number(age) <= 29) || (Number(age) >= 51 && Number(age) <= 79);
}

export const britishRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'UK_NHS',
    'uk',
    'national health service, nhs, health services authority, health authority',
    [['D3 D6 D10', /\d{3}[- ]?\d{3}[- ]?\d{4}\b/, 0.5]],
    (text) => weighted(digitsOf(text), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
  ),
  recogniser('UK_NINO', 'uk', 'national insurance, ni number, nino', [
    ['L2 M4-9', /(?!bg|gb|nk|kn|nt|tn|zz)[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z] ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b/, 0.5],
  ]),
  recogniser(
    'UK_PASSPORT',
    'uk',
    'passport, passport number, travel document, uk passport, british passport, her majesty, his majesty, hm passport, hmpo',
    [['M9', /[A-Z]{2}\d{7}\b/, 0.1]],
  ),
  recogniser('UK_POSTCODE', 'uk', 'postcode, post code, postal code, zip, address, delivery, mailing, shipping, correspondence', [
    ['L3 M2-7', postcode, 0.1],
  ]),
  recogniser(
    'UK_DRIVING_LICENCE',
    'uk',
    "driving licence, driving license, driver's licence, driver's license, dvla, dl number, licence number, license number",
    [['M16', /[A-Z9]{5}[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9][A-Z9]{2}[A-Z0-9][A-Z]{2}\b/, 0.5]],
    (text) => (/^[A-Z]+9*$/i.test(text.slice(0, 5)) ? null : false),
  ),
  recogniser(
    'UK_VEHICLE_REGISTRATION',
    'uk',
    'vehicle, registration, number plate, licence plate, license plate, reg, vrn, dvla, v5c, logbook, mot, car, insured vehicle',
    [
      ['M4-7', /[A-HJ-PR-Y]{2}(?:0[1-9]|[1-7][0-9])[- ]?[A-HJ-PR-Z]{3}\b/, 0.3],
      ['M2-7', /[A-HJ-NPR-TV-Y]\d{1,3}[- ]?[A-HJ-PR-Y][A-HJ-PR-Z]{2}\b/, 0.2],
      ['L3 M4-7', /[A-HJ-PR-Z]{3}[- ]?\d{1,3}[- ]?[A-HJ-NPR-TV-Y]\b/, 0.15],
    ],
    isPlate,
  ),
];
