// What the results of one model's cases add up to. All sums are of whole numbers (scores in millionths), so the order of the cases changes no bit.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { CaseResult, Evaluation } from './schema.ts';
import { wilsonInterval } from './statistics/wilson.ts';

/** What was asked of whom; it goes into the evaluation as it is. */
export interface Subject {
  readonly model: Digest;
  /** path of the suite in the project */
  readonly suite: string;
  readonly suiteDigest: Digest;
  /** as `caseSetDigest` gives it */
  readonly data: Digest;
}

const bins = 15;
const millionth = 1e6;

/**
 * Accuracy with Wilson bounds; precision, recall and F1 per class, their plain mean (macro) and over all cases (micro); confusion; calibration.
 * Classes are all labels that were expected or answered. A ratio with nothing below the line is 0, as scikit-learn has it with zero_division=0.
 * @param cases in any order; scores 0 to 1 in millionths
 * @throws PlumbError DATASET_EMPTY
 * Cost: linear in the cases, memory for the non-zero cells of the confusion.
 * Source: definitions of scikit-learn 1.9 precision_recall_fscore_support; ECE as Guo et al. 2017; checked, see classification.reference.py
 */
export function evaluateCases(cases: Iterable<CaseResult>, subject: Subject): Evaluation {
  const confusion = new Confusion();
  const calibration = new Calibration();
  let correct = 0;
  for (const { expected, got, score } of cases) {
    confusion.add(expected, got);
    calibration.add(score, expected === got);
    if (expected === got) correct += 1;
  }
  if (confusion.cases === 0) {
    throw new PlumbError('DATASET_EMPTY', {
      what: `the suite ${subject.suite} has no cases`,
      where: { file: subject.suite },
      mend: 'name data that holds at least one row',
    });
  }
  const classes = confusion.classes();
  const accuracy = wilsonInterval({ successes: correct, trials: confusion.cases });
  return {
    plumbline: 'evaluation/1',
    ...subject,
    cases: confusion.cases,
    correct,
    accuracy,
    macro: { precision: mean(classes, 'precision'), recall: mean(classes, 'recall'), f1: mean(classes, 'f1') },
    // one answer a case: every wrong one is a false positive of one class and a false negative of another, so the three are the accuracy
    micro: { precision: accuracy.value, recall: accuracy.value, f1: accuracy.value },
    classes,
    confusion: confusion.cells(),
    calibration: calibration.summary(),
  };
}

type ClassScores = Evaluation['classes'][number];

function mean(classes: readonly ClassScores[], of: 'precision' | 'recall' | 'f1'): number {
  return classes.reduce((sum, entry) => sum + entry[of], 0) / classes.length;
}

/** Precision, recall and F1 of one class from its counts; 0 where there is nothing to divide by. */
export function classScores(counts: { hits: number; expected: number; answered: number }): { precision: number; recall: number; f1: number } {
  const { hits, expected, answered } = counts;
  return {
    precision: answered === 0 ? 0 : hits / answered,
    recall: expected === 0 ? 0 : hits / expected,
    f1: expected + answered === 0 ? 0 : (2 * hits) / (expected + answered),
  };
}

class Confusion {
  cases = 0;
  /** expected -> got -> cases */
  readonly #cells = new Map<string, Map<string, number>>();
  readonly #answered = new Map<string, number>();

  add(expected: string, got: string): void {
    this.cases += 1;
    let row = this.#cells.get(expected);
    if (row === undefined) this.#cells.set(expected, (row = new Map()));
    row.set(got, (row.get(got) ?? 0) + 1);
    this.#answered.set(got, (this.#answered.get(got) ?? 0) + 1);
  }

  cells(): Evaluation['confusion'] {
    return [...this.#cells]
      .toSorted(([a], [b]) => byCodeUnit(a, b))
      .flatMap(([expected, row]) => [...row].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([got, cases]) => ({ expected, got, cases })));
  }

  classes(): ClassScores[] {
    const labels = [...new Set([...this.#cells.keys(), ...this.#answered.keys()])].toSorted(byCodeUnit);
    return labels.map((label) => {
      const row = this.#cells.get(label);
      let support = 0;
      for (const cases of row?.values() ?? []) support += cases;
      const scores = classScores({ hits: row?.get(label) ?? 0, expected: support, answered: this.#answered.get(label) ?? 0 });
      return { label, support, ...scores };
    });
  }
}

class Calibration {
  readonly #cases = new Float64Array(bins);
  readonly #right = new Float64Array(bins);
  /** millionths, so that the sums are whole */
  readonly #scores = new Float64Array(bins);

  add(score: number, right: boolean): void {
    const whole = Math.round(score * millionth);
    // bin i holds (i / 15, (i + 1) / 15]; 0 itself is in the first
    const bin = Math.max(0, Math.ceil((whole * bins) / millionth) - 1);
    this.#cases[bin] = (this.#cases[bin] ?? 0) + 1;
    this.#scores[bin] = (this.#scores[bin] ?? 0) + whole;
    if (right) this.#right[bin] = (this.#right[bin] ?? 0) + 1;
  }

  summary(): Evaluation['calibration'] {
    let gap = 0;
    let all = 0;
    const list = Array.from(this.#cases, (cases, bin) => {
      const right = this.#right[bin] ?? 0;
      const scores = this.#scores[bin] ?? 0;
      gap += Math.abs(scores - right * millionth);
      all += cases;
      const share = (sum: number): number => (cases === 0 ? 0 : sum / cases);
      return { low: bin / bins, high: (bin + 1) / bins, cases, confidence: share(scores) / millionth, accuracy: share(right) };
    });
    return { ece: gap / (all * millionth), bins: list };
  }
}
