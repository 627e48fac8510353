// Australia, India, Korea, the Philippines, Singapore, Thailand; Nigeria and South Africa.
import { digitsOf, isDate, luhn, verhoeff, weighted, withoutSeparators } from '../check-digits.ts';
import { recogniser, type PatternRecogniser } from '../pattern.ts';

const countdown = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, at) => from - at);

function isAadhaar(text: string): boolean {
  const digits = digitsOf(text);
  return digits.charAt(0) >= '2' && verhoeff(digits) && digits !== [...digits].toReversed().join('');
}

function isGstin(text: string): boolean {
  const state = Number(text.slice(0, 2));
  const letters = text.slice(2, 7).replaceAll(/[^A-Z]/gi, '').length;
  return state >= 1 && state <= 37 && letters >= 3 && /^.{7}\d{4}[A-Z][A-Z\d]Z[A-Z\d]$/i.test(text);
}

/** Districts of the states of India, as far as they are numbered from 1 on. Source: Presidio's lists, which leave out hardly any number of a range. */
const indianDistricts: Readonly<Record<string, number>> = Object.fromEntries(
  'AN1 AP40 AR22 AS34 BR56 CG30 CH4 DD3 DL13 DN9 GA12 GJ39 HP99 HR99 JH24 JK22 KA71 KL99 LA2 LD9 MH51 ML10 MN7 MP71 MZ8 NL10 OD35 OR31 PB99 PY5 RJ58 SK8 TN99 TR8 TS38 UK20 UP96 WB98'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

function isIndianPlate(text: string): boolean | null {
  const [, state = '', district = '', number = ''] = /^([A-Z]{2})(\d{1,2})[A-Z]{0,3}(\d{4})$/i.exec(text) ?? [];
  const most = indianDistricts[state.toUpperCase()];
  return most !== undefined && Number(district) >= 1 && Number(district) <= most && Number(number) > 0 ? true : null;
}

function koreanSum(digits: string): number {
  return weighted(digits, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
}

function isKorean(text: string, start: number): true | null {
  const digits = digitsOf(text);
  return Number(digits.slice(7, 9)) <= 95 && (start - koreanSum(digits)) % 10 === Number(digits[12]) ? true : null;
}

function isKoreanBusiness(text: string): boolean {
  const digits = digitsOf(text);
  const sum = weighted(digits, [1, 3, 7, 1, 3, 7, 1, 3, 5]) + Math.floor((Number(digits[8]) * 5) / 10);
  return (10 - (sum % 10)) % 10 === Number(digits[9]);
}

const uenEntities =
  /^[TSR]\d{2}(?:LP|LL|FC|PF|RF|MQ|MM|NB|CC|CS|MB|FM|GS|DP|CP|NR|CM|CD|MD|HS|VH|CH|MH|CL|XL|CX|HC|RP|TU|TC|FB|FN|PA|PB|SS|MC|SM|GA|GB)/;

/** Source: ACRA; three forms, each with an alphabet and weights of its own. */
function isUen(text: string): boolean {
  const uen = text.toUpperCase();
  const check = uen.at(-1);
  if (uen.length === 9) return 'XMKECAWLJDB'[weighted(uen, [10, 4, 9, 3, 8, 2, 7, 1]) % 11] === check;
  if (!uenEntities.test(uen)) return /^\d/.test(uen) && 'ZKCMDNERGWH'[weighted(uen, [10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11] === check;
  const alphabet = 'ABCDEFGHJKLMNPQRSTUVWX0123456789';
  const sum = [4, 3, 5, 3, 10, 2, 2, 5, 7].reduce((total, weight, at) => total + alphabet.indexOf(uen.charAt(at)) * weight, 0);
  return alphabet[(((sum - 5) % 11) + 11) % 11] === check;
}

function isThai(text: string): boolean {
  const rest = weighted(text, countdown(13, 2)) % 11;
  return (rest <= 1 ? 1 - rest : 11 - rest) === Number(text[12]);
}

function isTin(text: string): boolean | null {
  const digits = digitsOf(text);
  return weighted(digits, countdown(9, 2)) % 11 === Number(digits[8]) ? null : false;
}

function isMedicare(text: string): boolean {
  const digits = digitsOf(text);
  return weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(digits[8]);
}

export const asianRecognisers: readonly PatternRecogniser[] = [
  recogniser(
    'AU_ABN',
    'au',
    'australian business number, abn',
    [
      ['D2', /\d{2}\s\d{3}\s\d{3}\s\d{3}\b/, 0.1],
      ['D11', /\d{11}\b/, 0.01],
    ],
    (text) => (weighted(digitsOf(text), [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0,
  ),
  recogniser(
    'AU_ACN',
    'au',
    'australian company number, acn',
    [
      ['D3', /\d{3}\s\d{3}\s\d{3}\b/, 0.1],
      ['D9', /\d{9}\b/, 0.01],
    ],
    (text) => (10 - (weighted(digitsOf(text), countdown(8, 1)) % 10)) % 10 === Number(text.at(-1)),
  ),
  recogniser(
    'AU_TFN',
    'au',
    'tax file number, tfn',
    [
      ['D3', /\d{3}\s\d{3}\s\d{3}\b/, 0.1],
      ['D9', /\d{9}\b/, 0.01],
    ],
    (text) => weighted(digitsOf(text), [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
  ),
  recogniser(
    'AU_MEDICARE',
    'au',
    'medicare',
    [
      ['D4', /[2-6]\d{3}\s\d{5}\s\d\b/, 0.1],
      ['D10', /[2-6]\d{9}\b/, 0.01],
    ],
    isMedicare,
  ),
  recogniser(
    'IN_AADHAAR',
    'in',
    'aadhaar, uidai',
    [
      ['D12', /\d{12}\b/, 0.01],
      ['D4', /\d{4}[- :]\d{4}[- :]\d{4}\b/, 0.01],
    ],
    isAadhaar,
  ),
  recogniser('IN_PAN', 'in', 'permanent account number, pan', [
    ['M10', /[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b/, 0.5],
    ['M10', /[A-Z]{5}\d{4}[A-Z]\b/, 0.1],
  ]),
  recogniser('IN_PASSPORT', 'in', 'passport, indian passport, passport number', [['M3 M8', /[A-Z][1-9]\d\s?\d{4}[1-9]\b/, 0.1]]),
  recogniser('IN_VOTER', 'in', 'voter, epic, elector photo identity card', [
    ['M10', /[A-Z][ABCDGHJKMNPRSY][A-Z]\d{7}\b/, 0.4],
    ['M10', /[A-Z]{3}\d{7}\b/, 0.3],
  ]),
  recogniser(
    'IN_GSTIN',
    'in',
    'gstin, gst, goods and services tax, tax identification, gst number, gst registration',
    [['M15', /(?:0[1-9]|[1-3][0-7])[A-Z0-9]{11}Z[A-Z0-9]\b/, 0.8]],
    isGstin,
  ),
  recogniser(
    'IN_VEHICLE_REGISTRATION',
    'in',
    'rto, vehicle, plate, registration',
    [
      ['M5-6', /(?:[A-Z]{1,2}(?!0000)\d{4}|I(?!00000)\d{5})\b/, 0.01],
      ['M7', /[A-Z]{3}(?!0000)\d{4}\b/, 0.2],
      ['M5-8', /\d{1,3}(?:CD|CC|UN)[1-9]\d{1,3}\b/, 0.4],
      ['M8-10', /(?:[A-Z]{2}\d[A-Z]{1,3}|[A-Z]{2}\d{2}[A-Z]{1,2})(?!0000)\d{4}\b/, 0.5],
      ['M10', /(?:[2-9][1-9]BH(?!0000)\d{4}[A-HJ-NP-Z]{2}|(?!00)\d{2}[A-FHKPRX]\d{6}[A-Z])\b/, 0.85],
    ],
    isIndianPlate,
  ),
  recogniser(
    'KR_RRN',
    'kr',
    'korean rrn, korean resident registration number, resident registration number, rrn, rrn#',
    [['D6 D13 I6 I13', /\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?[1-4]\d{6}(?!\d)/, 0.5]],
    (text) => isKorean(text, 11),
  ),
  recogniser(
    'KR_FRN',
    'kr',
    '외국인등록번호, korean frn, frn, foreigner registration number, korean foreigner registration number, 외국인번호',
    [['D6 D13 I6 I13', /\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?[5-8]\d{6}(?!\d)/, 0.5]],
    (text) => isKorean(text, 13),
  ),
  recogniser(
    'KR_BRN',
    'kr',
    '사업자등록번호, 사업자번호, 사업자, brn, business registration number, korean brn, business number, tax registration number',
    [
      ['D3 I3', /\d{3}-\d{2}-\d{5}(?!\d)/, 0.1],
      ['D10 I10', /\d{10}(?!\d)/, 0.05],
    ],
    isKoreanBusiness,
  ),
  recogniser(
    'KR_DRIVER_LICENSE',
    'kr',
    "운전면허, 운전면허번호, 면허번호, korean driver license, korean driver's license",
    // Presidio calls a region code a proof, and so a sixth of all numbers of 12 digits: ours stays as sure as the pattern
    [['D2 D12 I2 I12', /(?:1[1-9]|2[0-68])[- ]?\d{2}[- ]?\d{6}[- ]?\d{2}(?!\d)/, 0.05]],
  ),
  recogniser('KR_PASSPORT', 'kr', 'korean passport, korean passport number, 대한민국 여권, 여권, passport, passport number', [
    ['M9', /[MSROD]\d{3}[A-Z]\d{4}(?!\d)/, 0.1],
    ['M9', /[MSROD]\d{8}(?!\d)/, 0.05],
  ]),
  recogniser('SG_NRIC_FIN', 'sg', 'fin, fin#, nric, nric#', [
    ['M9', /[STFGM]\d{7}[A-Z]\b/, 0.5],
    ['M9', /[A-Z]\d{7}[A-Z]\b/, 0.3],
  ]),
  recogniser(
    'SG_UEN',
    'sg',
    'uen, unique entity number, business registration, acra',
    [['M9-10', /(?:\d{8,9}[A-Z]|[TSR]\d{2}[A-Z]{2}\d{4}[A-Z])\b/, 0.3]],
    isUen,
  ),
  recogniser(
    'PH_TIN',
    'ph',
    'tin, taxpayer identification number, bir, taxpayer id, tax id, rdo, revenue district office',
    [
      ['D3', /\d{3}-\d{3}-\d{3}(?:-\d{3})?\b/, 0.05],
      ['D9 D12', /(?:\d{9}|\d{12})\b/, 0.01],
    ],
    isTin,
  ),
  recogniser(
    'TH_TNIN',
    'th',
    'thai national id, thai id number, tnin, เลขประจำตัวประชาชน, เลขบัตรประชาชน, รหัสปชช',
    [['D13', /[1-9](?:[134]\d|2[0-7]|5[0-8]|[67][0-7]|[89][0-6])\d{10}\b/, 0.5]],
    isThai,
  ),
  recogniser(
    'NG_NIN',
    'ng',
    'nin, national identification number, national identity number, nimc, national identity, nigeria id, nigerian identification',
    [['D11', /\d{11}\b/, 0.01]],
    verhoeff,
  ),
  recogniser('NG_VEHICLE_REGISTRATION', 'ng', 'plate number, vehicle registration, license plate, number plate, plate, vehicle, registration', [
    ['L3 M8', /[A-Z]{3}[- ]?\d{3}[A-Z]{2}\b/, 0.5],
  ]),
  recogniser(
    'ZA_ID_NUMBER',
    'za',
    'id, identity, identity number, id number, south african id, rsa id, smart id, national id',
    [['D13', /\d{10}[0-2][89]\d\b/, 0.2]],
    (text) => isDate(Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4, 6))) && luhn(withoutSeparators(text)),
  ),
];
