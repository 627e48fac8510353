import { expect, test } from 'vitest';
import { code } from './step.ts';

test('the configuration is a file, or stands in the stage; never both, never neither', async () => {
  const file = code.with.parse({ data: 'snippets', config: 'code.yaml' });
  const ports = await code.ports(
    file,
    async () => 'version: 1\ncode: [{ column: code, language: python }]\nchat: [{ column: talk, tokenizer: t.json }]\n',
  );
  expect(Object.keys(ports.inputs)).toEqual(['data', 'config', 'tokenizer0']);
  const inline = code.with.parse({ data: 'snippets', code: [{ column: 'code', language: 'go' }] });
  expect(Object.keys((await code.ports(inline, () => Promise.reject(new Error('nothing is read')))).inputs)).toEqual(['data']);
  expect(code.with.safeParse({ data: 'snippets' }).success).toBe(false);
  expect(code.with.safeParse({ data: 'snippets', config: 'code.yaml', chat: [{ column: 'talk' }] }).success).toBe(false);
});
