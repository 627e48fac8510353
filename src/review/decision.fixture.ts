// Decisions for tests.
import { digestOf, type Digest } from '../base/digest.ts';
import type { Annotator, Decision, ReviewHeader } from './schema.ts';
import type { Decided } from './settled.ts';

export const ada: Annotator = { name: 'Ada', email: 'ada@example.org' };
export const bob: Annotator = { name: 'Bob', email: 'bob@example.org' };
export const eve: Annotator = { name: 'Eve', email: 'eve@example.org' };

export function row(number: number): Digest {
  return digestOf(`row ${number}`);
}

export function decision(number: number, parts: Partial<Decision> = {}): Decision {
  return { row: row(number), action: 'accept', why: ['sample of 3, seed 1'], at: '2026-11-21T07:00:00.000Z', ...parts };
}

export function relabelled(number: number, label: string, parts: Partial<Decision> = {}): Decision {
  return decision(number, { action: 'label', edit: { label }, label, becomes: digestOf(`row ${number} as ${label}`), ...parts });
}

export function by(annotator: Annotator, one: Decision, role: Decided['role'] = 'first'): Decided {
  return { ...one, annotator, role };
}

export function header(annotator: Annotator, parts: Partial<ReviewHeader> = {}): ReviewHeader {
  return { plumbline: 'review/1', data: 'intents', annotator, role: 'first', ...parts };
}
