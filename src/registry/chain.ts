// Does the evidence of a pointer hold together? Pure: the same questions are asked before a promotion is written, of the work tree, and of
// every commit of history. Bytes against names is evidence.ts's part; here it is what the files say of each other.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { loadYaml } from '../base/config.ts';
import { shortDigest, type Digest } from '../base/digest.ts';
import { testClasses } from '../evaluate/compare.ts';
import { decideGate } from '../evaluate/gate.ts';
import { evaluationSchema, type Comparison, type Evaluation, type GateResult, type Interval } from '../evaluate/schema.ts';
import { mcnemarExact } from '../evaluate/statistics/mcnemar.ts';
import { newcombeInterval } from '../evaluate/statistics/newcombe.ts';
import { wilsonInterval } from '../evaluate/statistics/wilson.ts';
import type { RunInput, RunRecord } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import { findDataFaults } from './data-checks.ts';
import { evidencePath, promoteAnew, shapeOf, type Evidence, type Finding } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { pointerPath, pointerSubject } from './pointer.ts';
import { chainOf, inputRuns } from './run-chain.ts';
import { policySchema, type Pointer, type Policy, type Promotion } from './schema.ts';
import { signatureFaults } from './signature-form.ts';

/**
 * All that is wrong with a pointer that parses, from its evidence alone.
 * @param commit for the findings; null: the work tree
 */
export function checkChain(pointer: Pointer, evidence: Evidence, commit: string | null): Finding[] {
  const faults = [
    ...checkRuns(pointer, evidence),
    ...checkEvaluationRun(pointer, evidence),
    ...checkData(pointer, evidence),
    ...checkParts(pointer, evidence),
    ...checkAlongside(pointer, evidence),
    ...checkReport(pointer, evidence),
    ...(evidence.promotion === null ? [] : checkPromotion(pointer, evidence.promotion, evidence)),
  ];
  const file = pointerPath(pointer);
  return [...evidence.findings, ...faults.map((fault) => ({ file: fault.file ?? file, commit, what: `${file}: ${fault.what}`, mend: promoteAnew }))];
}

interface Fault {
  readonly what: string;
  /** the pointer, where none is said */
  readonly file?: string;
}

/** The artifact is an output of the run, byte for byte as long as the pointer says. */
function checkRuns(pointer: Pointer, { runs }: Evidence): Fault[] {
  const made = runs.get(pointer.run);
  if (made === undefined) return [];
  const output = Object.values(made.outputs).find((one) => one.digest === pointer.artifact.digest);
  if (output === undefined) return [{ what: `the run ${nameOfRun(pointer.run, made)} made no artifact ${pointer.artifact.digest}` }];
  if (output.bytes === pointer.artifact.bytes) return [];
  return [{ what: `the artifact has ${pointer.artifact.bytes} bytes here and ${output.bytes} in the run ${nameOfRun(pointer.run, made)}` }];
}

/** The evaluation asked this artifact, of this run. */
function checkEvaluationRun(pointer: Pointer, { runs }: Evidence): Fault[] {
  const asked = runs.get(pointer.evaluation);
  if (asked === undefined) return [];
  const model = Object.values(asked.inputs).filter((input) => input.digest === pointer.artifact.digest);
  if (model.some((input) => input.run === pointer.run)) return [];
  if (model.length === 0)
    return [{ what: `the evaluation ${nameOfRun(pointer.evaluation, asked)} did not read the artifact ${pointer.artifact.digest}` }];
  return [{ what: `the evaluation ${nameOfRun(pointer.evaluation, asked)} read the artifact from another run than ${pointer.run}` }];
}

/** Every part that moves with the model was made or read by a run behind it. */
function checkParts({ parts = {} }: Pointer, { runs }: Evidence): Fault[] {
  const made = [...runs.values()].flatMap((record) => Object.values(record.outputs));
  const read = new Set([...runs.values()].flatMap((record) => Object.values(record.inputs).map(({ digest }) => digest)));
  return Object.entries(parts).flatMap(([name, part]) => {
    const outputs = made.filter(({ digest }) => digest === part.digest);
    if (outputs.length === 0)
      return read.has(part.digest) ? [] : [{ what: `its part "${name}" (${part.digest}) was neither made nor read by a run` }];
    if (outputs.some(({ bytes }) => bytes === part.bytes)) return [];
    return [{ what: `its part "${name}" has ${part.bytes} bytes here and ${outputs[0]?.bytes} where it was made` }];
  });
}

/** What stands beside the chain: who signed it, and whose answers it was compared with. */
function checkAlongside(pointer: Pointer, { runs, baselines, signatures }: Evidence): Fault[] {
  const others = Object.values(baselines);
  const known = new Set([...runs.keys(), ...others.map(({ digest }) => digest)]);
  return [
    ...(signatures === null ? [] : signatureFaults(signatures, known)),
    ...others.flatMap(({ digest, record }) =>
      Object.values(record.inputs).some((input) => input.digest === pointer.artifact.digest)
        ? [`it is compared with the answers of run ${nameOfRun(digest, record)}, which are its own`]
        : [],
    ),
  ].map((what) => ({ what }));
}

/**
 * Every input that a run took from another run is there an output; every data set that made or evaluated the model is the one that the pointer names,
 * and none is named for nothing. What only had to end well before, such as a check, may have read others.
 */
function checkData(pointer: Pointer, { runs }: Evidence): Fault[] {
  const faults: Fault[] = [];
  const read = new Set<string>();
  const makers = chainOf([pointer.run, pointer.evaluation], runs, inputRuns);
  for (const [digest, record] of runs) {
    for (const [name, input] of Object.entries(record.inputs)) {
      const isMaker = makers.has(digest);
      const what = input.kind === 'output' ? outputFault(input, runs) : input.kind === 'data' && isMaker ? dataFault(input, pointer) : null;
      if (what !== null) faults.push({ what: `input "${oneLine(name, 80)}" of run ${nameOfRun(digest, record)} ${what}` });
      if (input.kind === 'data' && isMaker) read.add(input.ref);
    }
  }
  // a record that is missing is told as such; what only it read cannot be told
  const whole =
    makers.has(pointer.run) &&
    makers.has(pointer.evaluation) &&
    [...makers.values()].every((record) => inputRuns(record).every((run) => makers.has(run)));
  for (const name of whole ? Object.keys(pointer.data) : []) {
    if (!read.has(name)) faults.push({ what: `the data set "${oneLine(name, 80)}" was read by no run` });
  }
  return faults;
}

function outputFault(input: RunInput, runs: Evidence['runs']): string | null {
  if (input.run === undefined) return 'does not say which run it came from';
  const source = runs.get(input.run);
  if (source === undefined) return null;
  const outputs = Object.entries(source.outputs);
  const meant = outputs.find(([name, output]) => input.ref === `${source.stage}.${name}` || input.ref === output.path);
  if (meant !== undefined && meant[1].digest !== input.digest) {
    return `is ${input.digest}; ${oneLine(input.ref, 80)} of run ${nameOfRun(input.run, source)} is ${meant[1].digest}`;
  }
  return outputs.some(([, output]) => output.digest === input.digest)
    ? null
    : `is ${input.digest}, which run ${nameOfRun(input.run, source)} did not make`;
}

function dataFault(input: RunInput, pointer: Pointer): string | null {
  const here = Object.hasOwn(pointer.data, input.ref) ? pointer.data[input.ref] : undefined;
  const ref = oneLine(input.ref, 80);
  if (here === undefined) return `is the data set "${ref}", which the pointer does not name`;
  return here === input.digest ? null : `is the data set "${ref}" at ${input.digest}; the pointer says ${here}`;
}

/** The report is about this artifact, and its numbers are those of the evaluation's run. */
function checkReport(pointer: Pointer, { report, runs, comparisons }: Evidence): Fault[] {
  if (report === null) return [];
  const file = evidencePath(pointer, pointer.report, 'json');
  const faults: Fault[] = [];
  if (report.model !== pointer.model) faults.push({ file, what: `its report is about the model "${oneLine(report.model, 80)}"` });
  if (report.candidate.artifact !== pointer.artifact.digest)
    faults.push({ file, what: `its report is about the artifact ${oneLine(report.candidate.artifact, 80)}` });
  if (report.candidate.run !== pointer.run) faults.push({ file, what: `its report is about the run ${oneLine(report.candidate.run, 80)}` });
  const evaluation = evaluationSchema.safeParse(report.evaluation);
  if (!evaluation.success) return [...faults, { file, what: `its report holds no evaluation: ${shapeOf(evaluation.error)}` }];
  if (evaluation.data.model !== pointer.artifact.digest)
    faults.push({ file, what: `the evaluation in its report is of the artifact ${evaluation.data.model}` });
  faults.push(...arithmeticFaults(evaluation.data, comparisons).map((what) => ({ file, what })));
  const numbers = numbersOf(evaluation.data);
  const asked = runs.get(pointer.evaluation);
  const places = [
    { who: 'the pointer', metrics: pointer.metrics },
    ...(asked === undefined ? [] : [{ who: `the run ${nameOfRun(pointer.evaluation, asked)}`, metrics: asked.metrics }]),
  ];
  for (const { who, metrics } of places) {
    for (const [name, value] of Object.entries(numbers)) {
      const other = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
      if (other !== undefined && other !== value) faults.push({ file, what: `${name} is ${value} in its report and ${other} in ${who}` });
    }
  }
  return faults;
}

/** What follows from the counts does follow: a gate reads the bounds, and nobody may write them better than they are. */
function arithmeticFaults(evaluation: Evaluation, comparisons: Evidence['comparisons']): string[] {
  const { correct, cases, accuracy } = evaluation;
  if (cases < 1 || correct > cases) return [`the evaluation in its report has ${correct} right of ${cases} cases`];
  const faults = sameInterval(accuracy, wilsonInterval({ successes: correct, trials: cases }))
    ? []
    : [`the accuracy in its report does not follow from ${correct} right of ${cases} cases`];
  for (const [stage, comparison] of Object.entries(comparisons)) {
    const { both, gained, lost, neither, p, difference } = comparison;
    if (both + gained + lost + neither !== comparison.cases || comparison.cases !== cases || both + gained !== correct) {
      faults.push(`the comparison with ${stage} is not of the ${correct} right of ${cases} cases that its report has`);
    } else if (!close(p, mcnemarExact({ gained, lost })) || !sameInterval(difference, newcombeInterval({ both, gained, lost, neither }))) {
      faults.push(`the bounds of the comparison with ${stage} do not follow from its counts`);
    } else if (!classesFit(comparison)) faults.push(`the classes of the comparison with ${stage} do not add up to its counts`);
  }
  return faults;
}

/** Every case that changed is a case of one class: a class that broke can neither be left out nor made to look like chance. */
function classesFit({ classes, gained, lost, cases }: Comparison): boolean {
  const sum = (of: (entry: Comparison['classes'][number]) => number): number => classes.reduce((total, entry) => total + of(entry), 0);
  if (sum((entry) => entry.gained) !== gained || sum((entry) => entry.lost) !== lost || sum((entry) => entry.cases) > cases) return false;
  if (new Set(classes.map(({ label }) => label)).size !== classes.length) return false;
  // Holm's correction breaks ties by place: the order in which they were tested
  const tested = classes.toSorted((a, b) => byCodeUnit(a.label, b.label));
  const tests = testClasses(tested);
  return tested.every((entry, at) => {
    const { p = Number.NaN, adjusted = Number.NaN } = tests[at] ?? {};
    const moved = entry.after - entry.before - (entry.gained - entry.lost) / entry.cases;
    return entry.gained + entry.lost <= entry.cases && close(moved, 0) && close(entry.p, p) && close(entry.adjusted, adjusted);
  });
}

/** Room for a library that rounds the last digits otherwise, none for a decision. */
function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9;
}

function sameInterval(a: Interval, b: Interval): boolean {
  return close(a.value, b.value) && close(a.low, b.low) && close(a.high, b.high);
}

/** The numbers of an evaluation under the names that metrics have. */
function numbersOf(evaluation: Evaluation): Record<string, number> {
  return {
    accuracy: evaluation.accuracy.value,
    cases: evaluation.cases,
    correct: evaluation.correct,
    macro_f1: evaluation.macro.f1,
    macro_precision: evaluation.macro.precision,
    macro_recall: evaluation.macro.recall,
    ece: evaluation.calibration.ece,
  };
}

/** The record decided about this very pointer, and what it says of the gate is what the gate says. */
function checkPromotion(pointer: Pointer, promotion: Promotion, evidence: Evidence): Fault[] {
  const file = evidencePath(pointer, pointer.promotion, 'json');
  const faults: string[] = [];
  if (promotion.model !== pointer.model || promotion.stage !== pointer.stage) {
    faults.push(`its promotion record is of ${promotion.model} to ${promotion.stage}`);
  }
  if (promotion.artifact !== pointer.artifact.digest) faults.push(`its promotion record is of the artifact ${promotion.artifact}`);
  if (promotion.pointer !== pointerSubject(pointer))
    faults.push('it is not the pointer that its promotion record vouches for: a field was changed afterwards');
  if (promotion.previous === promotion.artifact) faults.push('its promotion record moves the artifact to where it was');
  faults.push(...baselineFaults(promotion, evidence), ...gateFaults(pointer, promotion, evidence), ...policyDataFaults(pointer, evidence));
  return faults.map((what) => ({ file, what }));
}

/** A report that compares with the model in this stage compares with the one that was there. */
function baselineFaults(promotion: Promotion, { report }: Evidence): string[] {
  if (report?.baseline?.what !== promotion.stage || report.baseline.artifact === promotion.previous) return [];
  return [`its report compares with ${oneLine(report.baseline.artifact, 80)}; what was in ${promotion.stage} is ${promotion.previous ?? 'nothing'}`];
}

/** Judges again, from the policy and the numbers in the evidence. */
function gateFaults(pointer: Pointer, promotion: Promotion, evidence: Evidence): string[] {
  if (evidence.policy === null || evidence.report === null) return [];
  const policy = parsePolicyText(evidence.policy);
  if (typeof policy === 'string') return [`the policy that judged does not parse: ${policy}`];
  const rule = Object.hasOwn(policy.models, pointer.model) ? policy.models[pointer.model]?.[pointer.stage] : undefined;
  if (rule === undefined) return [`the policy that judged has no rule for ${pointer.model} in ${pointer.stage}`];
  if (promotion.gate.gate !== rule.gate) return [`it was judged by the gate "${promotion.gate.gate}"; the policy asks for "${rule.gate}"`];
  const checks = Object.hasOwn(policy.gates, rule.gate) ? policy.gates[rule.gate] : undefined;
  if (checks === undefined) return [`the policy that judged has no gate "${rule.gate}"`];
  const evaluation = evaluationSchema.safeParse(evidence.report.evaluation);
  if (!evaluation.success) return [];
  if (Object.keys(promotion.comparisons).length > Object.keys(evidence.comparisons).length) return [];
  const leftOut =
    checks.some((check) => 'against' in check && check.against === promotion.stage) && promotion.comparisons[promotion.stage] === undefined;
  // a gate that may leave its comparison out is a gate with fewer checks
  if (promotion.previous !== null && leftOut)
    return [`the gate "${rule.gate}" compares with ${promotion.stage}, where ${promotion.previous} was, and that comparison is not in the evidence`];
  const again = decideGate({ gate: rule.gate, checks, evaluation: evaluation.data, comparisons: evidence.comparisons });
  const faults =
    decisionOf(again) === decisionOf(promotion.gate) ? [] : [`the gate was not judged so: ${describeGateDifference(again, promotion.gate)}`];
  if (!again.holds && promotion.forced === null) faults.push(`the gate "${rule.gate}" does not hold and nobody took it on himself with a reason`);
  return faults;
}

/** What the policy asks of data is asked again. */
function policyDataFaults(pointer: Pointer, { policy: text, runs }: Evidence): string[] {
  const policy = text === null ? '' : parsePolicyText(text);
  return typeof policy === 'string' || policy.data === undefined
    ? []
    : findDataFaults(policy.data, { run: pointer.run, evaluation: pointer.evaluation, runs });
}

/** @returns the policy, or what is wrong with the text */
export function parsePolicyText(text: string): Policy | string {
  let value: unknown;
  try {
    value = loadYaml(text, files.policy);
  } catch (error) {
    return oneLine((error as Error).message);
  }
  const result = policySchema.safeParse(value);
  return result.success ? result.data : shapeOf(result.error);
}

/**
 * The decision, without its words: a later version of Plumbline may word a sentence better, and what was decided stays decided.
 * The words are held by the digest of the record.
 */
export function decisionOf({ gate, holds, checks }: GateResult): string {
  return canonicalJson({ gate, holds, checks: checks.map((check) => ({ holds: check.holds, applies: check.applies, labels: check.labels })) });
}

function describeGateDifference(again: GateResult, said: GateResult): string {
  const answer = (holds: boolean): string => (holds ? 'holds' : 'does not hold');
  if (again.holds !== said.holds) return `the record says that it ${answer(said.holds)}; judged again it ${answer(again.holds)}`;
  if (again.checks.length !== said.checks.length) return `the record has ${said.checks.length} checks, the policy has ${again.checks.length}`;
  const at = again.checks.findIndex((check, place) => check.holds !== said.checks[place]?.holds || check.applies !== said.checks[place]?.applies);
  const check = again.checks[Math.max(at, 0)];
  return `judged again: ${oneLine(check?.why ?? 'nothing', 200)}; the record says: ${oneLine(said.checks[Math.max(at, 0)]?.why ?? 'nothing', 200)}`;
}

function nameOfRun(digest: Digest, record: RunRecord): string {
  return `${shortDigest(digest)} (stage ${oneLine(record.stage, 80)})`;
}
