// From a secret that was found to what may be told of it: the rule, the place in code points, and a keyed hash by which it is known again.
import { PlumbError } from '../../base/errors.ts';
import type { Finding } from '../findings.ts';
import { keyCheck, keyOf, requireSecret, type PiiKey } from '../pii/key.ts';
import type { SecretsConfig } from './config.ts';
import type { FoundSecret } from './scan.ts';

/** Of one text no more are told one by one: a list of a million keys is one finding of a reader. */
const mostTold = 100;

export interface Telling {
  readonly config: SecretsConfig;
  /** null: findings have no hash */
  readonly key: PiiKey | null;
}

/** @throws PlumbError PII_KEY: the key is not there, or it is another one */
export function openHashKey({ key }: SecretsConfig, env: Readonly<Record<string, string | undefined>>, file: string): PiiKey | null {
  if (key === undefined) return null;
  const secret = requireSecret(env, key.env);
  if (keyCheck(secret) === key.check) return keyOf(secret);
  throw new PlumbError('PII_KEY', {
    what: `the key in ${key.env} is not the one that ${file} was written for`,
    where: { file, path: 'key.check' },
    mend: 'set the right key; if it was changed on purpose, write the answer of `plumb pii --key-check` into the file',
  });
}

/**
 * @param column null: of a file
 * @param where within the column or file, for people, before the rest: 'in messages[2].content: ', 'line 7: ', ''
 */
export function tellFindings(
  text: string,
  found: readonly FoundSecret[],
  { config, key }: Telling,
  at: { column: string | null; where: (one: FoundSecret) => string },
): Finding[] {
  const points = new CodePoints(text);
  const told = found.slice(0, mostTold).map((one): Finding => {
    const span: [number, number] = [points.before(one.start), points.before(one.end)];
    const hash = key === null ? '' : `, keyed hash ${hashOf(key, one.secret)}`;
    return {
      kind: one.rule,
      severity: severityOf(config, one.rule),
      column: at.column,
      span,
      message: `${at.where(one)}${one.description}${one.encoding === undefined ? '' : ` (written in ${one.encoding})`}${hash}`,
    };
  });
  if (found.length <= mostTold) return told;
  const rest = found.slice(mostTold);
  for (const rule of [...new Set(rest.map((one) => one.rule))].toSorted()) {
    const more = rest.filter((one) => one.rule === rule).length;
    told.push({ kind: rule, severity: severityOf(config, rule), column: at.column, message: `and ${more} more in the same text` });
  }
  return told;
}

export function severityOf(config: SecretsConfig, rule: string): Finding['severity'] {
  return (Object.hasOwn(config.severities, rule) ? config.severities[rule] : undefined) ?? config.severity;
}

/** 16 hexadecimal characters. A secret is no text of people: case counts. */
function hashOf(key: PiiKey, secret: string): string {
  return key.bytes('secret', secret).toString('hex').slice(0, 16);
}

/** The keyed hash that a finding of a secret names. */
export function hashNamed({ message }: Finding): string | null {
  return / keyed hash ([0-9a-f]{16})$/.exec(message)?.[1] ?? null;
}

/** Places in code points, asked for in rising order. */
class CodePoints {
  readonly #text: string;
  #units = 0;
  #points = 0;

  constructor(text: string) {
    this.#text = text;
  }

  before(unit: number): number {
    if (unit < this.#units) [this.#units, this.#points] = [0, 0];
    while (this.#units < unit) {
      this.#units += (this.#text.codePointAt(this.#units) as number) > 0xffff ? 2 : 1;
      this.#points += 1;
    }
    return this.#points;
  }
}
