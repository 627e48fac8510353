// What an importer makes of the file of another tool.
import { PlumbError } from '../../base/errors.ts';
import type { RuleInput, WrittenRule } from './rules-text.ts';

/** Something of the file that no rule says. */
export interface Refusal {
  /** expectation, keyword or constraint, in the words of the other tool */
  readonly what: string;
  /** null: of the row or of all rows */
  readonly column: string | null;
  readonly reason: string;
}

export interface Imported {
  readonly rules: readonly WrittenRule[];
  /** what has no equal here, and is not taken over */
  readonly refused: readonly Refusal[];
  /** what is taken over, and differs at an edge */
  readonly noted: readonly Refusal[];
  readonly key?: string | string[];
}

/** Thrown inside an importer: this part is refused, the others go on. */
export class Refused extends Error {}

/** @throws Refused */
export function refuse(reason: string): never {
  throw new Refused(reason);
}

/** Gathers what an importer finds. */
export class Gathering {
  readonly rules: WrittenRule[] = [];
  readonly refused: Refusal[] = [];
  readonly noted: Refusal[] = [];

  rule(rule: RuleInput, comments: readonly string[] = []): void {
    this.rules.push({ rule, comments });
  }

  refuse(what: string, column: string | null, reason: string): void {
    this.refused.push({ what, column, reason });
  }

  note(what: string, column: string | null, reason: string): void {
    this.noted.push({ what, column, reason });
  }

  /** A part that may be refused. */
  attempt(what: string, column: string | null, part: () => void): void {
    try {
      part();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refuse(what, column, error.message);
    }
  }
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws PlumbError CONFIG_INVALID */
export function notOfForm(file: string, what: string, mend: string): PlumbError {
  return new PlumbError('CONFIG_INVALID', { what: `${file} ${what}`, where: { file }, mend });
}

/** A column as a condition names it. */
export function columnText(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A value as a condition writes it. @throws Refused */
export function literalText(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  return refuse(`compares with ${JSON.stringify(value) ?? 'nothing'}, which is no text, number or boolean`);
}
