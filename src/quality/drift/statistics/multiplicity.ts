// Many tests at once: with a hundred columns, five of them are below 5 % when nothing changed.

export const corrections = ['benjamini-hochberg', 'holm', 'none'] as const;
export type Correction = (typeof corrections)[number];

/**
 * p-values corrected for their number, in the order given. Benjamini-Hochberg bounds the share of false alarms among all alarms, Holm the chance of
 * any false alarm.
 * Source: Benjamini and Hochberg 1995; Holm 1979. Equal to statsmodels' multipletests, see drift.reference.py
 */
export function adjusted(ps: readonly number[], correction: Correction): number[] {
  if (correction === 'none') return [...ps];
  const rising = [...ps.entries()].toSorted(([, a], [, b]) => a - b);
  const result = ps.map(() => 1);
  const many = ps.length;
  if (correction === 'holm') {
    let largest = 0;
    rising.forEach(([index, p], rank) => {
      largest = Math.max(largest, Math.min(1, p * (many - rank)));
      result[index] = largest;
    });
    return result;
  }
  let smallest = 1;
  for (let rank = many - 1; rank >= 0; rank -= 1) {
    const [index, p] = rising[rank] ?? [0, 1];
    smallest = Math.min(smallest, (p * many) / (rank + 1));
    result[index] = smallest;
  }
  return result;
}
