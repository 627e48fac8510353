// What the rules say of the data, in the report's words.
import { validationSchema, type CheckResult, type Validation } from '../quality/rules/report.ts';
import type { ValidationPart } from './schema.ts';

export interface Judged {
  readonly dataset: string;
  /** path of the rules file */
  readonly rules: string;
}

/** @param text as plumb/validate wrote it @returns null: it is no validation/1 */
export function validationPart(judged: Judged, value: unknown): ValidationPart | null {
  const parsed = validationSchema.safeParse(value);
  return parsed.success ? partOf(judged, parsed.data) : null;
}

export function notValidated(judged: Judged, note: string): ValidationPart {
  return { ...judged, state: 'not looked at', rows: 0, errors: 0, warnings: 0, checks: [], note };
}

/** The branch wrote rows or rules that nobody can read: that is an answer. */
export function unreadable(judged: Judged, what: string): ValidationPart {
  const check = { rule: 0, what, severity: 'error' as const, failing: 0, rows: [] };
  return { ...judged, state: 'broken', rows: 0, errors: 1, warnings: 0, checks: [check] };
}

function partOf(judged: Judged, validation: Validation): ValidationPart {
  const broken = validation.results.filter((result) => !result.holds);
  const checks = [...broken.filter((one) => one.severity === 'error'), ...broken.filter((one) => one.severity === 'warning')];
  return {
    ...judged,
    state: validation.holds ? 'holds' : 'broken',
    rows: validation.rows,
    errors: validation.errors,
    warnings: validation.warnings,
    checks: checks.map(checkOf),
  };
}

function checkOf(result: CheckResult): ValidationPart['checks'][number] {
  const subject = result.column === null ? result.expected : `${result.column} ${result.expected}`;
  return {
    rule: result.rule,
    what: result.desc === undefined ? subject : `${subject} (${result.desc})`,
    severity: result.severity,
    failing: result.failing,
    rows: result.sample.map(({ key, value }) => ({ key, value })),
  };
}
