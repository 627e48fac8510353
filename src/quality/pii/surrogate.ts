// Stand-ins: of the same form as what they stand for, valid where a check digit or a plan of numbers says what is, from ranges that nobody has where such
// ranges are, and always the same for the same value and key. One person keeps one name: each word of a name has its own stand-in.
import { hash } from 'node:crypto';
import { luhn, weighted } from './check-digits.ts';
import { normal, type PiiKey } from './key.ts';
import { createRecogniser, patternEntities, type Recognise } from './recognise.ts';

type MakeSurrogate = (value: string, random: Random) => string;

/** Numbers that only depend on the key and the value. */
class Random {
  readonly #key: PiiKey;
  readonly #use: string;
  readonly #value: string;
  #bytes: Buffer = Buffer.alloc(0);
  #block = 0;
  #at = 0;

  constructor(key: PiiKey, use: string, value: string) {
    this.#key = key;
    this.#use = use;
    this.#value = value;
  }

  /** 0 to bound - 1, bound at most 2^16 */
  below(bound: number): number {
    if (this.#at + 4 > this.#bytes.length) {
      this.#bytes = this.#key.bytes(`surrogate ${this.#use} ${this.#block}`, this.#value);
      this.#block += 1;
      this.#at = 0;
    }
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4) % bound;
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => String(this.below(10))).join('');
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

export interface Surrogates {
  of(entity: string, value: string): string;
  /** entity -> values (hashes of them) whose stand-in another value had got already: two people would be one. None, but where a form leaves little room */
  readonly shared: ReadonlyMap<string, ReadonlySet<number>>;
}

/** @param key the same key gives the same stand-ins in every version */
export function createSurrogates(key: PiiKey): Surrogates {
  const make = createMake(key);
  const owners = new Map<string, Map<number, number>>();
  const shared = new Map<string, Set<number>>();
  const of = (entity: string, value: string): string => {
    const made = make(entity, value);
    const known = owners.get(entity) ?? new Map<number, number>();
    owners.set(entity, known);
    // 48 bits each: of ten million values, two would be taken for one another once in five
    const [standIn, owner] = [shortHash(normal(made)), shortHash(normal(value))];
    const first = known.get(standIn);
    if (first === undefined) known.set(standIn, owner);
    else if (first !== owner) shared.set(entity, (shared.get(entity) ?? new Set()).add(owner));
    return made;
  };
  return { of, shared };
}

function shortHash(text: string): number {
  return hash('sha256', text, 'buffer').readUIntBE(0, 6);
}

function createMake(key: PiiKey): (entity: string, value: string) => string {
  const recognisers = new Map<string, Recognise>();
  const isStillOne = (entity: string, text: string): boolean => {
    const recognise = recognisers.get(entity) ?? createRecogniser([entity]);
    recognisers.set(entity, recognise);
    return recognise(text).some(({ start, end }) => start === 0 && end === text.length);
  };
  return (entity, value) => {
    const special = fixedForms[entity];
    if (special !== undefined) return special(value, new Random(key, entity, normal(value)));
    if (!patternEntities.includes(entity)) return namesFor(value, key);
    const random = new Random(key, entity, normal(value));
    let made = inItsForm(value, random);
    // a check digit fits one in ten or eleven
    for (let tries = 0; tries < 5000 && (made === value || !isStillOne(entity, made)); tries += 1) made = inItsForm(value, random);
    return made;
  };
}

/** Digits for digits, letters for letters. */
function inItsForm(value: string, random: Random): string {
  return value.replaceAll(/[0-9A-Za-z]/g, (character) => {
    if (character <= '9') return String(random.below(10));
    const letter = String.fromCharCode(97 + random.below(26));
    return character < 'a' ? letter.toUpperCase() : letter;
  });
}

const onsets = 'b d f g k l m n p r s t v z br dr kr tr'.split(' ');
const vowels = 'a e i o u'.split(' ');
const codas = ['', '', 'l', 'n', 'r', 's'];

/** A word that sounds like a name, one of some 800,000. */
function name(random: Random): string {
  const word =
    random.of(onsets) +
    random.of(vowels) +
    random.of(onsets) +
    random.of(vowels) +
    random.of(onsets.slice(0, 14)) +
    random.of(vowels) +
    random.of(codas);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** 'Jane Doe' and 'Jane' share a word, whatever the case of letters. */
function namesFor(value: string, key: PiiKey): string {
  return value.replaceAll(/[\p{L}\p{M}\p{N}]+/gu, (word) => {
    const made = name(new Random(key, 'name', normal(word)));
    if (word === word.toUpperCase() && word.length > 1) return made.toUpperCase();
    return word === word.toLowerCase() ? made.toLowerCase() : made;
  });
}

/** The digits of a text replaced one by one, its separators kept. */
function intoDigits(value: string, digits: string): string {
  let at = 0;
  return value.replaceAll(/\d/g, () => digits.charAt(at++));
}

/** Numbers of the schemes' own tests; the first six digits name no bank. */
function card(value: string, random: Random): string {
  const length = value.replaceAll(/\D/g, '').length;
  const start = length === 15 ? '378282' : length === 14 ? '305693' : length === 12 ? '630495' : '400000';
  const body = start + random.digits(length - start.length - 1);
  return intoDigits(value, body + [...'0123456789'].find((digit) => luhn(body + digit)));
}

/** The same country, no bank: blank code, letters spell TEST. */
function iban(value: string, random: Random): string {
  const compact = value.replaceAll(/[ -]/g, '').toUpperCase();
  let letters = 0;
  const body = Array.from(compact.slice(4), (one, at) => (/\d/.test(one) ? (at < 8 ? '0' : random.digits(1)) : 'TEST'.charAt(letters++ % 4))).join(
    '',
  );
  let rest = 0;
  for (const one of `${body}${compact.slice(0, 2)}00`) rest = (rest * (one > '9' ? 100 : 10) + Number.parseInt(one, 36)) % 97;
  const made = compact.slice(0, 2) + String(98 - rest).padStart(2, '0') + body;
  let at = 0;
  return value.replaceAll(/[A-Za-z0-9]/g, () => made.charAt(at++));
}

const areas = ['201', '202', '212', '213', '303', '305', '312', '404', '415', '503', '602', '617', '702', '713', '808', '907'];

/** 555-0100 to 0199 (NANPA) and 020 7946 0000 to 0999 (Ofcom) are kept for fiction. They are few: an extension of six digits tells people apart. */
function phone(value: string, random: Random): string {
  const compact = value.replaceAll(/[^\d+]/g, '');
  if (/^(?:\+44|0044|0[1-9])/.test(compact))
    return `${compact.startsWith('0') && !compact.startsWith('00') ? '020' : '+44 20'} 7946 0${random.digits(3)} x${random.digits(6)}`;
  const [area, last] = [random.of(areas), `555-01${random.digits(2)} x${random.digits(6)}`];
  return compact.startsWith('+') ? `+1 ${area}-${last}` : value.startsWith('(') ? `(${area}) ${last}` : `${area}-${last}`;
}

/** 240.0.0.0/4, which nobody was ever given (RFC 1112), but for its end; 2001:db8::/32, for documentation (RFC 3849). */
function ip(value: string, random: Random): string {
  const [, range = ''] = /(\/\d+)$/.exec(value) ?? [];
  if (!value.includes(':')) return `${240 + random.below(15)}.${random.below(256)}.${random.below(256)}.${random.below(256)}${range}`;
  const groups = Array.from({ length: 4 }, () => (random.below(65_535) + 1).toString(16));
  return `2001:db8:${groups[0]}::${groups.slice(1).join(':')}${range}`;
}

function nhs(value: string, random: Random): string {
  for (;;) {
    // numbers that begin with 999 are for tests
    const body = `999${random.digits(6)}`;
    const check = (11 - (weighted(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
    if (check < 10) return intoDigits(value, `${body}${check}`);
  }
}

const fixedForms: Readonly<Record<string, MakeSurrogate>> = {
  CREDIT_CARD: card,
  IBAN_CODE: iban,
  PHONE_NUMBER: phone,
  IP_ADDRESS: ip,
  UK_NHS: nhs,
  EMAIL_ADDRESS: (_, random) => `${name(random)}.${name(random)}@example.org`.toLowerCase(),
  URL: (value, random) => `${/^[a-z]+:\/\//i.test(value) ? 'https://' : 'www.'}example.org/${name(random).toLowerCase()}-${random.digits(6)}`,
  // locally administered
  MAC_ADDRESS: (value, random) => {
    const hex = `02${Array.from({ length: 10 }, () => random.below(16).toString(16)).join('')}`;
    let at = 0;
    return value.replaceAll(/[0-9a-f]/gi, () => hex.charAt(at++));
  },
  // no area number from 900 on is given out
  US_SSN: (value, random) => intoDigits(value, `9${random.digits(2)}${10 + random.below(39)}${1000 + random.below(9000)}`),
};
