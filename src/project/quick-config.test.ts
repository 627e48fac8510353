import fc from 'fast-check';
import { expect, test } from 'vitest';
import { projectConfigSchema } from './config.ts';
import { quickConfig } from './quick-config.ts';

const text = fc.constantFrom('main', '../store', '', 3, null, undefined);
const serve = fc.record(
  {
    host: text,
    port: fc.constantFrom(0, 8080, 65_536, -1, 1.5, '80'),
    stage: fc.constantFrom('staging', 'production', 'dev'),
    hosts: fc.constantFrom([], ['x']),
  },
  { requiredKeys: [] },
);
const more = fc.oneof(
  fc.constantFrom({}, {}, { mian: 'x' }, { serve: null }, { serve: [] }, { cache: { link: 'copy' } }),
  fc.constantFrom({ repository: 'intents-3f' }, { repository: '-x' }, { repository: 7 }, { repository: 'a/b' }),
  fc.record({ serve }),
);
const configs = fc
  .tuple(fc.constantFrom(1, 1, 1, 2, '1'), text, text, more)
  .map(([version, remote, main, rest]) => withoutUndefined({ version, remote, main, ...rest }));

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test('the quick reading says what the schema says, or nothing', () => {
  let answered = 0;
  fc.assert(
    fc.property(configs, (config) => {
      const quick = quickConfig(config);
      if (quick === null) return;
      answered += 1;
      expect(projectConfigSchema.parse(config)).toEqual(quick);
    }),
    { numRuns: 3000 },
  );
  expect(answered).toBeGreaterThan(20);
  expect(quickConfig({ version: 1 })).toEqual(projectConfigSchema.parse({ version: 1 }));
});
