import { expect, test } from 'vitest';
import { baseOfCheckout } from './base-of-checkout.ts';
import type { CiContext } from './context.ts';

const [base, newer, head, merge] = ['b', 'd', 'a', 'c'].map((digit) => digit.repeat(40)) as [string, string, string, string];
const context = { checkedOut: merge, pullRequest: { number: 7, head, base, baseRef: 'main', fork: false } } as unknown as CiContext;

function gitWith(at: string | null, parents: readonly string[]): Parameters<typeof baseOfCheckout>[0] {
  const commit = { oid: at ?? '', tree: '', parents, author: { name: '', email: '', seconds: 0 }, seconds: 0, message: '' };
  return { resolve: () => Promise.resolve(at), readCommit: () => Promise.resolve(commit as never) };
}

test("GitHub's own merge says what the base is now", async () => {
  expect(await baseOfCheckout(gitWith(merge, [newer, head]), context)).toBe(newer);
});

test('anything else is compared with what the event names', async () => {
  expect(await baseOfCheckout(gitWith(head, [newer, 'e'.repeat(40)]), context)).toBe(base);
  expect(await baseOfCheckout(gitWith('e'.repeat(40), [newer, head]), context)).toBe(base);
  expect(await baseOfCheckout(gitWith(merge, [head, newer]), context)).toBe(base);
  expect(await baseOfCheckout(gitWith(merge, [newer]), context)).toBe(base);
  expect(await baseOfCheckout(gitWith(null, []), context)).toBe(base);
  expect(await baseOfCheckout(gitWith(merge, [newer, head]), { ...context, pullRequest: null })).toBeNull();
});
