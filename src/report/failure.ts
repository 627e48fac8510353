// Where not even a report of the change can be made: a file that does not parse, a pipeline that does not hold together.
import { maskSensitive } from '../quality/sensitive.ts';
import { code, linkTarget, prose } from './markdown-text.ts';

/** An error of plumb's, as --json prints it. */
export interface Failure {
  readonly code: string;
  readonly what: string;
  readonly mend: string;
  readonly where?: { readonly file?: string | undefined; readonly line?: number | undefined } | undefined;
}

/** What stands on a pull request in the place of the report, in a few kilobytes of plain words and code spans. @param link of the CI run */
export function renderFailure(failure: Failure, link: string | null): string {
  const { code: name, what, mend, where } = failure;
  const place = where?.file === undefined ? '' : `${code(where.line === undefined ? where.file : `${where.file}:${where.line}`, 120)}: `;
  const run = link === null ? '' : `\n<sub>[CI run](${linkTarget(link)}) · Plumbline</sub>\n`;
  return `## ⛔ There is no report for this commit\n\n${place}**${prose(maskSensitive(what))}**\n\n${prose(maskSensitive(mend))} (${code(name)})\n${run}`;
}
