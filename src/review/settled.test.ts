import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reviewsOf } from './by-row.ts';
import { ada, bob, by, decision, eve, relabelled, row } from './decision.fixture.ts';
import { settle, type Decided } from './settled.ts';

const later = { at: '2026-11-21T08:00:00.000Z' };

describe('what holds of a row', () => {
  test('the last word of a person counts', () => {
    const settled = settle([by(ada, decision(1, { action: 'reject', ...later })), by(ada, decision(1))]);
    expect(settled.get(row(1))?.decision?.action).toBe('reject');
  });

  test('two people who agree settle it, one who differs disputes it', () => {
    const agreed = settle([by(ada, decision(1)), by(bob, decision(1), 'second')]);
    expect(agreed.get(row(1))).toMatchObject({ state: 'settled', adjudicated: false });
    const disputed = settle([by(ada, decision(1)), by(bob, decision(1, { action: 'reject' }), 'second')]);
    expect(disputed.get(row(1))).toMatchObject({ state: 'disputed', decision: null });
    expect(reviewsOf(disputed).get(row(1))).toMatchObject({ status: 'disputed', by: [ada, bob] });
  });

  test('an edit and a label that lead to the same row agree', () => {
    const label = relabelled(1, 'card');
    const settled = settle([by(ada, label), by(bob, { ...label, action: 'edit' }, 'second')]);
    expect(settled.get(row(1))?.state).toBe('settled');
  });

  test('an adjudicator beats both, whatever comes after from them', () => {
    const settled = settle([
      by(ada, decision(1)),
      by(bob, decision(1, { action: 'reject', at: '2026-11-21T09:00:00.000Z' })),
      by(eve, relabelled(1, 'card', later), 'adjudicator'),
    ]);
    const reviews = reviewsOf(settled);
    expect(reviews.get(row(1))).toMatchObject({ status: 'replaced', by: [eve], adjudicated: true });
    const made = reviews.get(row(1))?.becomes ?? row(0);
    expect(reviews.get(made)).toMatchObject({ status: 'accepted', from: row(1), by: [eve] });
  });

  test('what a decision made is accepted only as long as nobody says otherwise of it', () => {
    const label = relabelled(1, 'card');
    const made = label.becomes ?? row(0);
    const reviews = reviewsOf(settle([by(ada, label), by(bob, { ...decision(2), row: made, action: 'reject' })]));
    expect(reviews.get(made)?.status).toBe('rejected');
  });

  test('a person is an address, however it is written', () => {
    const settled = settle([by(ada, decision(1)), by({ name: 'Ada L.', email: 'ADA@example.org' }, decision(1, { action: 'reject', ...later }))]);
    expect(settled.get(row(1))).toMatchObject({ state: 'settled', decision: { action: 'reject' } });
  });

  test('the order in which decisions are read changes nothing', () => {
    const one = fc.record({
      who: fc.constantFrom(ada, bob, eve),
      number: fc.integer({ min: 1, max: 3 }),
      action: fc.constantFrom('accept' as const, 'reject' as const),
      minute: fc.integer({ min: 0, max: 3 }),
      role: fc.constantFrom('first' as const, 'second' as const, 'adjudicator' as const),
      note: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (many, random) => {
        const decided: Decided[] = many.map(({ who, number, action, minute, role, note }) =>
          by(who, decision(number, { action, note, at: `2026-11-21T07:0${minute}:00.000Z` }), role),
        );
        const shuffled = decided.map((item) => ({ item, key: random.next().value ?? 0 })).toSorted((a, b) => a.key - b.key);
        const sorted = (map: ReturnType<typeof settle>): unknown => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(sorted(settle(shuffled.map(({ item }) => item)))).toEqual(sorted(settle(decided)));
      }),
      { numRuns: 60 },
    );
  });
});
