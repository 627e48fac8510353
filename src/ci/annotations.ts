// Findings as GitHub and Gitea read them from the log of a step: one command a line. A message may hold anything; what would end the line or the
// command is escaped, so that no text of a branch is a command of its own.
import { cut, visible } from '../report/visible.ts';
import type { Finding } from './finding.ts';

/** "10 warning annotations and 10 error annotations per step". Source: docs.github.com, "Usage limits for workflow annotations" */
const mostOfAKind = 10;
const mostCharacters = 1000;

export interface Annotations {
  /** to be printed as they are, each a line */
  readonly lines: readonly string[];
  /** findings that have none: the summary shows them */
  readonly left: number;
}

/** @param prefix the project's folder in the repository: '' or 'sub/folder/' */
export function annotate(findings: readonly Finding[], prefix: string): Annotations {
  const errors = findings.filter(({ severity }) => severity === 'error').slice(0, mostOfAKind);
  const warnings = findings.filter(({ severity }) => severity === 'warning').slice(0, mostOfAKind);
  const shown = [...errors, ...warnings];
  return { lines: shown.map((finding) => annotation(finding, prefix)), left: findings.length - shown.length };
}

function annotation({ severity, file, line, column, code, what, mend }: Finding, prefix: string): string {
  const text = `${cut(visible(what), mostCharacters)}\n${cut(visible(mend), mostCharacters)}`;
  return workflowCommand(severity, { file: prefix + file, line, col: column, title: code }, text);
}

/**
 * One line for the log of a step. Properties that are undefined are left out.
 * Source: actions/toolkit, packages/core/src/command.ts
 */
export function workflowCommand(name: 'error' | 'warning', properties: Readonly<Record<string, string | number | undefined>>, text: string): string {
  const listed = Object.entries(properties).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`]));
  return `::${name} ${listed.join(',')}::${escapeText(text)}`;
}

function escapeText(text: string): string {
  return text.toWellFormed().replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
