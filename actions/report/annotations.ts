// What a report says of single lines: of datasets.lock, where a data set changed or breaks its rules, and of params.yaml, where a hyperparameter did.
import { loadYaml, yamlPositions } from '../../src/base/config.ts';
import { count, counted } from '../../src/evaluate/words.ts';
import type { Annotation } from '../../src/forge/index.ts';
import { files } from '../../src/project/layout.ts';
import { checkWords } from '../../src/report/findings-words.ts';
import { changedParams } from '../../src/report/headline.ts';
import type { DataChange, FindingsPart, Report, ValidationPart } from '../../src/report/schema.ts';
import { visible } from '../../src/report/visible.ts';
import type { Answer } from './plan.ts';

/** Text of a file of the project in the work tree; null: it is not there, or no file that can be read. */
export type ReadText = (path: string) => string | null;

/** Under what any forge takes at once. */
const most = 50;

/** @param place the project's folder in the repository: '.' or 'teams/a' @returns failures first */
export async function annotationsOf(answer: Answer, place: string, readText: ReadText): Promise<Annotation[]> {
  const prefix = place === '.' ? '' : `${place}/`;
  if ('failure' in answer) return failureAnnotation(answer.failure, prefix);
  const { report } = answer;
  const lines = await linesOf(readText);
  const all = [
    ...(report.validation ?? []).flatMap((part) => brokenRules(part, lines.lock)),
    ...(report.findings ?? []).flatMap((part) => found(part, lines.lock)),
    ...report.data.flatMap((set) => changedData(set, lines.lock)),
    ...params(report, lines.params),
  ];
  const order = ['failure', 'warning', 'notice'];
  return all
    .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
    .slice(0, most)
    .map((one) => ({ ...one, path: prefix + one.path }));
}

function failureAnnotation({ code, what, mend, where }: Extract<Answer, { failure: unknown }>['failure'], prefix: string): Annotation[] {
  if (where?.file === undefined || where.file.startsWith('/') || where.file.split('/').includes('..')) return [];
  const line = where.line ?? 1;
  return [{ path: prefix + where.file, startLine: line, endLine: line, level: 'failure', title: code, message: visible(`${what}. ${mend}`) }];
}

/** Line of a key path; null where the file does not say it there. */
type LineOf = (path: readonly string[]) => number | null;

async function linesOf(readText: ReadText): Promise<{ lock: LineOf; params: LineOf }> {
  return { lock: await lineFinder(readText(files.lock), files.lock), params: await lineFinder(readText(files.params), files.params) };
}

async function lineFinder(text: string | null, file: string): Promise<LineOf> {
  if (text === null) return () => null;
  try {
    const value = loadYaml(text, file);
    const positions = await yamlPositions(text);
    return (path) => (isThere(value, path) ? (positions(path, true)?.line ?? null) : null);
  } catch {
    // whoever reads it for real has told what is wrong with it
    return () => null;
  }
}

function isThere(value: unknown, path: readonly string[]): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return true;
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name) && isThere((value as Record<string, unknown>)[name], rest);
}

function at(path: string, line: number): Pick<Annotation, 'path' | 'startLine' | 'endLine'> {
  return { path, startLine: line, endLine: line };
}

/** The line of its digest: that one changed, whatever else did. */
function brokenRules(part: ValidationPart, lineOf: LineOf): Annotation[] {
  const line = lineOf(['datasets', part.dataset, 'digest']);
  if (line === null) return [];
  return part.checks.map((check) => {
    const examples = check.rows.map((row) => `${row.key}: ${row.value}`).join('; ');
    const rows = check.failing === 0 ? '' : `${count(check.failing)} of ${count(part.rows)} rows. `;
    return {
      ...at(files.lock, line),
      level: check.severity === 'error' ? ('failure' as const) : ('warning' as const),
      title: visible(`${part.dataset} breaks rule ${check.rule} of ${part.rules}`),
      message: visible(`${check.what}: ${rows}${examples}`),
    };
  });
}

/** Where a data set is locked; of what only a stage makes there is no line. */
function found(part: FindingsPart, lineOf: LineOf): Annotation[] {
  const line = lineOf(['datasets', part.dataset, 'digest']);
  if (line === null) return [];
  return part.kinds
    .filter(({ severity }) => severity !== 'info')
    .map(({ kind, severity, rows, sample }) => ({
      ...at(files.lock, line),
      level: severity === 'error' ? ('failure' as const) : ('warning' as const),
      title: visible(`${checkWords[part.check]} in ${part.dataset}: ${kind}`),
      message: visible([counted(rows, 'row'), ...sample.map(({ key, message }) => `${key}: ${message}`)].join('; ')),
    }));
}

function changedData(set: DataChange, lineOf: LineOf): Annotation[] {
  const line = set.before === set.after ? null : lineOf(['datasets', set.name, 'digest']);
  if (line === null) return [];
  const kinds = { added: set.added, removed: set.removed, edited: set.edited - set.relabelled, relabelled: set.relabelled };
  const words = Object.entries(kinds).flatMap(([kind, rows]) => (rows === 0 ? [] : [`${count(rows)} ${kind}`]));
  const all = `${count(set.rowsBefore)} → ${count(set.rowsAfter)} rows`;
  return [{ ...at(files.lock, line), level: 'notice', title: `Rows of ${set.name}`, message: [all, ...words].join(', ') }];
}

/** A built-in step's have the stage's name in front, which is that of their section where people name the two alike. */
function params(report: Report, lineOf: LineOf): Annotation[] {
  return changedParams(report).flatMap(({ key, before, after }) => {
    const line = lineOf(key.split('.'));
    if (line === null) return [];
    const message = visible(`${before ?? 'not there'} → ${after ?? 'not there'}`);
    return [{ ...at(files.params, line), level: 'notice' as const, title: visible(key), message }];
  });
}
