import { expect, test } from 'vitest';
import { parseYaml } from './config.ts';
import { fields, jsonSchema, z } from './schema.ts';

const schema = fields({ with: z.record(z.string(), jsonSchema) });
const read = (text: string): Promise<unknown> => parseYaml(text, 'pipeline.yaml', schema);

test('aliases are fine while what they stand for stays small', async () => {
  expect(await read('with:\n  a: &a [1, 2]\n  b: *a\n')).toEqual({ with: { a: [1, 2], b: [1, 2] } });
});

test.each([
  ['a thousand million values in a kilobyte', 2, 30, 'more than 1000000 values'],
  ['an alias of an alias of an alias', 1, 300, 'nested deeper than 200'],
])('%s: one clear error, at once', async (_, width, levels, words) => {
  const level = (at: number): string => `  a${at}: &a${at} [${Array.from({ length: width }, () => (at === 0 ? 'x' : `*a${at - 1}`)).join(', ')}]\n`;
  // the outermost stands first, so that it is met first
  const text = `with:\n${Array.from({ length: levels }, (_level, at) => level(at)).join('')}  whole: *a${levels - 1}\n`;
  const started = performance.now();
  await expect(read(text)).rejects.toMatchObject({ code: 'YAML_SYNTAX', message: expect.stringContaining(words) });
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a value that holds itself has no end', async () => {
  await expect(read('with:\n  a: &a [*a]\n')).rejects.toMatchObject({ code: 'YAML_SYNTAX' });
});

test('a key that JavaScript would take for something else is refused, not left out', async () => {
  await expect(read('with:\n  __proto__: 1\n')).rejects.toMatchObject({ code: 'YAML_SYNTAX', message: expect.stringContaining('__proto__') });
  expect(await read('with:\n  constructor: 1\n')).toEqual({ with: { constructor: 1 } });
});

test.each([
  ['rules: {}\nwhat: up\n', '"rules" is {}: expected a list (and 1 more: line 2: "what" is "up": expected "up or down" or "down")'],
  ['rules: [1]\nwhat: down\n', '"rules.0" is 1: expected a text'],
  ['', '"rules" is missing: expected a list (and 1 more: "what" is missing: expected "up or down" or "down")'],
])('what was expected is said in words of YAML: %j', async (text, words) => {
  const strict = fields({ rules: z.array(z.string()), what: z.enum(['up or down', 'down']) });
  await expect(parseYaml(text, 'rules.yaml', strict)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: words });
});
