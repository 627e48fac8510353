// Two models on the same cases, pair by pair: the same case asked of both says more than two shares side by side.
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { seededRandom } from '../train/random.ts';
import { classScores } from './classification.ts';
import type { CaseResult, Comparison, Interval } from './schema.ts';
import { bootstrapInterval } from './statistics/bootstrap.ts';
import { holmAdjusted, type HolmTest } from './statistics/holm.ts';
import { mcnemarExact, mcnemarReach } from './statistics/mcnemar.ts';
import { newcombeInterval } from './statistics/newcombe.ts';

/** Below this p, a difference is taken for one. */
export const significance = 0.05;

const resamples = 1000;
/** cases of one class in a row, in the lists of broken and fixed */
const inARow = 5;

interface Pair {
  readonly before: CaseResult;
  readonly after: CaseResult;
}

/**
 * Compares two models on one set of cases.
 *
 * `broken` and `fixed` come in rounds: five cases of the class with most of them, five of the next class, and so on; then the next five of each. Within
 * a class the answer that the model after is surest of comes first. So a short list still shows every class that suffered.
 * @param before, after results of the same cases, in any order
 * @param options.examples how many broken and how many fixed cases to keep (count)
 * @throws PlumbError SUITE_MISMATCH when ids, inputs or expected answers differ, or an id stands twice; DATASET_EMPTY for no cases
 * Cost: linear in the cases, and 1,000 resamples of them for the interval of macro F1.
 */
export function compareCases(before: readonly CaseResult[], after: readonly CaseResult[], options: { readonly examples: number }): Comparison {
  const pairs = pairUp(before, after);
  const broken: Pair[] = [];
  const fixed: Pair[] = [];
  let both = 0;
  for (const pair of pairs) {
    const was = pair.before.got === pair.before.expected;
    const is = pair.after.got === pair.after.expected;
    if (was && is) both += 1;
    else if (was) broken.push(pair);
    else if (is) fixed.push(pair);
  }
  const [gained, lost] = [fixed.length, broken.length];
  const neither = pairs.length - both - gained - lost;
  const p = mcnemarExact({ gained, lost });
  return {
    plumbline: 'comparison/1',
    cases: pairs.length,
    both,
    gained,
    lost,
    neither,
    p,
    difference: newcombeInterval({ both, gained, lost, neither }),
    macroF1: macroF1Difference(pairs),
    answer: p >= significance ? 'no evidence' : gained > lost ? 'better' : 'worse',
    classes: compareClasses(pairs),
    broken: examples(broken, options.examples),
    fixed: examples(fixed, options.examples),
  };
}

function pairUp(before: readonly CaseResult[], after: readonly CaseResult[]): Pair[] {
  const byId = byIdOnce(before, 'first');
  const asked = byIdOnce(after, 'second');
  const alone = [missing(before, asked, 'first'), missing(after, byId, 'second')].filter((text) => text !== '');
  if (alone.length > 0) throw mismatch(alone.join('; '));
  const pairs = after.map((result) => ({ before: byId.get(result.id) as CaseResult, after: result }));
  const other = pairs.filter((pair) => pair.before.expected !== pair.after.expected || pair.before.input !== pair.after.input);
  if (other.length > 0) {
    const first = other.map(({ after: { id } }) => id).toSorted(byCodeUnit)[0] as string;
    throw mismatch(`${other.length} of ${pairs.length} cases differ in input or expected answer, first "${show(first)}"`);
  }
  if (pairs.length === 0)
    throw new PlumbError('DATASET_EMPTY', { what: 'no cases to compare', mend: 'evaluate both models on a suite that holds at least one case' });
  return pairs;
}

function byIdOnce(results: readonly CaseResult[], model: string): Map<string, CaseResult> {
  const byId = new Map(results.map((result) => [result.id, result]));
  const repeats = results.length - byId.size;
  if (repeats === 0) return byId;
  throw mismatch(`${repeats} ${repeats === 1 ? 'id stands' : 'ids stand'} twice in the ${model} model's results`);
}

function missing(results: readonly CaseResult[], others: ReadonlyMap<string, CaseResult>, model: string): string {
  const ids = results.filter(({ id }) => !others.has(id)).map(({ id }) => id);
  const first = ids.toSorted(byCodeUnit)[0];
  if (first === undefined) return '';
  return `${ids.length} ${ids.length === 1 ? 'case was' : 'cases were'} asked of the ${model} model only, first "${show(first)}"`;
}

function show(id: string): string {
  return id.length > 80 ? `${id.slice(0, 79)}…` : id;
}

function mismatch(what: string): PlumbError {
  return new PlumbError('SUITE_MISMATCH', { what, mend: 'evaluate both models on the same suite and the same data' });
}

type ClassChange = Comparison['classes'][number];

/** Classes with a change, each a test of its own. One without a change cannot raise a false alarm, so the correction need not count it. */
function compareClasses(pairs: readonly Pair[]): ClassChange[] {
  const counts = new Map<string, { label: string; cases: number; right: number; gained: number; lost: number }>();
  for (const { before, after } of pairs) {
    let entry = counts.get(after.expected);
    if (entry === undefined) counts.set(after.expected, (entry = { label: after.expected, cases: 0, right: 0, gained: 0, lost: 0 }));
    const was = before.got === before.expected;
    const is = after.got === after.expected;
    entry.cases += 1;
    if (was) entry.right += 1;
    if (is && !was) entry.gained += 1;
    if (was && !is) entry.lost += 1;
  }
  const changed = [...counts.values()].filter(({ gained, lost }) => gained + lost > 0).toSorted((a, b) => byCodeUnit(a.label, b.label));
  const tests = testClasses(changed);
  return changed
    .map(({ label, cases, right, gained, lost }, at) => ({
      label,
      cases,
      gained,
      lost,
      before: right / cases,
      after: (right + gained - lost) / cases,
      ...(tests[at] as { p: number; adjusted: number }),
    }))
    .toSorted((a, b) => b.lost - b.gained - (a.lost - a.gained) || b.lost - a.lost || byCodeUnit(a.label, b.label));
}

/**
 * The exact McNemar test of each class, and its p after Holm's correction over all of them.
 * @param changes cases gained and lost (counts) of every class in which any case changed
 */
export function testClasses(changes: readonly { readonly gained: number; readonly lost: number }[]): { p: number; adjusted: number }[] {
  // classes with as many changed cases share one function, so that the correction counts them together
  const reaches = new Map<number, HolmTest['reach']>();
  const tests = changes.map(({ gained, lost }) => {
    const reach = reaches.get(gained + lost) ?? mcnemarReach(gained + lost);
    reaches.set(gained + lost, reach);
    return { p: mcnemarExact({ gained, lost }), reach };
  });
  const adjusted = holmAdjusted(tests);
  return tests.map(({ p }, at) => ({ p, adjusted: adjusted[at] as number }));
}

function examples(pairs: readonly Pair[], most: number): Comparison['broken'] {
  const byClass = Map.groupBy(
    pairs.toSorted((a, b) => b.after.score - a.after.score || byCodeUnit(a.after.id, b.after.id)),
    ({ after }) => after.expected,
  );
  const classes = [...byClass].toSorted(([labelA, a], [labelB, b]) => b.length - a.length || byCodeUnit(labelA, labelB));
  const chosen: Pair[] = [];
  for (let from = 0; chosen.length < Math.min(most, pairs.length); from += inARow) {
    for (const [, list] of classes) chosen.push(...list.slice(from, from + inARow));
  }
  return chosen
    .slice(0, most)
    .map(({ before, after }) => ({ id: after.id, input: after.input, expected: after.expected, before: before.got, after: after.got }));
}

/** Macro F1 after minus before. Cases with equal expected label and answers are one kind, so a resample is a draw of kinds. */
function macroF1Difference(pairs: readonly Pair[]): Interval {
  const { labels, kinds } = kindsOf(pairs);
  const statistic = (counts: Uint32Array): number => macroF1(labels, kinds, counts, 'after') - macroF1(labels, kinds, counts, 'before');
  const counts = kinds.map(({ cases }) => cases);
  const value = statistic(Uint32Array.from(counts));
  return { value, ...bootstrapInterval({ counts, statistic }, resamples, seededRandom(0)) };
}

/** labels by number */
interface Kind {
  readonly expected: number;
  readonly before: number;
  readonly after: number;
  cases: number;
}

function kindsOf(pairs: readonly Pair[]): { labels: number; kinds: Kind[] } {
  const names = new Set(pairs.flatMap(({ before, after }) => [after.expected, before.got, after.got]));
  // numbers follow the names, not the order of the cases: the same cases draw the same resamples
  const numbers = new Map([...names].toSorted(byCodeUnit).map((name, number) => [name, number]));
  const numberOf = (name: string): number => numbers.get(name) as number;
  const kinds = new Map<number, Kind>();
  for (const { before, after } of pairs) {
    const kind = { expected: numberOf(after.expected), before: numberOf(before.got), after: numberOf(after.got), cases: 1 };
    const key = (kind.expected * names.size + kind.before) * names.size + kind.after;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, kind);
    else known.cases += 1;
  }
  return { labels: names.size, kinds: [...kinds].toSorted(([a], [b]) => a - b).map(([, kind]) => kind) };
}

/** As `evaluateCases` has it: the mean over labels that were expected or answered in these cases. */
function macroF1(labels: number, kinds: readonly Kind[], counts: Uint32Array, model: 'before' | 'after'): number {
  const hits = new Uint32Array(labels);
  const expected = new Uint32Array(labels);
  const answered = new Uint32Array(labels);
  for (const [at, kind] of kinds.entries()) {
    const cases = counts[at] as number;
    expected[kind.expected] = (expected[kind.expected] as number) + cases;
    answered[kind[model]] = (answered[kind[model]] as number) + cases;
    if (kind.expected === kind[model]) hits[kind.expected] = (hits[kind.expected] as number) + cases;
  }
  let sum = 0;
  let present = 0;
  for (let label = 0; label < labels; label += 1) {
    const counted = { hits: hits[label] as number, expected: expected[label] as number, answered: answered[label] as number };
    if (counted.expected + counted.answered === 0) continue;
    sum += classScores(counted).f1;
    present += 1;
  }
  return sum / present;
}
