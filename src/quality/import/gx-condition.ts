// row_condition of Great Expectations as a condition of ours: the structured form, its own language (`col("x") > 5`), and of pandas' and Spark's strings
// what reads the same in both languages.
import { expressionProblem } from '../rules/expression-parser.ts';
import { columnText, isMapping, literalText, refuse, type Mapping } from './imported.ts';

/** @throws Refused */
export function conditionOf(condition: unknown, parser: unknown): string {
  const text =
    typeof condition === 'string'
      ? textCondition(condition, parser)
      : isMapping(condition)
        ? structured(condition)
        : refuse('row_condition is neither a text nor a mapping');
  const problem = expressionProblem(text);
  return problem === undefined ? text : refuse(`its row_condition ${JSON.stringify(condition)} does not translate: ${problem}`);
}

const signs: Readonly<Record<string, string>> = { '==': '=', '!=': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' };

function structured(condition: Mapping): string {
  const { type, column, operator, parameter, is_null: isNull, conditions } = condition;
  const name = isMapping(column) ? column['name'] : column;
  switch (type) {
    case 'and':
    case 'or':
      if (!Array.isArray(conditions) || conditions.length === 0) return refuse(`its row_condition "${type}" has no conditions`);
      return conditions.map((part) => `(${isMapping(part) ? structured(part) : refuse('a part of row_condition is no mapping')})`).join(` ${type} `);
    case 'nullity':
      return typeof name === 'string'
        ? `${columnText(name)} is ${isNull === true ? '' : 'not '}missing`
        : refuse('its row_condition names no column');
    case 'comparison':
      return typeof name === 'string' && typeof operator === 'string'
        ? comparison(name, operator, parameter)
        : refuse('its row_condition names no column');
    default:
      return refuse(`its row_condition is of the type ${JSON.stringify(type) ?? 'none'}, which is code of another engine`);
  }
}

function comparison(name: string, operator: string, parameter: unknown): string {
  const sign = signs[operator];
  if (sign !== undefined) return `${columnText(name)} ${sign} ${literalText(parameter)}`;
  if ((operator === 'IN' || operator === 'NOT_IN') && Array.isArray(parameter) && parameter.length > 0)
    return `${columnText(name)} ${operator === 'IN' ? 'in' : 'not in'} (${parameter.map(literalText).join(', ')})`;
  return refuse(`its row_condition compares by ${JSON.stringify(operator)}`);
}

const ownTest = /^col\((["'])(?<name>.+?)\1\)\s*(?:(?<sign>==|!=|<=|>=|<|>)\s*(?<value>.+)|\.(?<null>notNull|isNull)\(\))$/s;

function textCondition(text: string, parser: unknown): string {
  if (parser === 'great_expectations' || parser === 'great_expectations__experimental__') {
    const {
      name = '',
      sign,
      value,
      null: nullity,
    } = ownTest.exec(text.trim())?.groups ?? refuse(`its row_condition ${JSON.stringify(text)} is of a form that is not known`);
    if (nullity !== undefined) return `${columnText(name)} is ${nullity === 'notNull' ? 'not ' : ''}missing`;
    return `${columnText(name)} ${signs[sign ?? ''] ?? ''} ${ownValue(value ?? '')}`;
  }
  // the words of both languages; "&" and "|" bind in Python otherwise than they look
  if (/[&|~@[\]]|\.\w+\(/.test(text.replace(/"[^"]*"|'[^']*'/g, '')))
    return refuse(`its row_condition ${JSON.stringify(text)} is code of ${typeof parser === 'string' ? parser : 'pandas'}`);
  return text.replace(/"([^"]*)"|'[^']*'|==/g, (part, quoted: string | undefined) =>
    part === '==' ? '=' : quoted === undefined ? part : literalText(quoted),
  );
}

function ownValue(text: string): string {
  const quoted = /^(?:date\()?(["'])(.*)\1\)?$/s.exec(text.trim());
  if (quoted !== null) return literalText(quoted[2]);
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? literalText(number) : refuse(`its row_condition compares with ${text}`);
}
