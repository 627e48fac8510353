// rules/*.yaml: what the rows of a data set must satisfy, as a list. A later version may add checks and keys; it does not change what these mean.
//
// What holds for all checks stands in docs/validation.md, in short: a missing value (absent, null, empty text) breaks only `not_missing`, all others pass it
// by; a value of another type than a check asks for breaks it; the cells of a CSV are read as what the check asks for.
import { fields, z } from '../../base/schema.ts';
import { notCrossed } from './bounds.ts';
import { boundsSchema, columnReferenceSchema, countBoundsSchema, dataReferenceSchema } from './bounds-schema.ts';
import { columnCheckNames, rowCheckNames } from './check-names.ts';
import { columnChecks, rowChecks } from './column-checks.ts';
import { expressionProblem } from './expression-parser.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const expressionSchema = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const problem = expressionProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** What every rule may have. */
const about = {
  name: z.string().min(1).optional().describe('what reports call the rule'),
  desc: z.string().optional().describe('why the rule is there; shown with the result'),
  severity: z
    .enum(['error', 'warning'])
    .default('error')
    .describe('error: a broken rule stops what depends on the validation; warning: it is reported'),
};

/** What rules that judge rows may have. */
const aboutRows = {
  ...about,
  when: expressionSchema.optional().describe('condition: the rule looks at rows where this expression is true'),
  mostly: z.number().gt(0).max(1).optional().describe('share of the values looked at that must satisfy a check of rows; left out: all'),
};

const checksOfColumn = [...rowCheckNames, ...columnCheckNames];

const columnRule = fields({
  column: z.string().min(1).describe('name of the column that the checks below look at'),
  ...rowChecks,
  ...columnChecks,
  ...aboutRows,
})
  .refine(
    (rule) => checksOfColumn.some((name) => rule[name] !== undefined),
    'expected at least one of not_missing, type, min, allowed, unique, or another check',
  )
  .refine(({ min, max }) => typeof min !== 'number' || typeof max !== 'number' || min <= max, 'min is greater than max')
  .refine(notCrossed, 'the ends are crossed, or one is a number and another a text')
  .refine((rule) => (rule.min_length ?? 0) <= (rule.max_length ?? Number.POSITIVE_INFINITY), 'min_length is greater than max_length')
  .refine(
    (rule) => rule.when === undefined || columnCheckNames.every((name) => rule[name] === undefined || whenColumnChecks.has(name)),
    'the checks position and exists have no condition',
  );
const whenColumnChecks = new Set<string>(columnCheckNames.filter((name) => name !== 'position' && name !== 'exists'));

const columnsRule = fields({
  columns: z.array(z.string().min(1)).min(2).describe('columns that the checks below look at together'),
  unique: z.literal(true).optional().describe('composite key: no combination of their values stands in two rows'),
  different: z.literal(true).optional().describe('no two of the columns have the same value in one row'),
  equal: z.literal(true).optional().describe('all of the columns have the same value'),
  sum: boundsSchema.optional().describe('sum of the numbers of a row; min and max the same: equals'),
  allowed: z
    .array(z.array(z.union([scalar, z.null()])).min(2))
    .min(1)
    .optional()
    .describe('the combinations that may stand there; null: missing'),
  in: columnReferenceSchema.optional().describe('the combination stands in columns of other data'),
  skip_missing: z
    .enum(['any', 'all', 'never'])
    .default('any')
    .describe('rows that are passed by: where any, or all, of the columns are missing; never: none, and missing is a value'),
  ...aboutRows,
})
  .refine(
    (rule) => ['unique', 'different', 'equal', 'sum', 'allowed', 'in'].some((name) => rule[name as 'unique'] !== undefined),
    'expected at least one of unique, different, equal, sum, allowed, in',
  )
  .refine(
    (rule) => rule.allowed === undefined || rule.allowed.every((one) => one.length === rule.columns.length),
    'each combination of allowed has a value for each of the columns',
  );

const rowRule = fields({
  row: expressionSchema.describe(
    'what holds in every row: "price > 0 and (end >= start or end is missing)", "state = \'US\' implies zip is not missing"',
  ),
  ...aboutRows,
});

const rowsRule = fields({
  rows: fields({
    ...countBoundsSchema.shape,
    equal: dataReferenceSchema.optional().describe('as many rows as these data have'),
    min_share: z.number().nonnegative().optional().describe('least share of the rows of `of`'),
    max_share: z.number().nonnegative().optional().describe('greatest share of the rows of `of`'),
    of: dataReferenceSchema.optional().describe('what shares are of; else `reference` of the file'),
  })
    .refine(
      (rows) => Object.entries(rows).some(([name, value]) => name !== 'of' && value !== undefined),
      'expected min, max, equal, min_share or max_share',
    )
    .refine((rows) => (rows.min ?? 0) <= (rows.max ?? Number.POSITIVE_INFINITY), 'min is greater than max')
    .describe('how many rows there are'),
  ...about,
});

const tableRule = fields({
  table: fields({
    columns: z.array(z.string().min(1)).min(1).optional().describe('the columns, in this order, and no others'),
    columns_any_order: z.array(z.string().min(1)).min(1).optional().describe('the columns, and no others'),
    columns_contain: z.array(z.string().min(1)).min(1).optional().describe('columns that are there'),
    columns_within: z.array(z.string().min(1)).min(1).optional().describe('no columns but these; each of them may be missing'),
    column_count: countBoundsSchema.optional().describe('how many columns there are'),
  })
    .refine(
      (table) => Object.values(table).some((value) => value !== undefined),
      'expected columns, columns_any_order, columns_contain, columns_within or column_count',
    )
    .describe('what columns there are'),
  ...about,
});

/** rules/*.yaml */
export const rulesSchema = fields({
  version: z.literal(1).describe('version of this format'),
  key: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('column, or columns, that name a row in the report; without one, by the key of the data set, else by the number of the row'),
  reference: dataReferenceSchema.optional().describe('data that drift and shares of rows are measured against'),
  rules: z
    .array(z.union([columnRule, columnsRule, rowRule, rowsRule, tableRule]))
    .min(1)
    .describe('the rules, judged one by one'),
}).describe('rules/*.yaml: what the rows of a data set must satisfy');

export type Rules = z.infer<typeof rulesSchema>;
export type Rule = Rules['rules'][number];
export type ColumnRule = z.infer<typeof columnRule>;
export type ColumnsRule = z.infer<typeof columnsRule>;
export type RowRule = z.infer<typeof rowRule>;
export type RowsRule = z.infer<typeof rowsRule>;
export type TableRule = z.infer<typeof tableRule>;
