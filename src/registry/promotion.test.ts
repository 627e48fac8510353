import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { evidenceOf, planEvidence } from './evidence.ts';
import { artifactOf, bad, better, good, policyText, promotionInput, type ExampleModel } from './example.fixture.ts';
import type { PointerChange } from './history.ts';
import { planPromotion, type PromotionInput } from './promotion.ts';
import { promotionSchema, signaturesSchema, type Pointer, type Promotion } from './schema.ts';

const reason = 'the old one swaps two intents; see incident 12';

async function pointerOf(candidate: ExampleModel, stage: 'staging' | 'production' = 'staging'): Promise<Pointer> {
  return (await planPromotion(promotionInput({ candidate, stage, staging: null, policyText: policyText.replace('      from: staging\n', '') })))
    .pointer;
}

/** The better model to production, where the good one is. */
async function usual(over: Partial<PromotionInput> = {}): Promise<PromotionInput> {
  const current = await pointerOf(good, 'production');
  return { ...promotionInput({ candidate: better, production: good, current, staging: await pointerOf(better) }), ...over };
}

async function forcedInput(over: Partial<PromotionInput> = {}): Promise<PromotionInput> {
  const current = await pointerOf(good, 'production');
  return { ...promotionInput({ candidate: bad, production: good, current, staging: await pointerOf(bad), force: { reason } }), ...over };
}

function takenBack(artifact: Digest): PointerChange[] {
  const common = { parents: [], author: { name: 'Bob', email: 'bob@example.org' }, pointer: null, promotion: null, reason: null };
  const there = {
    ...common,
    commit: '1'.repeat(40),
    date: new Date('2026-11-01T00:00:00Z'),
    kind: 'promotion' as const,
    before: null,
    after: artifact,
    text: 'x',
  };
  return [
    { ...common, commit: '2'.repeat(40), date: new Date('2026-11-02T00:00:00Z'), kind: 'removed', before: artifact, after: null, text: null },
    there,
  ];
}

function recordIn(plan: { files: readonly { path: string; bytes: string }[]; pointer: Pointer }): Promotion {
  const file = plan.files.find((one) => one.path.includes(plan.pointer.promotion.slice(7)));
  return promotionSchema.parse(JSON.parse(file?.bytes ?? ''));
}

test('a promotion is the pointer and its evidence, each file named by its bytes', async () => {
  const plan = await planPromotion(await usual());
  const [pointer] = plan.files.filter((file) => evidenceOf(file.path) === null);
  expect(pointer?.path).toBe('models/intents/production.json');
  const evidence = plan.files.filter((file) => file !== pointer);
  // four runs, the report, the record, the comparison and the run that it is with, the policy
  expect(evidence).toHaveLength(9);
  for (const file of evidence)
    expect(evidenceOf(file.path)).toMatchObject({ digest: digestOf(file.bytes), place: { model: 'intents', stage: 'production' } });
  expect(plan.forced).toBe(false);
  expect(recordIn(plan)).toMatchObject({ previous: digestOf(artifactOf(good)), artifact: digestOf(artifactOf(better)), forced: null, again: null });
});

test('the same decision is the same bytes', async () => {
  expect(await planPromotion(await usual())).toEqual(await planPromotion(await usual()));
});

test('a promotion record has these bytes', () => {
  const check = {
    check: 'accuracy at least 90.00 %',
    holds: false,
    applies: true,
    why: 'accuracy is 89.00 % on 100 cases, less than 90.00 %',
    labels: [],
  };
  const record = {
    plumbline: 'promotion/1',
    model: 'intents',
    stage: 'staging',
    artifact: `sha256:${'a'.repeat(64)}`,
    pointer: `sha256:${'b'.repeat(64)}`,
    previous: null,
    at: '2026-11-21T07:00:00.000Z',
    by: 'Ada Lovelace <ada@example.org>',
    base: 'c'.repeat(40),
    gate: { gate: 'floor', holds: false, checks: [check] },
    comparisons: {},
    forced: { reason: 'no other way' },
    again: null,
  };
  expect(promotionSchema.parse(record)).toEqual(record);
  const file = planEvidence({ model: 'intents', stage: 'staging' }, record);
  expect(file.bytes).toBe(
    `{"again":null,"artifact":"sha256:${'a'.repeat(64)}","at":"2026-11-21T07:00:00.000Z","base":"${'c'.repeat(40)}","by":"Ada Lovelace <ada@example.org>",` +
      '"comparisons":{},"forced":{"reason":"no other way"},"gate":{"checks":[{"applies":true,"check":"accuracy at least 90.00 %","holds":false,"labels":[],' +
      '"why":"accuracy is 89.00 % on 100 cases, less than 90.00 %"}],"gate":"floor","holds":false},"model":"intents","plumbline":"promotion/1",' +
      `"pointer":"sha256:${'b'.repeat(64)}","previous":null,"stage":"staging"}`,
  );
  expect(file.path).toBe('models/intents/evidence/staging/3d9ce263af4246e370c3f34a38f809a6442cce70eeb3ed1d593bdf1ccecce945.json');
});

test('the commit message says what moved, on which numbers, and ends with trailers', async () => {
  const input = await usual();
  expect((await planPromotion(input)).message).toBe(
    [
      'promote intents to production: b1c7f99e5f7d',
      '',
      'Metrics: accuracy 0.916667, cases 120',
      'Gate default: holds',
      ...input.gate.checks.map((check) => `- yes: ${check.why}`),
      '',
      'Plumb-Model: intents',
      'Plumb-Stage: production',
      `Plumb-Artifact: ${digestOf(artifactOf(better))}`,
      `Plumb-Previous: ${digestOf(artifactOf(good))}`,
      '',
    ].join('\n'),
  );
});

test('what is there already is refused', async () => {
  const input = await usual({ current: await pointerOf(better, 'production') });
  await expect(planPromotion(input)).rejects.toMatchObject({
    code: 'PROMOTION_REFUSED',
    message: expect.stringContaining('is in production already'),
  });
});

test('a model that was not in staging is refused where the policy wants it', async () => {
  for (const staging of [null, await pointerOf(good)]) {
    await expect(planPromotion(await usual({ staging }))).rejects.toMatchObject({
      code: 'PROMOTION_REFUSED',
      message: expect.stringContaining('in staging'),
    });
  }
});

test('a model or stage without a rule is refused', async () => {
  const input = await usual();
  for (const models of [{}, { intents: { staging: { gate: 'floor' } } }, { constructor: {} }]) {
    const policy = { ...input.policy, models: models as typeof input.policy.models };
    await expect(planPromotion({ ...input, policy })).rejects.toMatchObject({
      code: 'PROMOTION_REFUSED',
      message: expect.stringContaining('no rule'),
    });
  }
});

test('a gate that does not hold refuses, and says which checks broke', async () => {
  await expect(planPromotion(await forcedInput({ force: undefined }))).rejects.toMatchObject({
    code: 'GATE_FAILED',
    message: expect.stringMatching(/accuracy is 55.00 %.*less than 60.00 %.*; worse:/),
    exitCode: 1,
  });
});

test('a forced promotion is recorded as forced, with its reason', async () => {
  const plan = await planPromotion(await forcedInput());
  expect(plan.forced).toBe(true);
  expect(recordIn(plan).forced).toEqual({ reason });
  expect(plan.message).toContain(`Forced, because: ${reason}`);
  expect(plan.message).toMatch(/^Plumb-Forced: yes$/m);
});

test('force where the gate holds is not recorded as force', async () => {
  const plan = await planPromotion(await usual({ force: { reason } }));
  expect(plan.forced).toBe(false);
  expect(recordIn(plan).forced).toBeNull();
});

test.each(['', '  \n\t ', '\u200f\u2028'])('a reason that says nothing is refused: %j', async (empty) => {
  await expect(planPromotion(await forcedInput({ force: { reason: empty } }))).rejects.toMatchObject({
    code: 'PROMOTION_REFUSED',
    message: expect.stringContaining('without a reason'),
  });
  await expect(planPromotion(await usual({ again: { reason: empty } }))).rejects.toMatchObject({ code: 'PROMOTION_REFUSED' });
});

test('what was taken back does not come again without a reason', async () => {
  const history = takenBack(digestOf(artifactOf(better)));
  await expect(planPromotion(await usual({ history }))).rejects.toMatchObject({
    code: 'PROMOTION_REFUSED',
    message: expect.stringContaining('commit 2222222222 took'),
    mend: expect.stringContaining('--again'),
  });
  // a branch that began before it was taken back does not know; the base does
  await expect(planPromotion(await usual({ history: [], baseHistory: history }))).rejects.toMatchObject({ code: 'PROMOTION_REFUSED' });
  const plan = await planPromotion(await usual({ history, again: { reason } }));
  expect(recordIn(plan).again).toEqual({ reason });
  expect(plan.message).toMatch(/^Plumb-Again: yes$/m);
});

test('again does not stand in for force, nor force for again', async () => {
  const history = takenBack(digestOf(artifactOf(bad)));
  await expect(planPromotion(await forcedInput({ history }))).rejects.toMatchObject({ code: 'PROMOTION_REFUSED' });
  await expect(planPromotion(await forcedInput({ history, force: undefined, again: { reason } }))).rejects.toMatchObject({ code: 'GATE_FAILED' });
  expect(recordIn(await planPromotion(await forcedInput({ history, again: { reason } })))).toMatchObject({ forced: { reason }, again: { reason } });
});

test('T17: what was taken out for good is not planned, nor what one of its parts is, by no option', async () => {
  const input = await usual({ again: { reason }, force: { reason } });
  const part = { digest: digestOf('test rows'), bytes: 9 };
  for (const revoked of [input.candidate.artifact.digest, part.digest]) {
    const candidate = { ...input.candidate, parts: { words: part } };
    await expect(planPromotion({ ...input, candidate, revoked: new Set([revoked]) })).rejects.toMatchObject({
      code: 'PROMOTION_REFUSED',
      message: expect.stringContaining('was taken out for good'),
      details: { revoked },
    });
  }
});

test('a soak time that is not over is refused with what is left of it', async () => {
  const text = policyText.replace('      from: staging\n', '      from: staging\n      soak: 24 hours\n');
  const current = await pointerOf(good, 'production');
  const input = promotionInput({ candidate: better, production: good, current, staging: await pointerOf(better), policyText: text });
  const since = (hours: number): Date => new Date(input.at.getTime() - hours * 3_600_000);
  await expect(planPromotion({ ...input, stagedSince: since(20) })).rejects.toMatchObject({
    code: 'PROMOTION_REFUSED',
    message: expect.stringContaining('to be in staging for 24 hours before it goes to production'),
    mend: 'wait 4 hours',
  });
  await expect(planPromotion(input)).rejects.toMatchObject({ mend: expect.stringContaining('--to staging') });
  expect((await planPromotion({ ...input, stagedSince: since(24) })).pointer.stage).toBe('production');
});

test('who signed which run goes into the evidence, of the runs of this promotion alone', async () => {
  const input = await usual();
  const runs = [...input.candidate.records.keys()];
  const plan = await planPromotion({
    ...input,
    signatures: new Map([...runs.map((run) => [run, '{"by":"ci"}'] as const), [digestOf('another'), '{}']]),
  });
  const { signatures } = recordIn(plan);
  const file = plan.files.find((one) => one.path.includes(signatures?.slice(7) ?? '-'));
  expect(signaturesSchema.parse(JSON.parse(file?.bytes ?? ''))).toEqual({
    plumbline: 'signatures/1',
    notes: ['{"by":"ci"}'],
    runs: Object.fromEntries(runs.map((run) => [run, 0])),
  });
  expect(recordIn(await planPromotion(input))).not.toHaveProperty('signatures');
});

test('a promotion that would not verify is not planned', async () => {
  const input = await usual();
  const [first] = input.candidate.records.keys();
  const records = new Map([...input.candidate.records].filter(([digest]) => digest !== first));
  const wrong: Partial<PromotionInput>[] = [
    { candidate: { ...input.candidate, records } },
    { candidate: { ...input.candidate, data: {} } },
    { candidate: { ...input.candidate, data: { ...input.candidate.data, more: digestOf('more') } } },
    { candidate: { ...input.candidate, artifact: { ...input.candidate.artifact, bytes: 1 } } },
    { candidate: { ...input.candidate, run: input.candidate.evaluation } },
    { candidate: { ...input.candidate, metrics: { accuracy: 1 } } },
    { gate: { ...input.gate, checks: input.gate.checks.slice(1) } },
    { comparisons: {} },
    { policyText: input.policyText.replace('at_least: 0.6', 'at_least: 0.99') },
    { report: promotionInput({ candidate: good }).report },
    { current: null },
  ];
  for (const over of wrong) {
    await expect(planPromotion({ ...input, ...over }), JSON.stringify(Object.keys(over))).rejects.toMatchObject({ code: 'EVIDENCE_INVALID' });
  }
});

test('the examples of a comparison stay out of the evidence: a prompt may be long', async () => {
  const input = await usual();
  const { pointer, files } = await planPromotion(input);
  const { comparisons } = recordIn({ pointer, files });
  const file = files.find((one) => one.path.includes(comparisons.production?.slice(7) ?? '-'));
  expect(JSON.parse(file?.bytes ?? '')).toMatchObject({ gained: 10, broken: [], fixed: [] });
  expect(input.comparisons?.production?.fixed).toHaveLength(3);
});

test('half a character in a label is one clear error', async () => {
  const input = await forcedInput();
  const gate = { ...input.gate, checks: input.gate.checks.map((check) => ({ ...check, labels: ['\ud800'] })) };
  await expect(planPromotion({ ...input, gate })).rejects.toMatchObject({
    code: 'EVIDENCE_INVALID',
    mend: expect.stringContaining('half a character'),
  });
});

test('no reason and no metric forges a trailer: git reads ours and no others', async () => {
  const forced = await forcedInput();
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n\nPlumb-Forced: no', '\rPlumb-Artifact: x', '\u2028Plumb-Stage: x\n', '\n---\n', '\n# x', '\0', '\u001b[2J', '\ud800'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (parts) => {
      const text = `because ${parts.join('')}`;
      const candidate = { ...forced.candidate, metrics: { ...forced.candidate.metrics, [text.toWellFormed()]: 1 } };
      const { message } = await planPromotion({ ...forced, candidate, force: { reason: text } });
      const trailers = execFileSync('git', ['interpret-trailers', '--parse'], { input: message, encoding: 'utf8' });
      expect(trailers.trim().split('\n')).toEqual([
        'Plumb-Model: intents',
        'Plumb-Stage: production',
        `Plumb-Artifact: ${digestOf(artifactOf(bad))}`,
        `Plumb-Previous: ${digestOf(artifactOf(good))}`,
        'Plumb-Forced: yes',
      ]);
      expect(message.split('\n').filter((one) => one.startsWith('Plumb-'))).toHaveLength(5);
    }),
    { numRuns: 60 },
  );
});

test('whatever is asked, the answer is a plan that verifies or one of our errors', async () => {
  const names = fc.oneof(fc.constantFrom('intents', 'other', '__proto__', '../x', ''), fc.string());
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom('staging', 'production'), fc.boolean(), async (model, stage, force) => {
      const input = {
        ...promotionInput({ candidate: bad, stage: 'staging' }),
        model,
        stage,
        ...(force ? { force: { reason } } : {}),
      } as PromotionInput;
      const gate = { ...input.gate, gate: stage === 'staging' || model === 'other' ? 'floor' : 'default' };
      const answer = await planPromotion({ ...input, gate }).catch((error: unknown) => error);
      expect(isPlumbError(answer) || typeof (answer as { forced?: unknown }).forced === 'boolean').toBe(true);
    }),
    { numRuns: 60 },
  );
});
