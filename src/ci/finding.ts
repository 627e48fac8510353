// What a static check found: where, what, how to mend. What it says of rows is masked before it is kept: findings go into logs and comments.
import { byCodeUnit } from '../base/canonical.ts';
import { isPlumbError, type ErrorCode, type PlumbError } from '../base/errors.ts';
import { maskSensitive } from '../quality/sensitive.ts';

export interface Finding {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
  /** relative to the project */
  readonly file: string;
  /** lines and columns count from 1 */
  readonly line?: number;
  readonly column?: number;
  readonly what: string;
  readonly mend: string;
  readonly dataset?: string;
  /** of the data set, from 1 */
  readonly row?: number;
  /** of the row */
  readonly key?: string;
}

/** What the place of a finding is when the error itself does not know. */
export type Around = Pick<Finding, 'file'> & Partial<Pick<Finding, 'line' | 'column' | 'severity' | 'dataset'>>;

interface Problem {
  readonly what: string;
  readonly mend: string;
  readonly line?: number;
  readonly column?: number;
}

/** Findings as they come; the same one is kept once. */
export class Findings {
  readonly #byText = new Map<string, Finding>();

  add(finding: Finding): void {
    const { key } = finding;
    const masked: Finding = {
      ...finding,
      what: maskSensitive(finding.what),
      mend: maskSensitive(finding.mend),
      ...(key === undefined ? {} : { key: maskSensitive(key) }),
    };
    this.#byText.set(JSON.stringify(masked), masked);
  }

  /**
   * An error as findings: one for each problem of a file that has several.
   * @throws the error itself when it is a mistake of ours
   */
  addError(error: unknown, around: Around): void {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    const { file, line, column, row } = error.where ?? {};
    const place = line === undefined ? around : { ...around, file: file ?? around.file, line, ...(column === undefined ? {} : { column }) };
    for (const { what, mend, ...at } of problemsOf(error)) {
      this.add({ severity: 'error', ...place, ...at, code: error.code, what, mend, ...(row === undefined ? {} : { row }) });
    }
  }

  /** By file, line and column, then as texts are sorted: the same findings, the same bytes. */
  sorted(): Finding[] {
    const order = (a: Finding, b: Finding): number =>
      byCodeUnit(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      byCodeUnit(a.code + a.what, b.code + b.what);
    return [...this.#byText.values()].toSorted(order);
  }
}

/** A file that zod refused says all that is wrong with it; the error's own sentence is the first of these. */
function problemsOf(error: PlumbError): Problem[] {
  const inner = isPlumbError(error.cause) ? error.cause : error;
  const found = (inner.details?.['problems'] ?? []) as readonly (Problem & { readonly path?: string })[];
  const [first, ...rest] = found.map(({ path: _, ...problem }) => problem);
  if (first === undefined || rest.length === 0) return [{ what: error.message, mend: error.mend }];
  return [first, ...rest];
}
