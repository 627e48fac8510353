// A made-up but plausible report for the tests: 77 intents of a bank, two models, one data set that changed. Deterministic.
import { digestOf } from '../base/digest.ts';
import { evaluateCases } from '../evaluate/classification.ts';
import { compareCases } from '../evaluate/compare.ts';
import { decideGate } from '../evaluate/gate.ts';
import type { CaseResult, Comparison, Evaluation, GateCheck, GateResult } from '../evaluate/schema.ts';
import type { DriftColumn } from '../quality/drift/schema.ts';
import type { ReportParts, SampleRow } from './parts.ts';

/** The labels of Banking77 (Casanueva et al. 2020, CC BY 4.0). */
export const labels: readonly string[] = `card_arrival card_linking exchange_rate card_payment_wrong_exchange_rate extra_charge_on_statement
pending_cash_withdrawal fiat_currency_support card_delivery_estimate automatic_top_up card_not_working exchange_via_app lost_or_stolen_card age_limit
pin_blocked contactless_not_working top_up_by_bank_transfer_charge pending_top_up cancel_transfer top_up_limits wrong_amount_of_cash_received
card_payment_fee_charged transfer_not_received_by_recipient supported_cards_and_currencies getting_virtual_card card_acceptance top_up_reverted
balance_not_updated_after_cheque_or_cash_deposit card_payment_not_recognised edit_personal_details why_verify_identity unable_to_verify_identity
get_physical_card visa_or_mastercard topping_up_by_card disposable_card_limits compromised_card atm_support direct_debit_payment_not_recognised
passcode_forgotten declined_cash_withdrawal pending_card_payment lost_or_stolen_phone request_refund declined_transfer Refund_not_showing_up
declined_card_payment pending_transfer terminate_account card_swallowed transaction_charged_twice verify_source_of_funds transfer_timing
reverted_card_payment? change_pin beneficiary_not_allowed transfer_fee_charged receiving_money failed_transfer transfer_into_account verify_top_up
getting_spare_card top_up_by_cash_or_cheque order_physical_card virtual_card_not_working wrong_exchange_rate_for_cash_withdrawal
get_disposable_virtual_card top_up_failed balance_not_updated_after_bank_transfer cash_withdrawal_not_recognised exchange_charge
top_up_by_card_charge activate_my_card cash_withdrawal_charge card_about_to_expire apple_pay_or_google_pay verify_my_identity country_support`
  .split(/\s+/)
  .toSorted();

const patterns = [
  (topic: string) => `I have a question about ${topic}. What should I do?`,
  (topic: string) => `Why is there a problem with ${topic} since yesterday?`,
  (topic: string) => `Can you help me with ${topic}, please?`,
  (topic: string) => `My friend told me that ${topic} takes a few days. Is that so?`,
  (topic: string) => `I looked everywhere in the app & found nothing on ${topic}!`,
];

/** Numbers from 0 to 1, the same every time. Source: mulberry32 */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function sentenceFor(label: string, index: number): string {
  return (patterns[index % patterns.length] ?? patterns[0])?.(label.replaceAll('_', ' ').replace('?', '').toLowerCase()) ?? '';
}

export interface PairedCases {
  readonly before: readonly CaseResult[];
  readonly after: readonly CaseResult[];
}

/**
 * Two models on the same cases.
 * @param broken labels that the second model confuses with their neighbour
 */
export function pairedCases(options: {
  cases: number;
  seed: number;
  broken?: readonly string[];
  inputOf?: (label: string, index: number) => string;
}): PairedCases {
  const next = random(options.seed);
  const inputOf = options.inputOf ?? sentenceFor;
  const answer = (expected: string, index: number, chance: number): { got: string; score: number } => {
    const neighbour = labels[(labels.indexOf(expected) + 1 + (index % 3)) % labels.length] ?? expected;
    const right = next() < chance;
    return { got: right ? expected : neighbour, score: Math.round((right ? 0.55 + 0.45 * next() : 0.25 + 0.5 * next()) * 1e6) / 1e6 };
  };
  const before: CaseResult[] = [];
  const after: CaseResult[] = [];
  for (let index = 0; index < options.cases; index += 1) {
    const expected = labels[index % labels.length] ?? '';
    const hard = 0.82 + (0.17 * (((index % labels.length) * 37) % labels.length)) / labels.length;
    const common = { id: `t${String(index).padStart(6, '0')}`, input: inputOf(expected, index), expected };
    const old = { ...common, ...answer(expected, index, hard) };
    const redo = next() < 0.12;
    const chance = options.broken?.includes(expected) === true ? 0.35 : hard + 0.05;
    before.push(old);
    after.push(redo || options.broken?.includes(expected) === true ? { ...common, ...answer(expected, index, chance) } : old);
  }
  return { before, after };
}

export function evaluationOf(cases: readonly CaseResult[], model: string): Evaluation {
  return evaluateCases(cases, { model: digestOf(model), suite: 'evals/intents.yaml', suiteDigest: digestOf('suite'), data: digestOf('cases') });
}

export function comparisonOf({ before, after }: PairedCases): Comparison {
  return compareCases(before, after, { examples: 200 });
}

function samples(): SampleRow[] {
  const relabelled = Array.from({ length: 8 }, (_, index): SampleRow => {
    const text = sentenceFor('card_arrival', index);
    return {
      kind: 'relabelled',
      key: `r${1000 + index}`,
      before: { id: `r${1000 + index}`, text, label: 'card_arrival' },
      after: { id: `r${1000 + index}`, text, label: 'card_delivery_estimate' },
    };
  });
  const edited = Array.from({ length: 5 }, (_, index): SampleRow => {
    const row = { id: `r${2000 + index}`, label: 'pin_blocked' };
    return {
      kind: 'edited',
      key: row.id,
      before: { ...row, text: `My pin is bloked after ${index + 2} tries` },
      after: { ...row, text: `My pin is blocked after ${index + 2} tries` },
    };
  });
  const added = Array.from({ length: 30 }, (_, index): SampleRow => ({
    kind: 'added',
    key: `r${9000 + index}`,
    before: null,
    after: { id: `r${9000 + index}`, text: sentenceFor(labels[index] ?? '', index), label: labels[index] ?? '' },
  }));
  return [...relabelled, ...edited, ...added];
}

const digest = (text: string): `sha256:${string}` => digestOf(text);

/** All that a report is made of; `verdict` of the story: 'good' a better model, 'bad' two intents swapped. */
export function exampleParts(story: 'good' | 'bad', cases = 3080): ReportParts {
  const name = `${story} ${cases}`;
  const parts = made.get(name) ?? makeParts(story, cases);
  made.set(name, parts);
  return parts;
}

/** Comparing takes a thousand resamples: once is enough. */
const made = new Map<string, ReportParts>();

function makeParts(story: 'good' | 'bad', cases: number): ReportParts {
  const broken = story === 'bad' ? ['card_arrival', 'card_delivery_estimate'] : [];
  const paired = pairedCases({ cases, seed: 7, broken });
  const comparison = comparisonOf(paired);
  const evaluation = evaluationOf(paired.after, 'after');
  return {
    model: 'intents',
    title: { revision: 'c0ffee1', branch: 'data/card-intents', base: 'main' },
    gate: gateOf(evaluation, comparison),
    candidate: { artifact: digest('after'), run: digest('run after'), commit: 'c0ffee1'.repeat(5).slice(0, 40) },
    baseline: { what: 'production', artifact: digest('before'), run: digest('run before'), commit: 'badcafe'.repeat(5).slice(0, 40) },
    data: [
      {
        name: 'intents',
        before: digest('d1'),
        after: digest('d2'),
        rowsBefore: 9800,
        rowsAfter: 10003,
        added: 215,
        removed: 12,
        edited: 58,
        relabelled: 34,
        balance: labels.slice(0, 24).map((label, index) => ({ label, before: 120 + index, after: 120 + index + ((index * 7) % 23) - 6 })),
        schema: [{ column: 'channel', before: null, after: 'string?' }],
        samples: samples(),
      },
      {
        name: 'intents-test',
        before: digest('t'),
        after: digest('t'),
        rowsBefore: 3080,
        rowsAfter: 3080,
        added: 0,
        removed: 0,
        edited: 0,
        relabelled: 0,
        balance: [],
        schema: [],
        samples: [],
      },
    ],
    params: [
      { key: 'train.epochs', before: 15, after: 20 },
      { key: 'train.learning_rate', before: 0.5, after: 0.5 },
      { key: 'train.model', before: 'softmax', after: 'softmax' },
      { key: 'train.min_df', before: undefined, after: 2 },
      { key: 'split.seed', before: 0, after: 0 },
    ],
    stages: [
      { stage: 'check', state: 'ran', why: ['data set intents changed'], seconds: 0.42 },
      { stage: 'split', state: 'ran', why: ['data set intents changed'], seconds: 0.31 },
      { stage: 'train', state: 'ran', why: ['split.train changed', 'param train.epochs: 15 -> 20'], seconds: 12.84 },
      { stage: 'evaluate', state: 'ran', why: ['train.model changed'], seconds: 1.27 },
      { stage: 'export', state: 'cached', why: [], seconds: 0 },
    ],
    evaluation,
    baselineEvaluation: evaluationOf(paired.before, 'before'),
    comparison,
    curves: [
      {
        stage: 'train',
        name: 'epoch',
        points: Array.from({ length: 20 }, (_, index) => ({
          x: index + 1,
          y: { loss: 2.6 * Math.exp(-index / 5) + 0.12, accuracy: 0.95 - 0.5 * Math.exp(-index / 3.5) },
        })),
      },
    ],
    cost: { seconds: 14.84, measured: { latency_p50_ms: 0.21, latency_p99_ms: 1.4, rows_per_second: 6120 } },
    warnings: story === 'bad' ? ['The work tree had changes that are not committed: this report cannot be promoted.'] : [],
  };
}

const labelDrift: DriftColumn = {
  column: 'label',
  kind: 'category',
  label: true,
  state: 'drifted',
  missing: { before: 0, after: 0 },
  distinct: { before: 77, after: 78 },
  measures: { jensen_shannon: 0.131, psi: 0.07 },
  aspects: [
    {
      aspect: 'values',
      effect: { measure: 'jensen_shannon', value: 0.131, threshold: 0.1 },
      test: { name: 'chi-square', statistic: 190.2, p: 1e-12, adjusted: 4e-12 },
      drifted: true,
    },
  ],
  come: [{ value: 'crypto_top_up', rows: 120 }],
  gone: [],
  plot: { kind: 'bars', labels: ['card_arrival', 'crypto_top_up'], before: [180, 0], after: [176, 120], others: { before: 9620, after: 9707 } },
};

const lengthDrift: DriftColumn = {
  column: 'text',
  kind: 'text',
  label: false,
  state: 'drifted',
  missing: { before: 0, after: 300 },
  distinct: { before: 9796, after: 9690 },
  measures: {},
  aspects: [
    {
      aspect: 'length',
      effect: { measure: 'wasserstein_normed', value: 0.18, threshold: 0.1 },
      test: { name: 'kolmogorov-smirnov', statistic: 0.07, p: 1e-9, adjusted: 2e-9 },
      drifted: true,
    },
    {
      aspect: 'missing',
      effect: { measure: 'difference of shares', value: 0.03, threshold: 0.02 },
      test: { name: 'two proportions', statistic: 17.3, p: 1e-60, adjusted: 4e-60 },
      drifted: true,
    },
  ],
  come: [{ value: 'crypto', rows: 118 }],
  gone: [],
  plot: { kind: 'histogram', of: 'length', edges: [20, 40, 60, 80], before: [900, 5000, 2800, 800, 300], after: [700, 4100, 3200, 1500, 503] },
};

/** The same as a pull request's report: what the branch changed, what the rules say, and the model of the merge base. */
export function branchParts(story: 'good' | 'bad', cases = 3080): ReportParts {
  const parts = exampleParts(story, cases);
  const { comparison } = comparisonPart(cases);
  return {
    ...parts,
    change: { since: '0123456789ab', relevant: true, why: ['data sets changed', 'hyperparameters changed'] },
    stages: parts.stages.map((stage) =>
      stage.state === 'cached' ? { ...stage, seconds: 31.5, origin: 'the main branch, run 120' } : { ...stage, why: stage.why },
    ),
    validation: [
      {
        dataset: 'intents',
        rules: 'rules/intents.yaml',
        state: story === 'bad' ? 'broken' : 'holds',
        rows: 10_003,
        errors: story === 'bad' ? 1 : 0,
        warnings: 1,
        checks: [
          ...(story === 'bad'
            ? [
                {
                  rule: 3,
                  what: 'label is one of the 77 intents',
                  severity: 'error' as const,
                  failing: 12,
                  rows: [
                    { key: 'r9001', value: '"card arival"' },
                    { key: 'r9002', value: '"please write to jane@example.com"' },
                  ],
                },
              ]
            : []),
          { rule: 2, what: 'text stands in one row only', severity: 'warning', failing: 2, rows: [{ key: 'r77', value: '"Where is my card?"' }] },
        ],
      },
      { dataset: 'intents-test', rules: 'rules/intents.yaml', state: 'holds', rows: 3080, errors: 0, warnings: 0, checks: [] },
    ],
    findings: [
      {
        check: 'duplicates',
        dataset: 'intents',
        state: story === 'bad' ? 'broken' : 'holds',
        rows: 10_003,
        flagged: 2,
        kinds: [
          {
            kind: 'near-duplicate',
            severity: story === 'bad' ? 'error' : 'warning',
            column: 'text',
            rows: 2,
            sample: [{ key: 'r9003', message: '0.91 alike, as row 17', other: { data: 'intents', key: 'r17' } }],
          },
        ],
        notes: [],
      },
      {
        check: 'pii',
        dataset: 'intents',
        state: 'holds',
        rows: 10_003,
        flagged: 1,
        kinds: [{ kind: 'EMAIL_ADDRESS', severity: 'warning', column: 'text', rows: 1, sample: [{ key: 'r9002', message: 'e-mail address' }] }],
        notes: ['names and places were not looked for: there is no model'],
      },
      { check: 'leakage', dataset: 'intents', state: 'holds', rows: 10_003, flagged: 0, kinds: [], notes: [] },
    ],
    drift: [
      {
        dataset: 'intents',
        against: ['intents at 0123456789ab'],
        state: 'drifted',
        severity: 'warning',
        rows: { before: 9800, after: 10_003 },
        compared: 3,
        columns: [labelDrift, lengthDrift],
      },
      {
        dataset: 'intents-test',
        against: ['intents'],
        state: 'same',
        severity: 'warning',
        rows: { before: 9800, after: 3080 },
        compared: 2,
        columns: [],
      },
    ],
    mergeBase: {
      commit: '0123456789ab',
      model: { artifact: digest('merge base'), run: digest('run of the merge base'), commit: '0123456789ab'.repeat(4).slice(0, 40) },
      metrics: { accuracy: 0.8857, macroF1: 0.8804, ece: 0.2021 },
      comparison,
    },
    cost: { ...parts.cost, savedSeconds: 31.5, gpuMinutes: 0.2 },
    links: [
      { name: 'page', url: 'https://example.test/o/r/actions/runs/42#artifacts' },
      { name: 'run', url: 'https://example.test/o/r/actions/runs/42' },
    ],
  };
}

function comparisonPart(cases: number): { comparison: NonNullable<NonNullable<ReportParts['mergeBase']>['comparison']> } {
  const whole = exampleParts('good', cases).comparison;
  if (whole === null) throw new Error('the example is compared');
  const { plumbline: _, classes: _classes, broken: _broken, fixed: _fixed, ...comparison } = whole;
  return { comparison };
}

function gateOf(evaluation: Evaluation, comparison: Comparison): GateResult {
  const checks: GateCheck[] = [
    { metric: 'accuracy', at_least: 0.88, bound: 'wilson' },
    { against: 'production', metric: 'accuracy', not_worse_by: 0.005 },
    { against: 'production', slices: ['label'], not_worse_by: 0.05, correction: 'holm' },
    { against: 'staging', metric: 'accuracy', not_worse_by: 0.01 },
  ];
  return decideGate({ gate: 'default', checks, evaluation, comparisons: { production: comparison } });
}
