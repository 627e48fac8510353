// How far people agree: the last words of each person on the rows that another one looked at too. What an adjudicator said is no vote.
import { byCodeUnit } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { personOf, type Decided, type SettledRow } from '../settled.ts';
import { cohenKappa, type Kappa, type KappaWeights } from './cohen.ts';
import { krippendorffAlpha, type Alpha, type AlphaScale } from './krippendorff.ts';

export interface AgreementRequest {
  /** what is compared: what was done with the row, or the label that it has then; null: labels where every vote has one */
  readonly of: 'action' | 'label' | null;
  readonly scale: AlphaScale;
  readonly weights: KappaWeights;
  /** categories from the least to the greatest; null: numbers by value, else by name */
  readonly order: readonly string[] | null;
}

export interface Agreement {
  readonly of: 'action' | 'label';
  readonly scale: AlphaScale;
  readonly weights: KappaWeights;
  readonly categories: readonly string[];
  /** rows that two people or more looked at */
  readonly rows: number;
  readonly alpha: Alpha;
  readonly pairs: readonly ({ readonly a: string; readonly b: string } & Kappa)[];
  readonly disagreements: readonly {
    readonly row: Digest;
    readonly votes: readonly { readonly who: string; readonly category: string; readonly note?: string }[];
  }[];
}

const rejected = '(rejected)';

/** @throws PlumbError USAGE where the order does not name a category, or an interval is asked of what are no numbers */
export function agreementOf(settled: ReadonlyMap<Digest, SettledRow>, request: AgreementRequest): Agreement {
  const rows = [...settled].filter(([, { votes }]) => votes.length > 1).toSorted(([a], [b]) => byCodeUnit(a, b));
  const of =
    request.of ??
    (rows.every(([, { votes }]) => votes.every((vote) => vote.action === 'reject' || vote.label !== undefined)) && rows.length > 0
      ? 'label'
      : 'action');
  const categoryOf = (vote: Decided): string => (of === 'action' ? vote.action : vote.action === 'reject' ? rejected : (vote.label ?? ''));
  const categories = orderOf(new Set(rows.flatMap(([, { votes }]) => votes.map(categoryOf))), request);
  const places = new Map(categories.map((category, at) => [category, at]));
  const placeOf = (vote: Decided): number => places.get(categoryOf(vote)) ?? 0;
  const units = rows.map(([, { votes }]) => votes.map(placeOf));
  const numbers = request.scale === 'interval' ? categories.map(Number) : categories.map((_, at) => at);
  return {
    of,
    scale: request.scale,
    weights: request.weights,
    categories,
    rows: rows.length,
    alpha: krippendorffAlpha(units, numbers, request.scale),
    pairs: pairsOf(rows, placeOf, categories.length, request.weights),
    disagreements: rows.flatMap(([row, { votes }]) => {
      const said = votes.map((vote) => ({
        who: vote.annotator.name,
        category: categoryOf(vote),
        ...(vote.note === undefined ? {} : { note: vote.note }),
      }));
      return new Set(said.map(({ category }) => category)).size > 1 ? [{ row, votes: said }] : [];
    }),
  };
}

function orderOf(found: ReadonlySet<string>, { order, scale }: AgreementRequest): string[] {
  const numeric = [...found].every((text) => text.trim() !== '' && Number.isFinite(Number(text)));
  if (scale === 'interval' && !numeric)
    throw new PlumbError('USAGE', {
      what: `not every category is a number: ${[...found].slice(0, 10).join(', ')}`,
      mend: 'an interval needs numbers: take --scale ordinal with --order, or nominal',
    });
  if (order === null) return [...found].toSorted((a, b) => (numeric ? Number(a) - Number(b) : byCodeUnit(a, b)));
  const missing = [...found].find((category) => !order.includes(category));
  if (missing === undefined) return order.filter((category, at) => order.indexOf(category) === at);
  throw new PlumbError('USAGE', {
    what: `--order does not name ${JSON.stringify(missing).slice(0, 120)}`,
    mend: `name all of them: ${[...found].toSorted(byCodeUnit).slice(0, 30).join(', ')}`,
  });
}

function pairsOf(
  rows: readonly (readonly [Digest, SettledRow])[],
  placeOf: (vote: Decided) => number,
  size: number,
  weights: KappaWeights,
): Agreement['pairs'] {
  const tables = new Map<string, { readonly a: string; readonly b: string; readonly table: number[][] }>();
  for (const [, { votes }] of rows) {
    for (const [at, one] of votes.entries()) {
      for (const other of votes.slice(at + 1)) {
        // votes stand in the order of persons: a pair is met one way round
        const name = JSON.stringify([personOf(one.annotator), personOf(other.annotator)]);
        const pair = tables.get(name) ?? {
          a: one.annotator.name,
          b: other.annotator.name,
          table: Array.from({ length: size }, () => Array.from({ length: size }, () => 0)),
        };
        tables.set(name, pair);
        const row = pair.table[placeOf(one)] ?? [];
        row[placeOf(other)] = (row[placeOf(other)] ?? 0) + 1;
      }
    }
  }
  return [...tables].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, { a, b, table }]) => ({ a, b, ...cohenKappa(table, weights) }));
}
