// Cohen's kappa of two people, plain and weighted.

export type KappaWeights = 'none' | 'linear' | 'quadratic';

export interface Kappa {
  /** -1 to 1; null: chance alone would have them agree everywhere, and nothing can be said */
  readonly kappa: number | null;
  /** standard error for an interval around kappa; null likewise */
  readonly se: number | null;
  /** share of rows on which they agree; weighted where kappa is */
  readonly agreement: number;
  readonly rows: number;
}

/**
 * @param table counts: table[i][j] rows that one person put into category i and the other into j; square, of at least one row; categories in their
 *   order, which only weights look at
 * @param weights disagreement grows with the distance of categories, or with its square
 * Source: Cohen 1960, 1968; the error Fleiss, Cohen and Everitt 1969. Checked against statsmodels, see agreement.reference.py
 */
export function cohenKappa(table: readonly (readonly number[])[], weights: KappaWeights = 'none'): Kappa {
  const size = table.length;
  const most = Math.max(1, size - 1);
  return weightedKappa(table, (i, j) => {
    if (weights === 'none') return i === j ? 1 : 0;
    const distance = Math.abs(i - j) / most;
    return 1 - (weights === 'linear' ? distance : distance * distance);
  });
}

/** @param weight of agreement: 1 on the diagonal, less elsewhere */
export function weightedKappa(table: readonly (readonly number[])[], weight: (i: number, j: number) => number): Kappa {
  const places = table.map((_, place) => place);
  const rows = sum(table.flat());
  const share = (i: number, j: number): number => (table[i]?.[j] ?? 0) / rows;
  const first = places.map((i) => sum(places.map((j) => share(i, j))));
  const second = places.map((j) => sum(places.map((i) => share(i, j))));
  const cells = places.flatMap((i) => places.map((j) => ({ i, j, p: share(i, j), chance: at(first, i) * at(second, j), w: weight(i, j) })));
  const agreement = sum(cells.map(({ p, w }) => p * w));
  const chance = sum(cells.map((cell) => cell.chance * cell.w));
  if (1 - chance < 1e-12) return { kappa: null, se: null, agreement, rows };
  const kappa = (agreement - chance) / (1 - chance);
  const ofFirst = places.map((i) => sum(places.map((j) => at(second, j) * weight(i, j))));
  const ofSecond = places.map((j) => sum(places.map((i) => at(first, i) * weight(i, j))));
  const spread = sum(cells.map(({ i, j, p, w }) => p * (w - (at(ofFirst, i) + at(ofSecond, j)) * (1 - kappa)) ** 2));
  const variance = (spread - (kappa - chance * (1 - kappa)) ** 2) / (rows * (1 - chance) ** 2);
  return { kappa, se: Math.sqrt(Math.max(0, variance)), agreement, rows };
}

function at(values: readonly number[], place: number): number {
  return values[place] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
