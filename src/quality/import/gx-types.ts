// Names of types in suites of Great Expectations: pandas' and numpy's, Spark's, those of SQL dialects.
import type { ValueType } from '../rules/values.ts';
import { refuse } from './imported.ts';

const names: Readonly<Record<ValueType, string>> = {
  string: 'str string stringtype chartype varchartype varchar nvarchar char nchar text ntext clob character object_ bytes_ unicode',
  integer:
    'int integer int8 int16 int32 int64 uint8 uint16 uint32 uint64 int_ long smallint bigint tinyint mediumint hugeint integertype longtype shorttype bytetype biginteger smallinteger int2 int4 byteint',
  number:
    'float float_ float16 float32 float64 double double_precision real number numeric decimal floattype doubletype decimaltype numerictype bignumeric float4 float8 money',
  boolean: 'bool bool_ boolean booleantype',
  list: 'list array tuple set arraytype',
  object: 'dict struct map maptype structtype record',
};

const typeOfName = new Map(Object.entries(names).flatMap(([type, words]) => words.split(' ').map((word) => [word, type as ValueType] as const)));
const dates = new Set(['date', 'datetype']);
const times = new Set([
  'datetime',
  'datetime2',
  'timestamp',
  'timestamptype',
  'timestamp_ntz',
  'timestamp_ltz',
  'timestampntztype',
  'timestamptz',
  'datetimeoffset',
]);

/** @returns checks of a column. @throws Refused */
export function typeChecks(wanted: readonly string[]): { type: ValueType | ValueType[] } | { format: 'date' | 'datetime' } {
  const known = wanted.map(kindOf);
  const kinds = [...new Set(known)];
  const types = kinds.filter((kind): kind is ValueType => kind !== 'date' && kind !== 'datetime');
  if (types.length === 0 && kinds.length === 1) return { format: kinds[0] as 'date' | 'datetime' };
  if (types.length < kinds.length) return refuse(`asks for ${wanted.join(' or ')}: dates are texts here, and have no type in common with others`);
  const [only] = types;
  return only !== undefined && types.length === 1 ? { type: only } : { type: types };
}

function kindOf(name: string): ValueType | 'date' | 'datetime' {
  // VARCHAR(20), DECIMAL(10, 2), datetime64[ns, UTC], DOUBLE PRECISION
  const word = name
    .trim()
    .replace(/\s*[([].*$/s, '')
    .replace(/\s+/g, '_')
    .toLowerCase();
  if (dates.has(word)) return 'date';
  if (times.has(word) || word === 'datetime64') return 'datetime';
  return typeOfName.get(word) ?? refuse(`the type ${JSON.stringify(name)} has no one type of values here`);
}
