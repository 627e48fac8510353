// Personal data that proves itself: by its form (e-mail, international telephone number) or by its check digits (card, IBAN).
import type { SensitivePattern } from './sensitive-pattern.ts';

/** logo@2x.png, model@final.onnx */
const fileEnd = /\.(?:png|jpe?g|gif|svg|webp|avif|ico|pdf|onnx|json|jsonl|csv|ya?ml|txt|md|js|ts|py)$/i;

/** Numbers that issuers give out (ISO/IEC 7812), with Luhn's check digit. */
function isCard(digits: string): boolean {
  const issued =
    /^4(?:.{15}|.{18})$/.test(digits) ||
    /^(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})$/.test(digits) ||
    /^3[47]\d{13}$/.test(digits) ||
    /^(?:6011|65\d\d|64[4-9]\d|35(?:2[89]|[3-8]\d))\d{12}$/.test(digits) ||
    /^62\d{14,17}$/.test(digits) ||
    /^3(?:0[0-5]|[68]\d)\d{11}$/.test(digits);
  return issued && new Set(digits).size > 1 && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]) * (at % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** Characters of an IBAN by country. Source: SWIFT, IBAN Registry, release 99. */
const ibanLengths = `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18
  FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24
  ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28
  TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`;

function ibanPattern(): RegExp {
  const forms = ibanLengths.split(/\s+/).map((entry) => String.raw`${entry.slice(0, 2)}\d{2}(?:[ -]?[A-Z0-9]){${Number(entry.slice(2)) - 4}}`);
  return new RegExp(String.raw`(?<![\p{L}\p{N}])(?:${forms.join('|')})(?![\p{L}\p{N}])`, 'giu');
}

/** Check digits by ISO 7064, mod 97-10. */
function isIban(iban: string): boolean {
  const turned = `${iban.slice(4)}${iban.slice(0, 4)}`.replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  let rest = 0;
  for (const digit of turned) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

export const personalPatterns: readonly SensitivePattern[] = [
  {
    pattern: /(?<![\p{L}\p{N}._%+-]|\/\/)[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,5}\p{L}{2,24}(?![\p{L}\p{N}-])/gu,
    replace: ([text]) => (/^git@|@\dx\./i.test(text) || fileEnd.test(text) ? null : '[e-mail]'),
  },
  { pattern: ibanPattern(), replace: ([text]) => (isIban(text.replaceAll(/[ -]/g, '').toUpperCase()) ? '[IBAN]' : null) },
  {
    pattern: /(?<![\p{L}\p{N}._+-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5}|\d{14,19})(?![\p{L}\p{N}]|[.,]\d)/gu,
    replace: ([text]) => (isCard(text.replaceAll(/\D/g, '')) ? '[card number]' : null),
  },
  {
    // E.164 has at most 15 digits; nine and more, for a figure with its sign has fewer
    pattern: /(?<![\p{L}\p{N}+])\+[1-9](?:(?:[ .-]?\(?|\)[ .-]?)\d){8,14}(?![\p{L}\p{N}]|[.,]\d)/gu,
    replace: ([text]) => (/^\+\d+\.\d+$|\..* | .*\./.test(text) ? null : '[phone number]'),
  },
];
