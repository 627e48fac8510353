// A first rules file out of a profile. It is conservative: each rule holds on the data at hand with room to spare, and says what was seen, so that whoever
// knows the data can make it closer or take it out. What the data do not show for sure is left out.
import { maskSensitive } from '../sensitive.ts';
import { rulesText, type RuleInput, type WrittenRule } from '../import/rules-text.ts';
import type { ColumnProfile, NumberSummary, Profile } from './schema.ts';
import { countText, shareText, shortNumber } from './words.ts';

/** Most values of a set that is suggested; of a label, all that the profile has. */
const mostAllowed = 20;
/** Each value of a set stands in so many rows on the average: fewer, and the next one is new. */
const rowsPerValue = 20;
/** Below this many rows nothing is said about what values there may be. */
const fewestRows = 30;

/** @returns rules/*.yaml; equal for equal data */
export function suggestRules(profile: Profile): string {
  const { data, rows, columns, key } = profile;
  const rules = [...tableRules(profile), ...columns.flatMap((column) => columnRules(column, profile))];
  const head = [
    `First rules for ${JSON.stringify(data)}, from its ${countText(rows)} rows: \`plumb rules suggest\`.`,
    'They say what the data are like, which need not be what they should be: read them, make them closer, take out what does not matter.',
  ];
  return rulesText({ head, ...(key === null ? {} : { key }), rules });
}

function tableRules({ rows, columns, format }: Profile): WrittenRule[] {
  return [
    {
      comments: [`${countText(rows)} rows now; fewer than half of them would be a loss that somebody should look at`],
      rule: { rows: { min: Math.max(1, Math.floor(rows / 2)) } },
    },
    ...(columns.length === 0
      ? []
      : [
          {
            comments: [format === 'jsonl' ? 'columns that some row has now' : 'columns of now; others may come'],
            rule: { table: { columns_contain: columns.map(({ name }) => name) } },
          },
        ]),
  ];
}

function columnRules(column: ColumnProfile, profile: Profile): WrittenRule[] {
  const present = profile.rows - column.missing.rows;
  if (present === 0) return [];
  const parts = [
    missingPart(column, profile.rows),
    typePart(column, profile),
    valuesPart(column, profile, present),
    uniquePart(column, profile, present),
  ];
  const checks = parts.filter((part) => part !== null && part.apart === undefined) as Part[];
  const whole = Object.assign({}, ...checks.map((part) => part.checks)) as Partial<RuleInput>;
  const comments = checks.flatMap((part) => part.comments);
  const together = Object.keys(whole).length === 0 ? [] : [{ comments, rule: { column: column.name, ...whole } as RuleInput }];
  const apart = parts.filter((part) => part?.apart === true) as Part[];
  return [...together, ...apart.map((part) => ({ comments: part.comments, rule: { column: column.name, ...part.checks } as RuleInput }))];
}

/** Checks, and why; `apart`: in a rule of their own, for their share or severity is not that of the others. */
interface Part {
  readonly comments: readonly string[];
  readonly checks: Readonly<Record<string, unknown>>;
  readonly apart?: true;
}

function missingPart({ missing }: ColumnProfile, rows: number): Part | null {
  if (missing.rows === 0) return { comments: [], checks: { not_missing: true } };
  const share = missing.rows / rows;
  // twice as many, and a percent
  const mostly = Math.floor((1 - 2 * share - 0.01) * 100) / 100;
  if (mostly < 0.5) return null;
  return {
    comments: [`missing in ${shareText(missing.rows, rows)} of the rows; at most twice that and a percent`],
    checks: { not_missing: true, mostly },
    apart: true,
  };
}

function typePart({ type, types }: ColumnProfile, { format }: Profile): Part | null {
  if (type === 'mixed') return { comments: [`values of several types, ${typesText(types)}: no type is asked for`], checks: {} };
  if (format !== 'csv' || type !== 'string') return type === 'null' ? null : { comments: [], checks: { type } };
  const { integer = 0, number = 0 } = types;
  const all = Object.values(types).reduce((a, b) => a + b, 0);
  const wrong = all - integer - number;
  if (wrong > all * 0.02) return null;
  return {
    comments: [`${countText(wrong)} of ${countText(all)} values are no numbers: is that right?`],
    checks: { type: 'number', mostly: 0.95, severity: 'warning' },
    apart: true,
  };
}

function typesText(types: Readonly<Record<string, number>>): string {
  const all = Object.values(types).reduce((a, b) => a + b, 0);
  return Object.entries(types)
    .map(([type, rows]) => `${type} ${shareText(rows, all)}`)
    .join(', ');
}

function valuesPart(column: ColumnProfile, profile: Profile, present: number): Part | null {
  const { type, numbers, format } = column;
  if (present < fewestRows || type === 'mixed') return null;
  const set = allowedPart(column, profile, present);
  if (set !== null) return set;
  if (type === 'integer' || type === 'number') return numbers === null ? null : rangePart(numbers);
  if (format === 'date' || format === 'uuid') return { comments: formatComment(column), checks: { format } };
  if (format === 'date-time') return { comments: formatComment(column), checks: { format: 'datetime' } };
  return type === 'string' ? textPart(column) : null;
}

function formatComment({ range }: ColumnProfile): string[] {
  return range === null ? [] : [`from ${JSON.stringify(range[0])} to ${JSON.stringify(range[1])} now`];
}

function allowedPart(column: ColumnProfile, { label }: Profile, present: number): Part | null {
  const { type, distinct, top, once } = column;
  const isLabel = column.name === label;
  if (type !== 'string' && !(isLabel && type === 'integer')) return null;
  if (top.length < distinct || (!isLabel && distinct > mostAllowed) || present < distinct * rowsPerValue || once > 0) return null;
  if (top.some(({ value, cut }) => cut === true || (typeof value === 'string' && maskSensitive(value, column.name) !== value))) return null;
  const allowed = top.map(({ value }) => value).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const least = top.at(-1)?.rows ?? 0;
  return { comments: [`all ${countText(distinct)} values of now; the rarest stands in ${countText(least)} rows`], checks: { allowed } };
}

/** Half of the span more on either side, in round numbers; zero stays a border where it is one. */
function rangePart({ min, max }: NumberSummary): Part {
  const comments = [`from ${shortNumber(min)} to ${shortNumber(max)} now`];
  if (min >= 0 && max <= 1) return { comments, checks: { min: 0, max: 1 } };
  const span = max - min;
  const room = (span === 0 ? Math.max(1, Math.abs(max)) : span) / 2;
  const low = min >= 0 ? 0 : roundDown(min - room);
  const high = max <= 0 ? 0 : -roundDown(-(max + room));
  return { comments, checks: { ...(Number.isFinite(low) ? { min: low } : {}), ...(Number.isFinite(high) ? { max: high } : {}) } };
}

/** To one digit, never up. */
function roundDown(value: number): number {
  if (value === 0) return 0;
  const power = 10 ** Math.floor(Math.log10(Math.abs(value)));
  const rounded = Number((Math.floor(value / power) * power).toPrecision(12));
  return rounded <= value ? rounded : Number((rounded - power).toPrecision(12));
}

function textPart({ shapes, shape_count: shapeCount, lengths, distinct }: ColumnProfile): Part | null {
  const [shape] = shapes;
  if (shape !== undefined && shapeCount === 1 && distinct >= fewestRows && /9/.test(shape.shape) && lengths !== null && lengths.max <= 64)
    return { comments: [`one form in all rows, ${JSON.stringify(shape.shape)}`], checks: { regex: regexOfShape(shape.shape) } };
  if (lengths === null) return null;
  const most = -roundDown(-2 * lengths.max);
  return {
    comments: [`${shortNumber(lengths.min)} to ${shortNumber(lengths.max)} characters now; the double is allowed`],
    checks: { max_length: most },
  };
}

function regexOfShape(shape: string): string {
  const parts = [...shape.matchAll(/9+|A+|a+|[^9Aa]/gsu)].map(([part]) => {
    const set = { 9: '[0-9]', A: '[A-Z]', a: '[a-z]' }[part[0] ?? ''];
    if (set === undefined) return /[\\^$.*+?()[\]{}|]/.test(part) ? `\\${part}` : part;
    return part.length === 1 ? set : `${set}{${part.length}}`;
  });
  return `^${parts.join('')}$`;
}

const idName = /(?:^|[_\s-])(?:id|key|uuid|guid|code|hash)$|[a-z](?:Id|ID|Key|Uuid)$/;

function uniquePart({ name, type, distinct, lengths, format }: ColumnProfile, { key }: Profile, present: number): Part | null {
  if (distinct !== present || (type !== 'string' && type !== 'integer')) return null;
  if (name === key) return { comments: ['the key of the data set'], checks: { unique: true } };
  if (present < fewestRows) return null;
  if (idName.test(name) || format === 'uuid') return { comments: ['each value stands in one row'], checks: { unique: true } };
  if (lengths === null || lengths.quantiles.p50 < 20) return null;
  return { comments: ['no text stands there twice now'], checks: { unique: true, severity: 'warning' }, apart: true };
}
