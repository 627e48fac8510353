import { expect, test } from 'vitest';
import { lookUp, parseParams, parseSetting, pickParams, sectionFor, writeSettings } from './params.ts';

const text = '# the trainer\ntrain:\n  epochs: 15 # enough\n  rate: 0.5\nseed: 3\n';

test('a setting is written in place and comments stay', async () => {
  const after = await writeSettings(text, [parseSetting('train.epochs=5'), parseSetting('train.layers=[1, 2]')], ['train']);
  expect(after).toBe('# the trainer\ntrain:\n  epochs: 5 # enough\n  rate: 0.5\n  layers:\n    - 1\n    - 2\nseed: 3\n');
});

test('a setting that no stage reads is refused with the nearest key', async () => {
  await expect(writeSettings(text, [parseSetting('trian.epochs=5')], ['train'])).rejects.toMatchObject({
    code: 'PARAM_MISSING',
    message: expect.stringContaining('Did you mean "train'),
  });
});

test.each(['epochs', '=5', 'a..b=1', '__proto__.x=1'])('--set %s is refused', (setting) => {
  expect(() => parseSetting(setting)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('a command reads exactly the keys it names', () => {
  expect(pickParams(parseParams(text), ['train.epochs', 'seed'], 's')).toEqual({ seed: 3, 'train.epochs': 15 });
  expect(() => pickParams(parseParams(text), ['train.epoch'], 's')).toThrow(/Did you mean "train.epochs"/);
});

test('a built-in step reads a section, and single keys laid over it', () => {
  expect(sectionFor(parseParams(text), ['train', 'seed'])).toEqual({ epochs: 15, rate: 0.5, seed: 3 });
});

test('inherited names are no parameters', () => {
  expect(lookUp(parseParams(text), 'constructor.name')).toBeUndefined();
});

test.each(['- 1\n', 'a: [', '3'])('params.yaml of %j is refused', (bad) => {
  expect(() => parseParams(bad)).toThrow(expect.objectContaining({ where: expect.objectContaining({ file: 'params.yaml' }) }));
});
