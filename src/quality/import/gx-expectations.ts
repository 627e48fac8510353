// The core expectations of Great Expectations (0.18 and 1.x), each with the rule that is equal to it, or the reason why there is none.
import { dateFormatProblem } from '../rules/date-format.ts';
import { jsonSchemaProblem } from '../rules/json-schema.ts';
import { patternProblem } from '../rules/pattern.ts';
import type { JsonValue } from '../../base/schema.ts';
import type { Arguments } from './gx-arguments.ts';
import { typeChecks } from './gx-types.ts';
import { columnText, isMapping, refuse } from './imported.ts';

type Checks = Readonly<Record<string, unknown>>;

/** What it becomes. `column`: checks of its column; `whole`: a rule of another kind, which has a condition and a share if `ofRows`. */
export type Expectation =
  | { readonly kind: 'column'; readonly checks: (args: Arguments) => Checks; readonly note?: string; readonly share: boolean }
  | { readonly kind: 'whole'; readonly rule: (args: Arguments) => Checks; readonly note?: string; readonly ofRows: boolean }
  | { readonly kind: 'none'; readonly reason: string };

/** Judged value by value: mostly counts. */
const values = (checks: (args: Arguments) => Checks, note?: string): Expectation => ({
  kind: 'column',
  checks,
  share: true,
  ...(note === undefined ? {} : { note }),
});
const aggregate = (checks: (args: Arguments) => Checks, note?: string): Expectation => ({
  kind: 'column',
  checks,
  share: false,
  ...(note === undefined ? {} : { note }),
});
const rows = (rule: (args: Arguments) => Checks): Expectation => ({ kind: 'whole', rule, ofRows: true });
const table = (rule: (args: Arguments) => Checks): Expectation => ({ kind: 'whole', rule, ofRows: false });
const none = (reason: string): Expectation => ({ kind: 'none', reason });

const noSql = 'it is SQL of a database, which rules do not hold: write a `row:` condition, or a data set that the query makes';
const notThere = 'no version of Great Expectations since 0.13 computes it; the drift checks psi, ks and cramers_v compare with data';

const ofColumn: Readonly<Record<string, Expectation>> = {
  expect_column_to_exist: aggregate((args) => {
    const index = args.get('column_index');
    return { exists: true, ...(index === undefined ? {} : { position: args.number('column_index') + 1 }) };
  }),
  expect_column_type_to_be: values(
    (args) => typeChecks([args.text('type_')]),
    'each value is asked for its type, not the column of a database for its own',
  ),
  expect_column_values_to_be_of_type: values((args) => typeChecks([args.text('type_')])),
  expect_column_values_to_be_in_type_list: values((args) => typeChecks(args.texts('type_list'))),
  expect_column_values_to_be_null: values(() => ({ missing: true })),
  expect_column_values_to_not_be_null: values(() => ({ not_missing: true })),
  expect_column_values_to_be_unique: values(() => ({ unique: true })),
  expect_column_values_to_be_in_set: values((args) => ({ allowed: args.values('value_set') })),
  expect_column_values_to_not_be_in_set: values((args) => ({ forbidden: args.values('value_set') })),
  expect_column_values_to_be_between: values((args) => args.ends()),
  expect_column_values_to_be_increasing: values((args) => ({ increasing: args.flag('strictly', false) ? 'strictly' : true })),
  expect_column_values_to_be_decreasing: values((args) => ({ decreasing: args.flag('strictly', false) ? 'strictly' : true })),
  expect_column_value_lengths_to_equal: values((args) => ({ length: args.number('value') })),
  expect_column_value_lengths_to_be_between: values((args) => {
    const { min, max } = args.countEnds();
    return { ...(min === undefined ? {} : { min_length: min }), ...(max === undefined ? {} : { max_length: max }) };
  }),
  expect_column_values_to_match_regex: values((args) => ({ regex: regex(args.text('regex')) })),
  expect_column_values_to_not_match_regex: values((args) => ({ not_regex: regex(args.text('regex')) })),
  expect_column_values_to_match_regex_list: values((args) => ({ regex: several(args.texts('regex_list').map(regex), args.get('match_on')) })),
  expect_column_values_to_not_match_regex_list: values((args) => ({ not_regex: args.texts('regex_list').map(regex) })),
  expect_column_values_to_match_like_pattern: values((args) => ({ like: like(args.text('like_pattern'), args.get('escape')) })),
  expect_column_values_to_not_match_like_pattern: values((args) => ({ not_like: like(args.text('like_pattern'), args.get('escape')) })),
  expect_column_values_to_match_like_pattern_list: values((args) => ({
    like: several(
      args.texts('like_pattern_list').map((pattern) => like(pattern, args.get('escape'))),
      args.get('match_on'),
    ),
  })),
  expect_column_values_to_not_match_like_pattern_list: values((args) => ({
    not_like: args.texts('like_pattern_list').map((pattern) => like(pattern, args.get('escape'))),
  })),
  expect_column_values_to_match_strftime_format: values((args) => {
    const format = args.text('strftime_format');
    const problem = dateFormatProblem(format);
    return problem === undefined ? { date_format: format } : refuse(problem);
  }),
  expect_column_values_to_be_dateutil_parseable: none(
    'dateutil takes nearly every text for a date ("10", "may"): say which form is meant, by `format: date`, `format: datetime` or `date_format`',
  ),
  expect_column_values_to_be_json_parseable: values(() => ({ format: 'json' })),
  expect_column_values_to_match_json_schema: values((args) => {
    const schema = args.get('json_schema') as JsonValue | undefined;
    const problem = schema === undefined ? 'json_schema is not there' : jsonSchemaProblem(schema);
    return problem === undefined ? { json_schema: schema } : refuse(problem);
  }),
  expect_column_value_z_scores_to_be_less_than: values(
    (args) => ({ z_score: { max: args.number('threshold'), one_sided: !args.flag('double_sided', true) } }),
    'a score of just the threshold holds here',
  ),
  expect_column_values_to_not_be_outliers: values((args) => {
    const method = args.get('method') ?? 'iqr';
    const multiplier = args.get('multiplier') ?? 1.5;
    if (method !== 'std')
      return refuse('fences of the quartiles (method iqr) are no rule here: write the range as min and max, or method std as z_score');
    return typeof multiplier === 'number' && multiplier > 0 ? { z_score: multiplier } : refuse('its multiplier is no number above 0');
  }, 'a value at just the distance holds here'),
  expect_column_distinct_values_to_be_in_set: aggregate((args) => ({ distinct_within: args.values('value_set') })),
  expect_column_distinct_values_to_contain_set: aggregate((args) => ({ distinct_contain: args.values('value_set') })),
  expect_column_distinct_values_to_equal_set: aggregate((args) => ({ distinct_equal: args.values('value_set') })),
  expect_column_min_to_be_between: aggregate((args) => ({ least: args.numberEnds() })),
  expect_column_max_to_be_between: aggregate((args) => ({ greatest: args.numberEnds() })),
  expect_column_mean_to_be_between: aggregate((args) => ({ mean: args.numberEnds() })),
  expect_column_median_to_be_between: aggregate((args) => ({ median: args.numberEnds() })),
  expect_column_sum_to_be_between: aggregate((args) => ({ sum: args.numberEnds() })),
  expect_column_stdev_to_be_between: aggregate((args) => ({ stdev: args.numberEnds() })),
  expect_column_quantile_values_to_be_between: aggregate((args) => {
    args.get('allow_relative_error');
    return { quantiles: quantiles(args.get('quantile_ranges')) };
  }, 'quantiles are interpolated linearly here, not the nearest row'),
  expect_column_most_common_value_to_be_in_set: aggregate((args) => {
    args.get('ties_okay');
    return { most_common: args.values('value_set') };
  }, 'where several values are the most common ones, one of them in the set is enough here (ties_okay)'),
  expect_column_unique_value_count_to_be_between: aggregate((args) => ({ distinct: args.countEnds() })),
  expect_column_proportion_of_unique_values_to_be_between: aggregate((args) => ({ distinct_share: args.numberEnds() })),
  expect_column_proportion_of_non_null_values_to_be_between: aggregate((args) => ({ not_missing_share: args.numberEnds() })),
  expect_column_kl_divergence_to_be_less_than: aggregate((args) => {
    for (const name of ['bucketize_data', 'min_value', 'max_value']) args.get(name);
    const [outside, empty] = [args.get('tail_weight_holdout') ?? 0, args.get('internal_weight_holdout') ?? 0];
    return {
      kl: {
        max: args.number('threshold'),
        of: partition(args.get('partition_object')),
        ...(outside === 0 ? {} : { outside }),
        ...(empty === 0 ? {} : { empty }),
      },
    };
  }),
  expect_column_chisquare_test_p_value_to_be_greater_than: none(notThere),
  expect_column_bootstrapped_ks_test_p_value_to_be_greater_than: none(notThere),
  expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than: none(notThere),
};

const ofSeveral: Readonly<Record<string, Expectation>> = {
  expect_column_pair_values_to_be_equal: rows((args) => ({ columns: pair(args), equal: true, ...skipOf(args, 'both_values_are_missing') })),
  expect_column_pair_values_a_to_be_greater_than_b: rows((args) => {
    const [a, b] = pair(args).map(columnText) as [string, string];
    const test = `${a} ${args.flag('or_equal', false) ? '>=' : '>'} ${b}`;
    const ignored = args.get('ignore_row_if') ?? 'both_values_are_missing';
    // where a value is missing a comparison is unknown, which breaks no rule
    if (ignored === 'either_value_is_missing') return { row: test };
    const both = `${a} is not missing and ${b} is not missing and ${test}`;
    if (ignored === 'neither') return { row: both };
    return { row: `(${a} is missing and ${b} is missing) or (${both})` };
  }),
  expect_column_pair_values_to_be_in_set: rows((args) => ({
    columns: pair(args),
    allowed: pairs(args.get('value_pairs_set')),
    ...skipOf(args, 'both_values_are_missing'),
  })),
  expect_column_pair_cramers_phi_value_to_be_less_than: none(
    'it measures two columns against each other; cramers_v here measures a column against other data',
  ),
  expect_compound_columns_to_be_unique: rows((args) => ({
    columns: args.texts('column_list'),
    unique: true,
    ...skipOf(args, 'all_values_are_missing'),
  })),
  expect_select_column_values_to_be_unique_within_record: rows((args) => ({
    columns: args.texts('column_list'),
    different: true,
    ...skipOf(args, 'all_values_are_missing'),
  })),
  expect_multicolumn_values_to_be_unique: rows((args) => ({
    columns: args.texts('column_list'),
    different: true,
    ...skipOf(args, 'all_values_are_missing'),
  })),
  expect_multicolumn_values_to_be_equal: rows((args) => ({
    columns: args.texts('column_list'),
    equal: true,
    ...skipOf(args, 'all_values_are_missing'),
  })),
  expect_multicolumn_sum_to_equal: rows((args) => {
    const total = args.number('sum_total');
    return { columns: args.texts('column_list'), sum: { min: total, max: total }, ...skipOf(args, 'all_values_are_missing') };
  }),
};

const ofTable: Readonly<Record<string, Expectation>> = {
  expect_table_columns_to_match_ordered_list: table((args) => ({ table: { columns: args.texts('column_list') } })),
  expect_table_columns_to_match_set: table((args) => {
    const columns = args.texts('column_set');
    return { table: args.flag('exact_match', true) ? { columns_any_order: columns } : { columns_contain: columns } };
  }),
  expect_table_column_count_to_equal: table((args) => ({ table: { column_count: { min: args.number('value'), max: args.number('value') } } })),
  expect_table_column_count_to_be_between: table((args) => ({ table: { column_count: args.countEnds() } })),
  expect_table_row_count_to_equal: table((args) => ({ rows: { min: args.number('value'), max: args.number('value') } })),
  expect_table_row_count_to_be_between: table((args) => ({ rows: args.countEnds() })),
  expect_table_row_count_to_equal_other_table: table((args) => ({ rows: { equal: args.text('other_table_name') } })),
  expect_query_results_to_match_comparison: none(noSql),
  unexpected_rows_expectation: none(noSql),
};

/** name as suites write it -> what it becomes */
export const expectations: Readonly<Record<string, Expectation>> = { ...ofColumn, ...ofSeveral, ...ofTable };

/** Of Python to RE2. */
function regex(source: string): string {
  const translated = source.replace(/\\(.)/gs, (escaped, unit: string) => (unit === 'Z' ? '\\z' : escaped));
  const problem = patternProblem(translated);
  return problem === undefined ? translated : refuse(problem);
}

function several(patterns: string[], mode: unknown): { any: string[] } | { all: string[] } {
  if (mode === undefined || mode === 'any') return { any: patterns };
  return mode === 'all' ? { all: patterns } : refuse(`match_on is ${JSON.stringify(mode)}`);
}

/** With "\\" before what stands for itself. */
function like(pattern: string, escape: unknown): string {
  if (escape === undefined || escape === '\\') return pattern;
  if (typeof escape !== 'string' || escape.length !== 1) return refuse('its escape is no single character');
  let text = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const unit = pattern[at] as string;
    if (unit === escape && at + 1 < pattern.length) text += `\\${pattern[(at += 1)] as string}`;
    else text += unit === '\\' ? '\\\\' : unit;
  }
  return text;
}

function quantiles(ranges: unknown): Checks[] {
  const { quantiles: at, value_ranges: within } = isMapping(ranges) ? ranges : {};
  if (!Array.isArray(at) || !Array.isArray(within) || at.length !== within.length || at.length === 0)
    return refuse('quantile_ranges has no quantiles, or not a range for each');
  return at.map((share, index) => {
    const [low, high] = Array.isArray(within[index]) ? (within[index] as unknown[]) : [];
    if (typeof share !== 'number' || ![low, high].every((end) => end === null || typeof end === 'number'))
      return refuse('quantile_ranges holds what is no number');
    if (low === null && high === null) return refuse('a range of quantile_ranges has no end, and always holds');
    return { at: share, within: { ...(low === null ? {} : { min: low }), ...(high === null ? {} : { max: high }) } };
  });
}

function partition(object: unknown): Checks {
  const { values: named, bins, weights, tail_weights: tails } = isMapping(object) ? object : {};
  if (!Array.isArray(weights) || !weights.every((weight) => typeof weight === 'number')) return refuse('its partition has no weights');
  if (Array.isArray(tails) && tails.some((tail) => tail !== 0)) return refuse('its partition has weights outside of its bins (tail_weights)');
  if (Array.isArray(named) && named.length === weights.length) return { values: named, shares: weights };
  if (Array.isArray(bins) && bins.length === weights.length + 1 && bins.every((edge) => typeof edge === 'number' && Number.isFinite(edge)))
    return { edges: bins, shares: weights };
  return refuse('its partition is neither values nor bins with finite edges');
}

function pair(args: Arguments): [string, string] {
  return [args.text('column_A'), args.text('column_B')];
}

function pairs(set: unknown): unknown[] {
  if (!Array.isArray(set) || set.length === 0 || !set.every((item) => Array.isArray(item) && item.length === 2))
    return refuse('value_pairs_set is no list of pairs');
  return set;
}

const skips: Readonly<Record<string, 'any' | 'all' | 'never'>> = {
  both_values_are_missing: 'all',
  all_values_are_missing: 'all',
  either_value_is_missing: 'any',
  any_value_is_missing: 'any',
  neither: 'never',
  never: 'never',
};

function skipOf(args: Arguments, otherwise: string): { skip_missing?: 'all' | 'never' } {
  const name = args.get('ignore_row_if') ?? otherwise;
  const skip = typeof name === 'string' ? skips[name] : undefined;
  if (skip === undefined) return refuse(`ignore_row_if is ${JSON.stringify(name)}`);
  // any is what our rules do unless told
  return skip === 'any' ? {} : { skip_missing: skip };
}
