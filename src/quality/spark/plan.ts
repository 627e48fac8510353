// A plan for the driver: which columns are read, and conditions in SQL. Pure; what has no equal on Spark is told, all of it at once.
import { columnReads, columnsOf, type Expression } from '../rules/expression.ts';
import type { Checks, Looked } from '../rules/checks.ts';
import type { RowFormat } from '../../datasets/schema.ts';
import { keysKept } from '../rules/report-size.ts';
import type { Members } from '../rules/row-test.ts';
import { valuesOfBag } from '../rules/members.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import { NotOnSpark, refuseOnSpark, type SparkRefusal } from './refusal.ts';
import { sparkCheck, sparkLooked, type SparkColumns } from './sql.ts';

/** spark-plan/1, what plumb_spark.py reads. Columns are named by place; conditions are SQL over the structs c0, c1, ... */
export interface SparkPlan {
  readonly plumbline: 'spark-plan/1';
  readonly format: RowFormat;
  /** as Spark opens them: paths or URLs of files and folders */
  readonly paths: readonly string[];
  readonly columns: readonly string[];
  readonly tests: readonly { readonly looked: string; readonly broken: string }[];
  readonly indexes: readonly { readonly looked: string; readonly places: readonly number[] }[];
  readonly bags: readonly { readonly looked: string; readonly place: number }[];
  /** places of columns in which a list or an object ends the run */
  readonly scalar: readonly number[];
  /** rows that are shown of each check; null: all broken ones */
  readonly shown: number | null;
}

export interface SparkAsking {
  readonly checks: Checks;
  readonly format: RowFormat;
  readonly paths: readonly string[];
  /** by place in the references */
  readonly members: ReadonlyMap<number, Members & { readonly listed: ColumnBag | null; readonly untyped: boolean }>;
  /** all broken rows are wanted with what stands in them: flagged/1 */
  readonly flagged: boolean;
}

const mostMembers = 10_000;

/** @returns the plan, and what it leaves out: with any of that it must not run */
export function planSpark({ checks, format, paths, members, flagged }: SparkAsking): { plan: SparkPlan; refused: SparkRefusal[] } {
  const names = namedColumns(checks);
  const columns: SparkColumns = { places: new Map(names.map((name, at) => [name, at])), untyped: format === 'csv' };
  const placesOf = (some: readonly string[]): number[] => some.map((name) => columns.places.get(name) as number);
  const refused: SparkRefusal[] = [];
  const attempt = <T>(rule: SparkRefusal['rule'], check: string, make: () => T): T | null => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NotOnSpark)) throw error;
      refused.push({ rule, check, reason: error.message });
      return null;
    }
  };
  const aboutOf = (kind: 'row' | 'index' | 'bag', place: number): [number | null, string] => {
    const check = checks.checks.find((one) => kind in one && (one as unknown as Record<string, unknown>)[kind] === place);
    return [check?.about.rule ?? null, check?.about.check ?? kind];
  };
  const listed = (reference: number): (string | number | boolean)[] => {
    const known = members.get(reference);
    if (known === undefined || known.listed === null) return refuseOnSpark('several columns of other data');
    const values = [...valuesOfBag(known.listed, known.untyped)];
    return values.length <= mostMembers ? values : refuseOnSpark(`other data with more than ${mostMembers} values`);
  };
  if (flagged && format === 'parquet')
    refused.push({ rule: null, check: 'flagged rows', reason: 'what stands in a row of Parquet is not told whole, so that it has no digest' });
  const none = { looked: 'false', broken: 'false' };
  const plan: SparkPlan = {
    plumbline: 'spark-plan/1',
    format,
    paths,
    columns: names,
    tests: checks.rows.map((check, at) => attempt(...aboutOf('row', at), () => sparkCheck(check, columns, listed)) ?? none),
    indexes: checks.indexes.map((wish, at) => ({
      looked: attempt(...aboutOf('index', at), () => sparkLooked(wish, columns)) ?? 'false',
      places: placesOf(wish.columns),
    })),
    bags: checks.bags.map((wish, at) => ({
      looked: attempt(...aboutOf('bag', at), () => sparkLooked(wish, columns)) ?? 'false',
      place: placesOf(wish.columns)[0] as number,
    })),
    scalar: [...new Set(placesOf(comparedColumns(checks)))].toSorted((a, b) => a - b),
    shown: flagged ? null : keysKept,
  };
  return { plan, refused };
}

function namedColumns({ key, rows, indexes, bags }: Checks): string[] {
  const looked: Looked[] = [...rows, ...indexes, ...bags];
  return [...new Set([...key, ...looked.flatMap(({ columns, when }) => [...columns, ...(when === null ? [] : columnsOf(when))])])];
}

/** Columns whose values are held against each other, whatever they are. */
function comparedColumns({ rows, indexes }: Checks): string[] {
  const ofExpression = (expression: Expression | null): string[] =>
    expression === null
      ? []
      : columnReads(expression)
          .filter(({ type, missing }) => type === 'any' && !missing)
          .map(({ name }) => name);
  return [
    ...indexes.flatMap(({ columns, when }) => [...columns, ...ofExpression(when)]),
    ...rows.flatMap(({ columns, test, when }) => [
      ...(test.kind === 'different' || test.kind === 'equal' || test.kind === 'member' ? columns : []),
      ...(test.kind === 'expression' ? ofExpression(test.expression) : []),
      ...ofExpression(when),
    ]),
  ];
}
