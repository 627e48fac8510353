import { expect, test } from 'vitest';
import { subjectAt, subjectPaths } from './subject.ts';
import { plannedTree } from './tree.ts';

const a = 'models/a/production.json';
const b = 'models/b/staging.json';

test('paths: pointers, revocations and the policy, of this project', () => {
  const revoked = `models/a/revoked/${'0'.repeat(64)}.json`;
  const changed = [
    b,
    a,
    a,
    revoked,
    'policy.yaml',
    'README.md',
    'models/a/evidence/production/0.json',
    'models/a/production.yaml',
    'models/a/revoked/x.json',
  ];
  expect(subjectPaths(changed, '')).toEqual([a, revoked, b, 'policy.yaml']);
  expect(subjectPaths([a, `sub/${a}`, 'policy.yaml', 'sub/policy.yaml', `sub/sub/${a}`], 'sub/')).toEqual([`sub/${a}`, 'sub/policy.yaml']);
});

test('it is of the bytes of these paths, in no order, and of nothing else', async () => {
  const digest = (files: Record<string, string>, paths = [a, b]) =>
    subjectAt(plannedTree(Object.entries(files).map(([path, bytes]) => ({ path, bytes }))), paths);
  const one = await digest({ [a]: '1', [b]: '2' });
  expect(one).toMatch(/^sha256:/);
  expect(await digest({ [b]: '2', [a]: '1', 'README.md': '3' }, [b, a, a])).toBe(one);
  const others = await Promise.all([
    digest({ [a]: '1' }),
    digest({ [a]: '1', [b]: '' }),
    digest({ [a]: '2', [b]: '1' }),
    digest({ [a]: '1', [b]: '2' }, [a]),
  ]);
  expect(new Set([one, ...others]).size).toBe(5);
});
