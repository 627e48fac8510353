// Rows of code, of conversations and of prose, each row by itself: what is wrong with them as something to learn from.
import { byCodeUnit, canonicalJson } from '../../base/canonical.ts';
import { cellText } from '../../datasets/row-content.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow } from '../findings.ts';
import { checkDigest } from '../memory.ts';
import { judgeEachRow } from '../row-verdicts.ts';
import { waive, type WaiverBook } from '../waivers.ts';
import { chatFaults } from './chat.ts';
import { usualSeverities, type ChatColumn, type CodeColumn, type CodeConfig, type Fault } from './config.ts';
import { docFaults } from './docs.ts';
import { formFaults } from './form.ts';
import { functionsOf } from './functions.ts';
import { codeLanguages, languageOfName, openGrammar, type CodeLanguage } from './grammar.ts';
import { licenceFaults } from './licence.ts';
import { proseFaults } from './prose.ts';
import { syntaxFault } from './syntax.ts';
import { openTokenizer, type CountTokens } from './tokenizer.ts';

/** Raised whenever equal rows give other findings. */
export const codeVersion = 2;

export interface CodeAsked {
  readonly config: CodeConfig;
  /** text of a tokenizer.json by its name in the config */
  readonly tokenizers: ReadonlyMap<string, string>;
  readonly waivers: WaiverBook;
}

export interface CodeAnswer {
  readonly report: FindingsReport;
  /** flagged/1, in the order of the data */
  readonly flagged: readonly FlaggedRow[];
  /** rows that were looked at; the others were known. No part of the report */
  readonly looked: number;
}

/** @throws PlumbError DATASET_COLUMN, CONFIG_INVALID, and as readRowBatches */
export async function judgeCode(rows: CheckedRows, asked: CodeAsked, world: CheckWorld): Promise<CodeAnswer> {
  const { config, tokenizers, waivers } = asked;
  await requireColumns(rows, config, world.signal);
  const counters = new Map<string, CountTokens>();
  for (const [file, text] of tokenizers) counters.set(file, await openTokenizer(text, file));
  const check = checkDigest([
    'code',
    codeVersion,
    canonicalJson(config),
    [...tokenizers].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, text]) => text),
    rows.source.name,
    rows.source.key ?? null,
  ]);
  const judge = (value: Readonly<Record<string, unknown>>): Promise<Finding[]> => judgeRow(value, config, counters);
  const verdicts = await judgeEachRow(rows, world, check, judge);
  const flagged = [...waive(verdicts.flagged, waivers, rows.source.name)];
  const report = reportOf(flagged, rows.source.name, verdicts.rows, config);
  return { report: { ...report, notes: [...waivers.notes, ...report.notes] }, flagged, looked: verdicts.judged };
}

async function judgeRow(
  value: Readonly<Record<string, unknown>>,
  config: CodeConfig,
  counters: ReadonlyMap<string, CountTokens>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const column of config.code) findings.push(...(await judgeCodeColumn(value, column, config)));
  for (const column of config.chat) {
    const cell = value[column.column];
    if (cell !== undefined && cell !== null)
      findings.push(...tell(chatFaults(cell, column, counterOf(column, counters)), null, column.column, config));
  }
  for (const column of config.text) {
    const cell = value[column.column];
    if (typeof cell === 'string' && cell !== '') findings.push(...tell(proseFaults(cell, column), null, column.column, config));
  }
  return findings;
}

function counterOf({ tokenizer }: ChatColumn, counters: ReadonlyMap<string, CountTokens>): CountTokens | null {
  return tokenizer === undefined ? null : (counters.get(tokenizer) ?? null);
}

async function judgeCodeColumn(value: Readonly<Record<string, unknown>>, column: CodeColumn, config: CodeConfig): Promise<Finding[]> {
  const names = typeof column.column === 'string' ? [column.column] : column.column;
  const cells = names.map((name) => value[name]);
  // a row without the column is none of code: whether it may lack it is for rules to say
  if (cells.every((cell) => cell === undefined || cell === null)) return [];
  const text = cells.map((cell) => (typeof cell === 'string' ? cell : '')).join('');
  const place = names.length === 1 ? (names[0] ?? null) : null;
  const said = column.language_column === undefined ? undefined : value[column.language_column];
  const language = column.language ?? (typeof said === 'string' ? languageOfName(said) : null);
  const faults = formFaults(text, column);
  if (text.trim() === '') return tell(faults, text, place, config);
  faults.push(...licenceFaults(text));
  if (language === null) faults.push({ kind: 'unknown-language', message: `"${cellText(said).slice(0, 40)}" is no language that is parsed here` });
  else faults.push(...(await parsedFaults(text, language)));
  return tell(faults, text, place, config);
}

async function parsedFaults(text: string, language: CodeLanguage): Promise<Fault[]> {
  const grammar = await openGrammar(language);
  const faults = grammar.parse(text, (tree, source) => {
    const shift = source.length - text.length;
    const syntax = syntaxFault(tree, language, text, shift);
    const docs = docFaults(functionsOf(tree, language)).map((one) => moved(one, shift));
    return [...(syntax === null ? [] : [syntax]), ...docs];
  });
  return faults ?? [{ kind: 'not-parsed', message: `${language}: too long or too deep a puzzle for the parser; nobody knows whether it is right` }];
}

function moved(fault: Fault, shift: number): Fault {
  const { start, end } = fault;
  return start === undefined || end === undefined ? fault : { ...fault, start: start - shift, end: end - shift };
}

/** @param text null: places are not told */
function tell(faults: readonly Fault[], text: string | null, column: string | null, { severities }: CodeConfig): Finding[] {
  return faults.map(({ kind, message, start, end }): Finding => {
    const span = text === null || column === null || start === undefined || end === undefined ? undefined : pointsOf(text, start, end);
    const severity = severities[kind] ?? usualSeverities[kind];
    return { kind, severity, column, ...(span === undefined ? {} : { span }), message };
  });
}

function pointsOf(text: string, start: number, end: number): [number, number] {
  const count = (from: number, to: number): number => {
    let points = 0;
    for (const _ of text.slice(from, to)) points += 1;
    return points;
  };
  const first = count(0, start);
  return [first, first + count(start, end)];
}

function reportOf(flagged: readonly FlaggedRow[], data: string, rows: number, config: CodeConfig): FindingsReport {
  const tally = new FindingsTally();
  const broken = { syntax: 0, unparsed: 0 };
  for (const row of flagged) {
    tally.add(row);
    if (row.findings.some(({ kind }) => kind === 'syntax-error')) broken.syntax += 1;
    if (row.findings.some(({ kind }) => kind === 'not-parsed' || kind === 'unknown-language')) broken.unparsed += 1;
  }
  const uncounted = config.chat.filter(({ context_length: length, tokenizer }) => length !== undefined && tokenizer === undefined);
  const notes = [
    ...uncounted.map(({ column }) => `"${column}" has a context_length and no tokenizer: its tokens were not counted`),
    ...(config.code.length + config.chat.length + config.text.length === 0 ? ['nothing was looked at: the configuration names no column'] : []),
  ];
  const numbers = config.code.length === 0 ? {} : { rows_with_syntax_errors: broken.syntax, rows_not_parsed: broken.unparsed };
  return tally.report({ check: 'code', data, rows, notes, settings: JSON.parse(JSON.stringify(config)) as FindingsReport['settings'], numbers });
}

/** A column that no row has would hold for ever. */
async function requireColumns({ source }: CheckedRows, config: CodeConfig, signal: AbortSignal): Promise<void> {
  const missing = new Set(columnsOf(config));
  const known = new Set<string>();
  const see = (name: string): void => {
    missing.delete(name);
    known.add(name);
  };
  for (const name of Object.keys(source.tree?.schema ?? {})) see(name);
  if (source.tree === undefined && missing.size > 0)
    for await (const batch of readRowBatches(source.path, source.format, { name: source.name, signal })) {
      for (const { value } of batch) for (const name of Object.keys(value)) see(name);
      if (missing.size === 0) break;
    }
  const [unknown] = missing;
  // a file without rows has no columns to name
  if (unknown === undefined || known.size === 0) return;
  // what is no language is taken for the column that names one
  if (config.code.some((one) => one.language_column === unknown))
    throw new PlumbError('DATASET_COLUMN', {
      what: `"${unknown}" is no language that is known, and ${source.name} has no such column.${didYouMean(unknown, [...codeLanguages, ...known])}`,
      mend: `languages: ${codeLanguages.join(', ')}; columns: ${listed([...known])}`,
    });
  throw new PlumbError('DATASET_COLUMN', {
    what: `${source.name} has no column "${unknown}".${didYouMean(unknown, [...known])}`,
    mend: `columns: ${listed([...known])}`,
  });
}

function columnsOf({ code, chat, text }: CodeConfig): string[] {
  const ofCode = code.flatMap(({ column, language_column: language }) => [column, ...(language === undefined ? [] : [language])].flat());
  return [...ofCode, ...[...chat, ...text].map(({ column }) => column)];
}
