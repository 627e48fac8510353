// The figures of a promotion, made anew from the answers that the evaluation stored: whoever edits a report, a comparison or a gate's decision would have to
// change the answers, too, and those are named by digest from a run record that a job of CI signed.
import { canonicalJson, type Json } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { caseSetDigest, readAllCases } from '../evaluate/cases.ts';
import { evaluateCases } from '../evaluate/classification.ts';
import { compareCases } from '../evaluate/compare.ts';
import { decideGate } from '../evaluate/gate.ts';
import { evaluationSchema, type CaseResult, type Comparison, type Evaluation } from '../evaluate/schema.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import { maskSensitive } from '../quality/sensitive.ts';
import { decisionOf } from './chain.ts';
import type { Evidence, ReportFacts } from './evidence.ts';
import { casesOf } from './found-model.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import { pointerOrNull, type MovedPointer } from './move-change.ts';
import type { MoveInput, MoveStore } from './move-input.ts';
import { oneLine } from './one-line.ts';
import { stages, type Policy, type Promotion, type Stage } from './schema.ts';
import { commitTree, type FileTree } from './tree.ts';

/** What a model answered, and what that adds up to. */
export interface Answers {
  readonly cases: readonly CaseResult[];
  readonly evaluation: Evaluation;
}

/**
 * The figures are made anew from the answers: nothing repeats what an evaluation says of itself.
 * @param path of the cases, wherever they are kept
 * @throws PlumbError ROW_SYNTAX, ROW_KEY, DATASET_EMPTY
 */
export async function readAnswers(path: string, model: Digest, { record }: Pick<KeptRecord, 'record'>): Promise<Answers> {
  const cases = await readAllCases(path, { name: `cases of ${record.stage}` });
  const suite = Object.hasOwn(record.inputs, 'suite') ? record.inputs['suite'] : undefined;
  const subject = {
    model,
    suite: suite?.ref ?? record.stage,
    suiteDigest: suite?.digest ?? record.fingerprint,
    data: caseSetDigest(cases),
  };
  return { cases, evaluation: evaluateCases(cases, subject) };
}

type Asked = Pick<MoveInput, 'git' | 'prefix' | 'before' | 'store' | 'policy'>;

/** Is what people read in the report, and what the gate judged by, what the answers add up to? */
export async function judgeReport(promoted: readonly MovedPointer[], input: Asked): Promise<Point> {
  const faults: Fault[] = [];
  for (const { place, pointer, evidence } of promoted) {
    if (pointer === null || evidence === null) continue;
    const { report, promotion } = evidence;
    const record = evidence.runs.get(pointer.evaluation);
    if (report === null || promotion === null || record === undefined) {
      faults.push({ what: `${nameOf(place)} has no report that could be made again` });
      continue;
    }
    const again = new Recomputation(input, { artifact: pointer.artifact.digest, evaluated: { digest: pointer.evaluation, record }, evidence });
    faults.push(...(await again.faults({ report, promotion })).map((fault) => ({ ...fault, what: `${nameOf(place)}: ${fault.what}` })));
  }
  return pointOf('report', faults, 'made again from the stored answers, every figure of evaluation, comparison and gate is as the report has it');
}

interface Told {
  readonly artifact: Digest;
  readonly evaluated: KeptRecord;
  readonly evidence: Evidence;
}

class Recomputation {
  readonly #base: FileTree;
  readonly #store: MoveStore;
  readonly #policy: Policy | null;
  readonly #told: Told;

  constructor({ git, prefix, before, store, policy }: Asked, told: Told) {
    this.#base = commitTree(git, prefix, before);
    this.#store = store;
    this.#policy = policy?.policy ?? null;
    this.#told = told;
  }

  async faults(said: { readonly report: ReportFacts; readonly promotion: Promotion }): Promise<Fault[]> {
    const { artifact, evaluated } = this.#told;
    const answers = await this.#answersOf(artifact, evaluated);
    if ('what' in answers) return [answers];
    const { comparisons, faults } = await this.#compareAll(answers, said.promotion);
    return [
      ...evaluationFaults(said.report, answers.evaluation),
      ...faults,
      ...(faults.length > 0 ? [] : [...comparisonFaults(said, comparisons), ...this.#gateFaults(said, answers.evaluation, comparisons)]),
    ];
  }

  async #answersOf(model: Digest, evaluated: KeptRecord): Promise<Answers | Fault> {
    try {
      const found = await this.#store.pathOf(casesOf(evaluated).digest, [evaluated.digest]);
      if ('path' in found) return await readAnswers(found.path, model, evaluated);
      return { what: `the answers of the evaluation cannot be had: ${found.why}`, unknown: found.unknown };
    } catch (error) {
      if (isPlumbError(error)) return { what: `the answers of the evaluation cannot be read: ${oneLine(error.message, 300)}` };
      throw error;
    }
  }

  /** With what the base has in each stage, where the gate asks for that or the evidence compares with it. */
  async #compareAll(answers: Answers, promotion: Promotion): Promise<{ comparisons: Partial<Record<Stage, Comparison>>; faults: Fault[] }> {
    const comparisons: Partial<Record<Stage, Comparison>> = {};
    const faults: Fault[] = [];
    for (const stage of stages) {
      const compared = await this.#compareWith(stage, answers, promotion);
      if (compared === null) continue;
      if ('what' in compared) faults.push(compared);
      else comparisons[stage] = compared;
    }
    return { comparisons, faults };
  }

  /** null: there is nothing to compare with, or nobody asks */
  async #compareWith(stage: Stage, answers: Answers, { model }: Promotion): Promise<Comparison | Fault | null> {
    const { artifact, evidence } = this.#told;
    const said = evidence.comparisons[stage];
    const there = await pointerOrNull(this.#base, { model, stage });
    if (there === null || there.artifact.digest === artifact)
      return said === undefined ? null : { what: `the evidence compares with ${stage}, where the base has no other model` };
    const baseline = evidence.baselines[stage];
    if (said === undefined && this.#asksFor(stage)) return { what: `the gate compares with ${stage}, and the evidence does not` };
    if (said === undefined && baseline === undefined) return null;
    if (baseline === undefined) return { what: 'the evidence does not say with which answers it compares: promote again' };
    if (!Object.values(baseline.record.inputs).some(({ digest }) => digest === there.artifact.digest))
      return { what: `the evidence compares with another model than the one that is in ${stage} now: promote again` };
    const before = await this.#answersOf(there.artifact.digest, baseline);
    if ('what' in before) return { ...before, what: `of the model in ${stage}: ${before.what}` };
    try {
      const again = compareCases(before.cases, answers.cases, { examples: 0 });
      const at = said === undefined ? null : difference(again, { ...said, broken: [], fixed: [] });
      return at === null ? again : { what: `the comparison with ${stage} is another when it is made again: ${at}` };
    } catch (error) {
      if (isPlumbError(error, 'SUITE_MISMATCH')) return { what: `the model in ${stage} was not asked the same: ${oneLine(error.message, 300)}` };
      throw error;
    }
  }

  #checks(): Policy['gates'][string] | undefined {
    const gate = this.#told.evidence.promotion?.gate.gate ?? '';
    return this.#policy !== null && Object.hasOwn(this.#policy.gates, gate) ? this.#policy.gates[gate] : undefined;
  }

  #asksFor(stage: Stage): boolean {
    return this.#checks()?.some((check) => 'against' in check && check.against === stage) === true;
  }

  #gateFaults(
    { promotion, report }: { promotion: Promotion; report: ReportFacts },
    evaluation: Evaluation,
    comparisons: Evidence['comparisons'],
  ): Fault[] {
    const checks = this.#checks();
    if (checks === undefined) return [];
    const again = decideGate({ gate: promotion.gate.gate, checks, evaluation, comparisons });
    if (decisionOf(again) !== decisionOf(promotion.gate)) return [{ what: `the gate "${again.gate}" decides otherwise when it is asked again` }];
    const shown = report.gate;
    if (shown === null || (shown.gate === again.gate && shown.holds === again.holds)) return [];
    return [
      {
        what: `the report shows that the gate "${oneLine(shown.gate, 80)}" ${shown.holds ? 'holds' : 'does not hold'}, which is not what it decided`,
      },
    ];
  }
}

/** Lists may be cut in a report; what it has is what there is. */
function evaluationFaults({ evaluation: said }: ReportFacts, again: Evaluation): Fault[] {
  const parsed = evaluationSchema.safeParse(said);
  if (!parsed.success) return [{ what: 'the report holds no evaluation' }];
  const { classes, confusion, suite, ...figures } = parsed.data;
  const { classes: allClasses, confusion: allCells, suite: whole, ...all } = again;
  const at = difference({ ...all, suite: whole }, { ...figures, suite: wholeOf(suite, whole) });
  if (at !== null) return [{ what: `the evaluation is another when it is made again from the answers: ${at}` }];
  const invented = [...classes.filter((entry) => !isAmong(entry, allClasses)), ...confusion.filter((entry) => !isAmong(entry, allCells))];
  return invented.length === 0 ? [] : [{ what: `the report has figures of classes that the answers do not add up to` }];
}

function comparisonFaults({ report, promotion }: { report: ReportFacts; promotion: Promotion }, comparisons: Evidence['comparisons']): Fault[] {
  const { baseline, verdict } = report;
  const wanted = comparisons[promotion.stage];
  if (baseline === null) {
    if (promotion.previous !== null) return [{ what: `the report compares with nothing, and ${promotion.stage} has a model` }];
    return verdict === 'first model' ? [] : [{ what: `the report says "${oneLine(verdict ?? '', 40)}" of the first model` }];
  }
  if (baseline.what !== promotion.stage) return [{ what: `the report compares with ${oneLine(baseline.what, 80)}, not with ${promotion.stage}` }];
  if (wanted === undefined) return [{ what: 'the comparison in the report cannot be made again: the evidence does not say with which answers' }];
  if (verdict !== wanted.answer) return [{ what: `the report says "${oneLine(verdict ?? '', 40)}", and the comparison "${wanted.answer}"` }];
  const { classes: _, broken: _broken, fixed: _fixed, ...figures } = wanted;
  const { classes: _said, broken: _saidBroken, fixed: _saidFixed, ...said } = (report.comparison ?? {}) as Partial<Comparison>;
  const at = difference(figures, said);
  return at === null ? [] : [{ what: `the comparison in the report is another when it is made again: ${at}` }];
}

type Labelled = Readonly<Record<string, string | number>>;

function isAmong(entry: Labelled, all: readonly Labelled[]): boolean {
  return all.some(
    (one) => difference(one, Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, wholeOf(value, one[key])]))) === null,
  );
}

/** In a report a label that looks like somebody's secret is masked, and a long one is cut. */
function wholeOf(said: string | number, whole: string | number | undefined): string | number {
  if (typeof said !== 'string' || typeof whole !== 'string') return said;
  const masked = maskSensitive(whole);
  return said === masked || (said.endsWith('…') && masked.startsWith(said.slice(0, -1))) ? whole : said;
}

/**
 * Where two values differ first, in words; null: nowhere. Room for a library that rounds the last digits otherwise, none for a decision.
 */
function difference(wanted: unknown, said: unknown, at = ''): string | null {
  if (typeof wanted === 'number' && typeof said === 'number') return Math.abs(wanted - said) <= 1e-9 ? null : `${at} is ${wanted}, not ${said}`;
  if (typeof wanted !== 'object' || typeof said !== 'object' || wanted === null || said === null)
    return wanted === said ? null : `${at} is ${inWords(wanted)}, not ${inWords(said)}`;
  const [a, b] = [wanted as Record<string, unknown>, said as Record<string, unknown>];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[key], b[key], at === '' ? key : `${at}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

function inWords(value: unknown): string {
  return value === undefined ? 'not there' : oneLine(canonicalJson(value as Json), 80);
}
