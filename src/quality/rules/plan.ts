// A rules file taken apart. Pure: what other data hold, and which columns there are, comes later.
import { PlumbError } from '../../base/errors.ts';
import { boundsText, type DataReference } from './bounds.ts';
import type { Check, CheckAbout, Checks, ColumnAsk, Looked, Reference, RowCheck, RowTest, TableAsk } from './checks.ts';
import { columnCheckNames, rowCheckNames, type RowCheckName } from './check-names.ts';
import type { ValueType } from './values.ts';
import type { Expression } from './expression.ts';
import { columnReads } from './expression.ts';
import { parseExpression } from './expression-parser.ts';
import { formatTest } from './formats.ts';
import { regexOfLike } from './pattern.ts';
import type { ColumnRule, ColumnsRule, RowRule, RowsRule, Rule, Rules, TableRule } from './schema.ts';
import { columnCheckText, listText, rowCheckText } from './words.ts';

/**
 * @param file name of the rules file, for errors
 * @throws PlumbError CONFIG_INVALID for drift without a reference
 */
export function planChecks(rules: Rules, file: string): Checks {
  const plan = new Plan(rules, file);
  rules.rules.forEach((rule, at) => plan.add(rule, at + 1));
  return plan;
}

class Plan implements Checks {
  readonly key: readonly string[];
  readonly checks: Check[] = [];
  readonly rows: RowCheck[] = [];
  readonly indexes: Looked[] = [];
  readonly bags: Looked[] = [];
  readonly references: Reference[] = [];
  readonly named = new Map<string, string>();
  readonly #reference: DataReference | undefined;
  readonly #file: string;

  constructor(rules: Rules, file: string) {
    this.key = rules.key === undefined ? [] : [rules.key].flat();
    for (const column of this.key) this.#name(column, 'key');
    this.#reference = rules.reference;
    this.#file = file;
  }

  add(rule: Rule, number: number): void {
    if ('column' in rule) this.#addColumn(rule, number);
    else if ('columns' in rule) this.#addColumns(rule, number);
    else if ('row' in rule) this.#addRow(rule, number);
    else if ('rows' in rule) this.#addRows(rule, number);
    else this.#addTable(rule, number);
  }

  #addColumn(rule: ColumnRule, number: number): void {
    const { column } = rule;
    const when = this.#when(rule, number);
    const asksIfThere = rule.exists === true || rule.position !== undefined;
    if (!asksIfThere) this.#name(column, `rules.${number - 1}.column`);
    const looked: Looked = { columns: [column], when, skip: 'any' };
    for (const name of rowCheckNames) {
      if (rule[name] === undefined) continue;
      const about = aboutOf(rule, number, { column, check: name, expected: rowCheckText(rule, name) });
      if (name === 'unique') this.checks.push({ kind: 'unique', about, index: this.#index(looked) });
      else this.#rowCheck(about, { ...looked, skip: name === 'not_missing' || name === 'missing' ? 'never' : 'any', test: this.#test(rule, name) });
    }
    for (const name of columnCheckNames) {
      if (rule[name] === undefined) continue;
      const ask = { name, of: rule[name] } as ColumnAsk;
      const about = aboutOf({ ...rule, mostly: undefined }, number, { column, check: name, expected: columnCheckText(ask) });
      this.checks.push(this.#columnCheck(about, ask, looked));
    }
  }

  #columnCheck(about: CheckAbout, ask: ColumnAsk, looked: Looked): Check {
    const [column = ''] = looked.columns;
    switch (ask.name) {
      case 'exists':
        return { kind: 'table', about, ask: { name: 'exists', column } };
      case 'position':
        return { kind: 'table', about, ask: { name: 'position', column, of: ask.of } };
      case 'not_missing_share':
        return { kind: 'share', about, ask, row: this.rows.push({ ...looked, skip: 'never', test: { kind: 'missing', wanted: false } }) - 1 };
      case 'distinct':
      case 'distinct_share':
        return { kind: 'distinct', about, ask, index: this.#index(looked) };
      case 'psi':
      case 'ks':
      case 'cramers_v':
        return this.#drift(about, ask, looked, typeof ask.of === 'number' ? undefined : ask.of.reference);
      case 'kl':
        return ask.of.of === undefined ? this.#drift(about, ask, looked, ask.of.reference) : { kind: 'bag', about, ask, bag: this.#bag(looked) };
      default:
        return { kind: 'bag', about, ask, bag: this.#bag(looked) };
    }
  }

  #drift(about: CheckAbout, ask: ColumnAsk, looked: Looked, data: DataReference | undefined): Check {
    const [column = ''] = looked.columns;
    const against = this.#refer({ kind: 'bag', data: this.#against(data, about), column, when: looked.when });
    return { kind: 'drift', about, ask, bag: this.#bag(looked), against };
  }

  #against(data: DataReference | undefined, { rule, check }: Pick<CheckAbout, 'rule' | 'check'>): DataReference {
    const found = data ?? this.#reference;
    if (found !== undefined) return found;
    throw new PlumbError('CONFIG_INVALID', {
      what: `rule ${rule} asks for ${check}, and nothing says what is compared with`,
      where: { file: this.#file, path: `rules.${rule - 1}` },
      mend: 'name data at the top of the file, `reference: <data set>`, or in the rule',
    });
  }

  #addColumns(rule: ColumnsRule, number: number): void {
    const { columns } = rule;
    const looked: Looked = { columns, when: this.#when(rule, number), skip: rule.skip_missing };
    columns.forEach((column, at) => this.#name(column, `rules.${number - 1}.columns.${at}`));
    const about = (check: string, expected: string): CheckAbout =>
      aboutOf(rule, number, { column: null, check, expected: `${columns.join(', ')} ${expected}` });
    if (rule.unique) this.checks.push({ kind: 'unique', about: about('unique', 'together stand in one row only'), index: this.#index(looked) });
    const add = (check: string, expected: string, test: RowTest): void => this.#rowCheck(about(check, expected), { ...looked, test });
    if (rule.different) add('different', 'differ from each other', { kind: 'different' });
    if (rule.equal) add('equal', 'are equal', { kind: 'equal' });
    if (rule.sum) add('sum', `have a sum of ${boundsText(rule.sum)}`, { kind: 'sum', bounds: rule.sum });
    if (rule.allowed)
      add(
        'allowed',
        `are one of ${rule.allowed
          .slice(0, 3)
          .map((one) => `(${listText(one)})`)
          .join(', ')}${rule.allowed.length > 3 ? ', ...' : ''}`,
        { kind: 'combination', allowed: rule.allowed },
      );
    if (rule.in) add('in', `stand in ${[rule.in.column].flat().join(', ')} of ${rule.in.data}`, this.#member(rule.in, columns.length, number));
  }

  #addRow(rule: RowRule, number: number): void {
    const expression = parseExpression(rule.row);
    const reads = columnReads(expression);
    for (const { name } of reads) this.#name(name, `rules.${number - 1}.row`);
    const columns = [...new Set(reads.map(({ name }) => name))];
    const about = aboutOf(rule, number, { column: null, check: 'row', expected: rule.row });
    this.#rowCheck(about, { columns, when: this.#when(rule, number), skip: 'never', test: { kind: 'expression', expression } });
  }

  #addRows(rule: RowsRule, number: number): void {
    const { min, max, equal, min_share: least, max_share: most, of } = rule.rows;
    const push = (rows: RowsRule['rows'], expected: string, data: DataReference | null): void => {
      const about = aboutOf({ ...rule, mostly: undefined }, number, { column: null, check: 'rows', expected });
      this.checks.push({ kind: 'rows', about, rows, against: data === null ? null : this.#refer({ kind: 'rows', data }) });
    };
    if (min !== undefined || max !== undefined) push({ min, max }, `${boundsText({ min, max })} rows`, null);
    if (equal !== undefined) push({ equal }, `as many rows as ${dataText(equal)}`, equal);
    if (least === undefined && most === undefined) return;
    const data = this.#against(of, { rule: number, check: 'a share of rows' });
    push({ min_share: least, max_share: most }, `${boundsText({ min: least, max: most })} of the rows of ${dataText(data)}`, data);
  }

  #addTable({ table, ...rule }: TableRule, number: number): void {
    for (const name of ['columns', 'columns_any_order', 'columns_contain', 'columns_within', 'column_count'] as const) {
      const of = table[name];
      if (of === undefined) continue;
      const expected = tableText({ name, of } as TableAsk);
      this.checks.push({
        kind: 'table',
        about: aboutOf({ ...rule, mostly: undefined }, number, { column: null, check: name, expected }),
        ask: { name, of } as TableAsk,
      });
    }
  }

  #rowCheck(about: CheckAbout, check: RowCheck): void {
    this.checks.push({ kind: 'row', about, row: this.rows.push(check) - 1 });
  }

  #test(rule: ColumnRule, name: Exclude<RowCheckName, 'unique'>): RowTest {
    const given = rule as Required<ColumnRule>;
    switch (name) {
      case 'not_missing':
      case 'missing':
        return { kind: 'missing', wanted: name === 'missing' };
      case 'type':
        return { kind: 'type', types: [given.type as ValueType | ValueType[]].flat() };
      case 'min':
      case 'max':
      case 'above':
      case 'below':
        return { kind: 'end', sign: endSigns[name], end: given[name] as number | string };
      case 'length':
        return { kind: 'length', least: given.length as number, most: given.length as number };
      case 'min_length':
        return { kind: 'length', least: given.min_length as number, most: Number.POSITIVE_INFINITY };
      case 'max_length':
        return { kind: 'length', least: 0, most: given.max_length as number };
      case 'allowed':
      case 'forbidden':
        return { kind: 'set', values: given[name] as (string | number | boolean)[], allowed: name === 'allowed' };
      case 'regex':
        return patterns(given.regex as Patterns, (source) => source);
      case 'like':
        return patterns(given.like as Patterns, regexOfLike);
      case 'not_regex':
        return { kind: 'regex', sources: [given.not_regex as string | string[]].flat(), mode: 'none' };
      case 'not_like':
        return { kind: 'regex', sources: [given.not_like as string | string[]].flat().map(regexOfLike), mode: 'none' };
      case 'format':
        return formatTest(given.format as 'date');
      case 'date_format':
        return { kind: 'date', format: given.date_format as string };
      case 'json_schema':
        return { kind: 'json', schema: given.json_schema as Record<string, never> };
      case 'in':
        return this.#member(given.in as NonNullable<ColumnRule['in']>, 1, 0);
      case 'increasing':
        return { kind: 'order', sign: given.increasing === 'strictly' ? '>' : '>=' };
      case 'decreasing':
        return { kind: 'order', sign: given.decreasing === 'strictly' ? '<' : '<=' };
      case 'z_score': {
        const of = given.z_score as NonNullable<ColumnRule['z_score']>;
        return typeof of === 'number' ? { kind: 'z_score', max: of, oneSided: false } : { kind: 'z_score', max: of.max, oneSided: of.one_sided };
      }
    }
  }

  #member({ data, rev, column }: NonNullable<ColumnRule['in']>, width: number, number: number): RowTest {
    const columns = [column].flat();
    if (columns.length !== width)
      throw new PlumbError('CONFIG_INVALID', {
        what: `rule ${number} holds ${width} columns against ${columns.length} of "${data}"`,
        where: { file: this.#file, ...(number === 0 ? {} : { path: `rules.${number - 1}.in` }) },
        mend: 'name as many columns on both sides',
      });
    return { kind: 'member', reference: this.#refer({ kind: 'members', data: rev === undefined ? data : { data, rev }, columns }) };
  }

  #when({ when }: { readonly when?: string | undefined }, number: number): Expression | null {
    if (when === undefined) return null;
    const expression = parseExpression(when);
    for (const { name } of columnReads(expression)) this.#name(name, `rules.${number - 1}.when`);
    return expression;
  }

  #name(column: string, path: string): void {
    if (!this.named.has(column)) this.named.set(column, path);
  }

  #index(looked: Looked): number {
    return placeOf(this.indexes, looked);
  }

  #bag(looked: Looked): number {
    return placeOf(this.bags, looked);
  }

  #refer(reference: Reference): number {
    return placeOf(this.references, reference);
  }
}

function placeOf<T>(list: T[], item: T): number {
  const text = JSON.stringify(item);
  const found = list.findIndex((other) => JSON.stringify(other) === text);
  return found === -1 ? list.push(item) - 1 : found;
}

const endSigns = { min: '>=', max: '<=', above: '>', below: '<' } as const;

type Patterns = string | { readonly any: readonly string[] } | { readonly all: readonly string[] };

function patterns(of: Patterns, regexOf: (pattern: string) => string): RowTest {
  if (typeof of === 'string') return { kind: 'regex', sources: [regexOf(of)], mode: 'all' };
  return 'any' in of ? { kind: 'regex', sources: of.any.map(regexOf), mode: 'any' } : { kind: 'regex', sources: of.all.map(regexOf), mode: 'all' };
}

interface RuleAbout {
  readonly name?: string | undefined;
  readonly desc?: string | undefined;
  readonly severity: 'error' | 'warning';
  readonly mostly?: number | undefined;
}

function aboutOf({ name, desc, severity, mostly }: RuleAbout, rule: number, of: Pick<CheckAbout, 'column' | 'check' | 'expected'>): CheckAbout {
  return { rule, name, ...of, desc, severity, mostly };
}

export function dataText(data: DataReference): string {
  return typeof data === 'string' ? data : data.rev === undefined ? data.data : `${data.data} at ${data.rev}`;
}

function tableText(ask: TableAsk): string {
  switch (ask.name) {
    case 'columns':
      return `the columns ${listText(ask.of)}, in this order`;
    case 'columns_any_order':
      return `the columns ${listText(ask.of)}, and no others`;
    case 'columns_contain':
      return `the columns ${listText(ask.of)}`;
    case 'columns_within':
      return `no columns but ${listText(ask.of)}`;
    case 'column_count':
      return `${boundsText(ask.of)} columns`;
    default:
      throw new Error('a question about one column');
  }
}
