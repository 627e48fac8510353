// Deciding a promotion: from values to the files of one commit, or a refusal. Nothing is read or written here.
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Comparison, GateResult } from '../evaluate/schema.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { files as projectFiles } from '../project/layout.ts';
import { checkChain } from './chain.ts';
import { findDataFaults } from './data-checks.ts';
import { evidencePath, loadEvidence, planEvidence, type PlannedFile } from './evidence.ts';
import { describeTakenBack, stateOf, type PointerHistory } from './history.ts';
import { oneLine } from './one-line.ts';
import { pointerPath, pointerSubject, serialisePointer, type PointerPlace } from './pointer.ts';
import { revokedIn } from './revocation.ts';
import { chainOf, earlierRuns } from './run-chain.ts';
import type { Pointer, Policy, Promotion, Stage } from './schema.ts';
import { signaturesOf } from './signature-form.ts';
import { durationText, soakLeftMs } from './soak.ts';
import { plannedTree } from './tree.ts';
import { unitsOf } from './unit.ts';

/** The model that shall be promoted, with all that proves where it comes from. */
export interface Candidate {
  readonly artifact: { readonly digest: Digest; readonly bytes: number; readonly format: string };
  /** record of the run that made it */
  readonly run: Digest;
  /** record of its evaluation */
  readonly evaluation: Digest;
  /** both, and every run that came before them, down to the data; others are left out */
  readonly records: ReadonlyMap<Digest, RunRecord>;
  /** data set -> manifest, for all that these runs read */
  readonly data: Readonly<Record<string, Digest>>;
  readonly code: string | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** what moves with it as one, by name */
  readonly parts?: Readonly<Record<string, { readonly digest: Digest; readonly bytes: number }>>;
}

export interface PromotionInput {
  readonly model: string;
  readonly stage: Stage;
  /** of the base revision; `policyText` is the file that it was parsed from */
  readonly policy: Policy;
  readonly policyText: string;
  readonly candidate: Candidate;
  /** report/1 as canonical JSON */
  readonly report: { readonly digest: Digest; readonly json: string };
  /** what the policy's gate for this stage says */
  readonly gate: GateResult;
  /** what the gate compared with */
  readonly comparisons: { readonly production?: Comparison | undefined; readonly staging?: Comparison | undefined };
  /** the evaluations whose answers gate and report compare with */
  readonly baselines?: Readonly<Partial<Record<Stage, KeptRecord>>>;
  /** run -> what vouches for it, of these runs and of those of the baselines; `findSignatures` has it */
  readonly signatures?: ReadonlyMap<Digest, string>;
  /** other models that the same commit moves to this stage */
  readonly with?: readonly string[];
  /** what was taken out for good */
  readonly revoked?: ReadonlySet<Digest>;
  /** since when the artifact has been in staging without a break; null: it is not there. Asked where the policy wants a soak time */
  readonly stagedSince?: Date | null;
  /** what is in this stage now */
  readonly current: Pointer | null;
  /** what is in staging now */
  readonly staging: Pointer | null;
  /** of this stage */
  readonly history: PointerHistory;
  /** of this stage on the base: what is taken back there must not come again through a branch that does not know it */
  readonly baseHistory?: PointerHistory;
  /** name <e-mail> */
  readonly by: string;
  readonly at: Date;
  /** commit whose policy judged */
  readonly base: string | null;
  /** Taken on although the gate does not hold. Not recorded where the gate holds. */
  readonly force?: { readonly reason: string } | undefined;
  /** Brought back although it was taken back before. Not recorded where it was not. */
  readonly again?: { readonly reason: string } | undefined;
}

export interface PromotionPlan {
  /** to write, project-relative, sorted by path: the pointer and its evidence; some of the evidence may be there already, with equal bytes */
  readonly files: readonly PlannedFile[];
  /** of the commit */
  readonly message: string;
  readonly pointer: Pointer;
  readonly forced: boolean;
}

/**
 * What a promotion would write. What it returns verifies: the plan has passed the same checks as `plumb verify`.
 * @throws PlumbError PROMOTION_REFUSED, GATE_FAILED, EVIDENCE_INVALID, NAME_INVALID
 */
export async function planPromotion(input: PromotionInput): Promise<PromotionPlan> {
  const place = { model: input.model, stage: input.stage };
  const path = pointerPath(place);
  const reasons = { force: reasonOf(input.force, '--force'), again: reasonOf(input.again, '--again') };
  checkRule(input);
  checkMove(input);
  checkRevoked(input);
  checkUnit(input);
  checkSoak(input);
  checkData(input);
  const again = checkAgain(input, reasons.again);
  const forced = checkGate(input, reasons.force);
  const comparisons = Object.entries(input.comparisons).flatMap(([stage, comparison]) =>
    comparison === undefined ? [] : [{ stage, file: planEvidence(place, figuresOf(comparison)) }],
  );
  const runs = chainOf([input.candidate.run, input.candidate.evaluation], input.candidate.records, earlierRuns);
  const baselines = Object.entries(input.baselines ?? {});
  const alongside = baselines.map(([, kept]) => planEvidence(place, kept.record));
  const signatures = planSignatures(place, input.signatures, [...runs.keys(), ...baselines.map(([, { digest }]) => digest)]);
  const together = (input.with ?? []).toSorted(byCodeUnit);
  const bare = barePointer(input);
  const record = planEvidence(place, {
    plumbline: 'promotion/1',
    model: input.model,
    stage: input.stage,
    artifact: input.candidate.artifact.digest,
    pointer: pointerSubject(bare),
    previous: input.current?.artifact.digest ?? null,
    at: input.at.toISOString(),
    by: input.by.toWellFormed(),
    base: input.base,
    gate: input.gate,
    comparisons: Object.fromEntries(comparisons.map(({ stage, file }) => [stage, file.digest])),
    forced,
    again,
    ...(baselines.length === 0 ? {} : { baselines: Object.fromEntries(baselines.map(([stage, { digest }]) => [stage, digest])) }),
    ...(together.length === 0 ? {} : { with: together }),
    ...(signatures === null ? {} : { signatures: signatures.digest }),
  } satisfies Promotion);
  const pointer = { ...bare, promotion: record.digest };
  const evidence = [
    record,
    ...comparisons.map(({ file }) => file),
    ...[...runs.values()].map((run) => planEvidence(place, run)),
    ...alongside,
    ...(signatures === null ? [] : [signatures]),
    { path: evidencePath(place, input.report.digest, 'json'), bytes: input.report.json },
    { path: evidencePath(place, bare.policy, 'yaml'), bytes: input.policyText },
  ];
  const unique = new Map([...evidence, { path, bytes: serialisePointer(pointer) }].map((file) => [file.path, file.bytes]));
  const files = [...unique].map(([name, bytes]) => ({ path: name, bytes })).toSorted((a, b) => byCodeUnit(a.path, b.path));
  await checkPlan(pointer, files);
  return { files, message: describePromotion(input, { forced, again }), pointer, forced: forced !== null };
}

function refuse(what: string, mend: string, details?: Readonly<Record<string, unknown>>): PlumbError {
  return new PlumbError('PROMOTION_REFUSED', { what, mend, ...(details === undefined ? {} : { details }) });
}

function reasonOf(given: { readonly reason: string } | undefined, option: string): { reason: string } | null {
  if (given === undefined) return null;
  const reason = given.reason.toWellFormed().trim();
  if (oneLine(reason) === '')
    throw refuse(
      `${option} was given without a reason`,
      'say why with --reason "...": it is recorded in the evidence and shown for ever in `plumb history`',
    );
  return { reason };
}

/** The policy has a rule for this stage, and the gate that judged is the one it asks for. */
function checkRule({ model, stage, policy, gate }: PromotionInput): void {
  const rule = Object.hasOwn(policy.models, model) ? policy.models[model]?.[stage] : undefined;
  if (rule === undefined) {
    throw refuse(
      `${projectFiles.policy} has no rule for ${model} in ${stage}`,
      `add models.${model}.${stage} with a gate to ${projectFiles.policy}, on the base branch`,
    );
  }
  if (gate.gate !== rule.gate) throw new Error(`judged by the gate "${gate.gate}", the policy asks for "${rule.gate}"`);
}

/** It is not there already, and it is where the policy wants it to have been before. */
function checkMove({ model, stage, policy, candidate, current, staging }: PromotionInput): void {
  const { digest } = candidate.artifact;
  if (current?.artifact.digest === digest)
    throw refuse(`${model} ${shortDigest(digest)} is in ${stage} already`, `\`plumb history ${model} --stage ${stage}\` says since when`);
  if (policy.models[model]?.[stage]?.from !== 'staging' || staging?.artifact.digest === digest) return;
  const there = staging === null ? 'nothing' : shortDigest(staging.artifact.digest);
  throw refuse(
    `${projectFiles.policy} wants ${model} to be in staging before it goes to ${stage}; in staging is ${there}, the candidate is ${shortDigest(digest)}`,
    `run \`plumb promote ${model} --to staging\` first`,
    { staging: staging?.artifact.digest ?? null, candidate: digest },
  );
}

/** What was taken out for good comes again by no option. */
function checkRevoked({ model, candidate, revoked = new Set() }: PromotionInput): void {
  const found = revokedIn(candidate, revoked);
  if (found === null) return;
  throw refuse(
    `${model}: ${shortDigest(found)} was taken out for good, and never comes again`,
    `\`git log -- ${projectFiles.models}/*/revoked/${found.slice(7)}.json\` says by whom and why: make another model`,
    { revoked: found },
  );
}

function checkUnit({ model, policy, with: others = [] }: PromotionInput): void {
  const here = new Set([model, ...others]);
  for (const { name, models } of unitsOf(policy, model)) {
    const missing = models.filter((one) => !here.has(one));
    if (missing.length === 0) continue;
    throw refuse(
      `${model} belongs to the unit "${name}", which moves as one; ${missing.join(', ')} would stay`,
      `promote them together: \`plumb promote ${models.join(' ')}\``,
    );
  }
}

function checkSoak({ model, stage, policy, candidate, stagedSince = null, at }: PromotionInput): void {
  const soak = policy.models[model]?.[stage]?.soak;
  const left = soak === undefined ? 0 : soakLeftMs(soak, stagedSince, at);
  if (soak === undefined || left === 0) return;
  const name = `${model} ${shortDigest(candidate.artifact.digest)}`;
  const since = stagedSince === null ? 'it is not there' : `it came at ${stagedSince.toISOString()}`;
  throw refuse(
    `${projectFiles.policy} wants ${name} to be in staging for ${soak} before it goes to ${stage}; ${since}`,
    stagedSince === null ? `run \`plumb promote ${model} --to staging\` first` : `wait ${durationText(left)}`,
    { soak, stagedSince: stagedSince?.toISOString() ?? null, leftMs: left },
  );
}

/** No option helps: rows that nobody looked at do not train. */
function checkData({ model, stage, policy, candidate }: PromotionInput): void {
  const faults =
    policy.data === undefined ? [] : findDataFaults(policy.data, { run: candidate.run, evaluation: candidate.evaluation, runs: candidate.records });
  if (faults.length === 0) return;
  throw refuse(
    `${projectFiles.policy} wants all that ${model} was trained on to be looked at before it goes to ${stage}: ${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${faults.length - 3} more` : ''}`,
    'let the stages that train and evaluate have the stages of these checks under `needs:` in pipeline.yaml, then `plumb run`; where they ran before, `plumb run --force` of the evaluation is enough',
    { faults },
  );
}

/** null: nobody signed any of these runs */
function planSignatures(
  place: PointerPlace,
  notes: PromotionInput['signatures'],
  runs: readonly Digest[],
): (PlannedFile & { digest: Digest }) | null {
  const known = runs.flatMap((run) => {
    const note = notes?.get(run);
    return note === undefined ? [] : [[run, note] as const];
  });
  return known.length === 0 ? null : planEvidence(place, signaturesOf(new Map(known)));
}

function checkAgain(
  { model, stage, candidate, history, baseHistory = [] }: PromotionInput,
  again: { reason: string } | null,
): { reason: string } | null {
  const { digest } = candidate.artifact;
  const by = stateOf(history).reverted.get(digest) ?? stateOf(baseHistory).reverted.get(digest);
  if (by === undefined) return null;
  if (again !== null) return again;
  throw refuse(
    `${model} ${shortDigest(digest)} was in ${stage} before: ${describeTakenBack(digest, by)}`,
    'if it shall come back all the same, add --again --reason "..."',
    { artifact: digest, takenBackBy: by.commit },
  );
}

function checkGate({ model, stage, gate }: PromotionInput, force: { reason: string } | null): { reason: string } | null {
  if (gate.holds) return null;
  if (force !== null) return force;
  const broken = brokenChecks(gate);
  throw new PlumbError('GATE_FAILED', {
    what: `the gate "${gate.gate}" does not hold for ${model} in ${stage}: ${broken.map((check) => oneLine(check.why, 300)).join('; ')}`,
    mend: '`plumb report` shows which cases broke; to take it on yourself, add --force --reason "...", which is recorded and shown for ever',
    details: { gate },
  });
}

function brokenChecks(gate: GateResult): GateResult['checks'] {
  return gate.checks.filter((check) => check.applies && !check.holds);
}

function barePointer({ model, stage, candidate, report, policyText }: PromotionInput): Omit<Pointer, 'promotion'> {
  return {
    plumbline: 'pointer/1',
    model,
    stage,
    artifact: { ...candidate.artifact },
    run: candidate.run,
    evaluation: candidate.evaluation,
    data: { ...candidate.data },
    code: candidate.code,
    report: report.digest,
    policy: digestOf(policyText),
    ...(Object.keys(candidate.parts ?? {}).length === 0 ? {} : { parts: { ...candidate.parts } }),
    metrics: { ...candidate.metrics },
  };
}

/** What a gate reads of a comparison. The example cases are in the report, within its bounds; here they could be megabytes. */
function figuresOf(comparison: Comparison): Comparison {
  return { ...comparison, broken: [], fixed: [] };
}

async function checkPlan(pointer: Pointer, files: readonly PlannedFile[]): Promise<void> {
  const findings = checkChain(pointer, await loadEvidence(plannedTree(files), pointer), null);
  const [first] = findings;
  if (first === undefined) return;
  throw new PlumbError('EVIDENCE_INVALID', {
    what: `this promotion would not verify: ${findings.map((finding) => finding.what).join('; ')}`,
    where: { file: first.file },
    mend: 'run `plumb run` and `plumb report` again, then promote',
    details: { findings },
  });
}

/**
 * The commit message: what moved, on which numbers, and git trailers for machines. Whatever people and files wrote is one line behind a word of
 * ours, so that nothing in it begins a line: a reason cannot forge a trailer.
 */
function describePromotion(input: PromotionInput, { forced, again }: Pick<Promotion, 'forced' | 'again'>): string {
  const { model, stage, candidate, gate, current } = input;
  const metrics = Object.entries(candidate.metrics).toSorted(([a], [b]) => byCodeUnit(a, b));
  const body = [
    ...(metrics.length === 0 ? [] : [`Metrics: ${metrics.map(([name, value]) => `${oneLine(name, 80)} ${Number(value.toFixed(6))}`).join(', ')}`]),
    `Gate ${gate.gate}: ${gate.holds ? 'holds' : 'DOES NOT HOLD'}`,
    ...gate.checks.map((check) => `- ${check.applies ? (check.holds ? 'yes' : 'NO') : 'nothing to compare with'}: ${oneLine(check.why, 200)}`),
    ...(forced === null ? [] : [`Forced, because: ${oneLine(forced.reason)}`]),
    ...(again === null ? [] : [`Again, because: ${oneLine(again.reason)}`]),
  ];
  const trailers = [
    `Plumb-Model: ${model}`,
    `Plumb-Stage: ${stage}`,
    `Plumb-Artifact: ${candidate.artifact.digest}`,
    `Plumb-Previous: ${current?.artifact.digest ?? 'none'}`,
    ...(forced === null ? [] : ['Plumb-Forced: yes']),
    ...(again === null ? [] : ['Plumb-Again: yes']),
  ];
  return `promote ${model} to ${stage}: ${shortDigest(candidate.artifact.digest)}\n\n${body.join('\n')}\n\n${trailers.join('\n')}\n`;
}
