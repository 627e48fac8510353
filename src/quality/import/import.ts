// The rules of another tool as a rules file of ours. What has no equal is refused by name, and said in the file as well.
import { basename } from 'node:path';
import { PlumbError } from '../../base/errors.ts';
import { importSuite, isSuite } from './gx.ts';
import { notOfForm, type Imported, type Refusal } from './imported.ts';
import { importJsonSchema, isJsonSchema } from './json-schema.ts';
import { rulesText } from './rules-text.ts';
import { importTableSchema, isTableSchema } from './table-schema.ts';

/** The kinds of files, in the order in which they are told apart. */
const kinds = {
  gx: { name: 'Great Expectations', is: isSuite, read: importSuite },
  'table-schema': { name: 'Table Schema', is: isTableSchema, read: importTableSchema },
  'json-schema': { name: 'JSON Schema', is: isJsonSchema, read: importJsonSchema },
} as const;
export type ImportKind = keyof typeof kinds;
export const importKinds = Object.keys(kinds) as readonly ImportKind[];

export interface ImportedRules extends Imported {
  readonly kind: ImportKind;
  /** rules/*.yaml; null: no rule came out */
  readonly text: string | null;
}

/**
 * @param text JSON
 * @param file for messages
 * @param kind undefined: told by what is in it
 * @throws PlumbError JSON_SYNTAX, CONFIG_INVALID
 */
export function importRules(text: string, file: string, kind?: ImportKind): ImportedRules {
  const value = jsonOf(text, file);
  const found = kind ?? importKinds.find((name) => kinds[name].is(value));
  if (found === undefined)
    throw notOfForm(
      file,
      'is neither a suite of Great Expectations, nor a Table Schema, nor a JSON Schema',
      `say which: --from ${importKinds.join('|')}`,
    );
  const imported = kinds[found].read(value, file);
  return { ...imported, rules: imported.rules, kind: found, text: imported.rules.length === 0 ? null : fileText(imported, found, file) };
}

function fileText({ rules, refused, noted, key }: Imported, kind: ImportKind, file: string): string {
  const head = [
    `From ${JSON.stringify(basename(file))} (${kinds[kind].name}): \`plumb rules import\`.`,
    ...(noted.length === 0 ? [] : ['Not quite the same here:', ...noted.map((one) => `  ${refusalText(one)}`)]),
    ...(refused.length === 0 ? [] : ['Not taken over:', ...refused.map((one) => `  ${refusalText(one)}`)]),
  ];
  return rulesText({ head, ...(key === undefined ? {} : { key }), rules });
}

/** 'expect_column_values_to_be_dateutil_parseable of "day": dateutil takes ...' */
export function refusalText({ what, column, reason }: Refusal): string {
  return `${what}${column === null ? '' : ` of ${JSON.stringify(column)}`}: ${reason}`;
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new PlumbError('JSON_SYNTAX', {
      what: `${file} is not JSON: ${(error as Error).message.replace(/\p{Cc}/gu, '?').slice(0, 200)}`,
      where: { file },
      mend: 'export it as JSON',
      cause: error,
    });
  }
}
