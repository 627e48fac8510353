import fc from 'fast-check';
import { expect, test } from 'vitest';
import { projectConfigSchema } from './config.ts';
import { quickConfig } from './quick-config.ts';

const text = fc.constantFrom('main', '../store', '', 3, null, undefined);
const configs = fc
  .tuple(fc.constantFrom(1, 1, 1, 2, '1'), text, text, fc.constantFrom({}, {}, { serve: {} }, { serve: { port: 1 } }, { mian: 'x' }))
  .map(([version, remote, main, more]) => ({
    version,
    ...(remote === undefined ? {} : { remote }),
    ...(main === undefined ? {} : { main }),
    ...more,
  }));

test('the quick reading says what the schema says, or nothing', () => {
  let answered = 0;
  fc.assert(
    fc.property(configs, (config) => {
      const quick = quickConfig(config);
      if (quick === null) return;
      answered += 1;
      expect(projectConfigSchema.parse(config)).toEqual(quick);
    }),
    { numRuns: 500 },
  );
  expect(answered).toBeGreaterThan(20);
  expect(quickConfig({ version: 1 })).toEqual(projectConfigSchema.parse({ version: 1 }));
});
