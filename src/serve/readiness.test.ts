import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { SlotState } from './host.ts';
import { decideReadiness } from './readiness.ts';

const digest = digestOf('model');
const follow = { ref: 'main', commit: 'c0ffee', trouble: null };
const broken = new PlumbError('BYTES_MISSING', { what: '/home/someone/cache/x is missing', mend: 'push' });
const slot = (name: string, state: Partial<SlotState> = {}): SlotState => ({
  name,
  wanted: digest,
  answering: { name, stage: 'production', digest, commit: 'c0ffee' },
  labels: ['x'],
  since: new Date(0),
  previous: null,
  trouble: null,
  withdrawn: false,
  ...state,
});
const decide = (slots: SlotState[], more: Partial<Parameters<typeof decideReadiness>[0]> = {}) =>
  decideReadiness({ follow, slots, wasReady: false, stopping: false, ...more });

test('all models answer: ready, and nothing to say', () => {
  expect(decide([slot('a'), slot('b')])).toEqual({ ready: true, degraded: false, reasons: [] });
});

test('no pointer yet: not ready, and why', () => {
  expect(decide([])).toMatchObject({ ready: false, degraded: true, reasons: [{ code: 'POINTER_MISSING' }] });
});

test('a model that has never answered holds a starting server back, and not one that was ready', () => {
  const slots = [slot('a'), slot('b', { answering: null, trouble: broken })];
  expect(decide(slots).ready).toBe(false);
  expect(decide(slots, { wasReady: true })).toMatchObject({ ready: true, degraded: true, reasons: [{ model: 'b', code: 'BYTES_MISSING' }] });
});

test('an old model that goes on answering is ready and degraded, without a path of this machine', () => {
  const told = decide([slot('a', { trouble: broken })]);
  expect(told).toMatchObject({ ready: true, degraded: true });
  expect(JSON.stringify(told)).not.toContain('/home');
});

test('a server that was ready and has nothing left to answer with is not ready', () => {
  expect(decide([], { wasReady: true }).ready).toBe(false);
});

test('a ref that cannot be read is said, and the models go on', () => {
  expect(decide([slot('a')], { follow: { ...follow, trouble: new Error('boom') } })).toMatchObject({
    ready: true,
    reasons: [{ code: 'GIT_FAILED' }],
  });
});

test('a server that stops is not ready', () => {
  expect(decide([slot('a')], { stopping: true, wasReady: true }).ready).toBe(false);
});
