// What is said where, from values alone: main.ts carries it out.
import { annotate } from '../../src/ci/annotations.ts';
import type { Finding, StaticChecks } from '../../src/ci/static-checks.ts';
import { code, prose } from '../../src/report/markdown-text.ts';

export interface Outcome {
  readonly outputs: { readonly holds: 'true' | 'false'; readonly errors: string; readonly warnings: string };
  /** lines for the log, which the runner makes annotations of */
  readonly annotations: readonly string[];
  /** Markdown, far under the 1 MiB over which GitHub shows nothing */
  readonly summary: string;
}

/** @param prefix the project's folder in the repository: '' or 'sub/folder/' */
export function describeChecks(checks: StaticChecks, prefix: string): Outcome {
  const { holds, errors, warnings, findings } = checks;
  return {
    outputs: { holds: holds ? 'true' : 'false', errors: String(errors), warnings: String(warnings) },
    annotations: annotate(findings, prefix).lines,
    summary: summaryOf(checks, prefix),
  };
}

/** Of 1 MiB. */
const mostSummary = 900_000;

function summaryOf({ holds, errors, warnings, findings, datasets }: StaticChecks, prefix: string): string {
  const head = `## ${holds ? '✅' : '⛔'} Data and configuration: ${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  const looked = datasets.looked.slice(0, 100).map((name) => code(name));
  const data = looked.length === 0 ? 'No data set changed.' : `Data sets looked at: ${looked.join(', ')}`;
  const lines = [head, '', data, ''];
  if (findings.length > 0) lines.push('| | Where | What | How to mend |', '| --- | --- | --- | --- |');
  let bytes = Buffer.byteLength(lines.join('\n'));
  for (const [at, finding] of findings.entries()) {
    const row = rowOf(finding, prefix);
    bytes += Buffer.byteLength(row) + 1;
    if (bytes > mostSummary) {
      lines.push(`| | | *${findings.length - at} more* | |`);
      break;
    }
    lines.push(row);
  }
  return `${lines.join('\n')}\n`;
}

function rowOf({ severity, file, line, what, mend, code: name, row }: Finding, prefix: string): string {
  const place = code(`${prefix}${file}${line === undefined ? '' : `:${line}`}`);
  return `| ${severity === 'error' ? '⛔' : '⚠️'} | ${place}${row === undefined ? '' : ` row ${row}`} | ${prose(what)} ${code(name)} | ${prose(mend)} |`;
}
