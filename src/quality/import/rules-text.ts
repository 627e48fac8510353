// A rules file as people would write it: a rule a block, short values on one line, reasons as comments. Names and values of others are quoted, so that
// whatever they hold reads back as it was.
import type { z } from '../../base/schema.ts';
import type { rulesSchema } from '../rules/schema.ts';

type RulesInput = z.input<typeof rulesSchema>;
export type RuleInput = RulesInput['rules'][number];

export interface WrittenRule {
  /** lines above the rule */
  readonly comments: readonly string[];
  readonly rule: RuleInput;
}

export interface RulesText {
  /** lines at the top */
  readonly head: readonly string[];
  readonly key?: RulesInput['key'];
  readonly rules: readonly WrittenRule[];
}

const widest = 140;

/** rules/*.yaml. The comments are text of ours: what comes from data is in quotes there. */
export function rulesText({ head, key, rules }: RulesText): string {
  const blocks = rules.map(({ comments, rule }) => `\n${[...comments.map((line) => `  # ${commentText(line)}\n`), ...ruleLines(rule)].join('')}`);
  return [
    ...head.map((line) => `# ${commentText(line)}\n`),
    'version: 1\n',
    key === undefined ? '' : `key: ${inline(key)}\n`,
    'rules:',
    ...blocks,
  ].join('');
}

function ruleLines(rule: RuleInput): string[] {
  return entriesOf(rule).map(([name, value], at) => `  ${at === 0 ? '- ' : '  '}${name}: ${folded(value, '      ')}\n`);
}

/** What is too long for a line goes on in the next ones. */
function folded(value: unknown, indent: string): string {
  const whole = inline(value);
  if (whole.length <= widest || typeof value !== 'object' || value === null) return whole;
  if (!Array.isArray(value))
    return entriesOf(value)
      .map(([name, inner]) => `\n${indent}${textOf(name)}: ${folded(inner, `${indent}  `)}`)
      .join('');
  const lines: string[] = [];
  let line = '';
  for (const item of itemsOf(value)) {
    if (line !== '' && line.length + item.length > widest - 12) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${item},`;
  }
  return `[\n${[...lines, line].map((text) => `${indent}  ${text}\n`).join('')}${indent}]`;
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, inner]) => inner !== undefined);
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${itemsOf(value).join(', ')}]`;
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? textOf(value) : JSON.stringify(value);
  return `{${entriesOf(value)
    .map(([name, inner]) => `${textOf(name)}: ${inline(inner)}`)
    .join(', ')}}`;
}

/** If one of the texts needs quotes, all have them. */
function itemsOf(list: readonly unknown[]): string[] {
  const quotes = list.some((item) => typeof item === 'string' && textOf(item) !== item);
  return list.map((item) => (quotes && typeof item === 'string' ? quoted(item) : inline(item)));
}

/** Words that YAML reads as something else than a text. */
const otherwise = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

function textOf(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*$/.test(text) && !otherwise.test(text) && text.length <= 60 ? text : quoted(text);
}

/** In double quotes, with all that does not print as an escape: YAML takes what JSON has. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function commentText(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?');
}
