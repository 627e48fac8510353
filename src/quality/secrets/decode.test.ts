import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { silentProgress } from '../../base/progress.ts';
import { noMemory } from '../memory.ts';
import { openSecrets } from './asked.ts';
import { decodeLines } from './decode.ts';
import { judgeSecretsInFiles } from './judge-files.ts';
import { defaultSecretRules } from './rules.ts';
import { SecretScanner } from './scan.ts';

// put together here: nothing in this file is a secret
const github = ['ghp', 'q7Zt2LmX9aB4cD6eF8gH1jK3nP5rS0uV2wY4'].join('_');
const body = Array.from({ length: 12 }, (_, at) => `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7${at}x9Qz`).join('\n');
const frame = (side: string): string => ['-----', side, ' RSA PRIVATE KEY-----\n'].join('');
const pem = `${frame('BEGIN')}${body}\n${frame('END')}`;
const scanner = new SecretScanner(await defaultSecretRules());
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test.each([
  ['base64', `config: ${base64(`token=${github}`)}`, 'github-pat', 'base64'],
  ['base64 for URLs, without padding', `x?c=${Buffer.from(`~~~ token ${github}`).toString('base64url')}`, 'github-pat', 'base64'],
  ['hexadecimal digits', `blob ${Buffer.from(`token=${github}`).toString('hex')} end`, 'github-pat', 'hexadecimal digits'],
  ['percent signs', `https://x.example/?t=${github.replace('_', '%5F')}`, 'github-pat', 'percent signs'],
  ['base64 of base64', `a: ${base64(`b: ${base64(`token=${github}`)}`)}`, 'github-pat', 'base64'],
  ['a private key', `key: ${base64(pem)}`, 'private-key', 'base64'],
  ['a private key, wrapped', `key:\n${base64(pem).replace(/.{76}/g, '$&\n')}`, 'private-key', 'base64'],
])('a secret in %s is found where it stands', (_, text, rule, encoding) => {
  const before = `line one\n${'word '.repeat(400)}\n`;
  expect(scanner.find(before + text, null).filter((one) => one.rule === rule)).toEqual([]);
  const [found, ...more] = scanner.findDecoded(before + text, null).filter((one) => one.rule === rule);
  expect(more).toEqual([]);
  expect(found).toMatchObject({ rule, encoding, line: text.startsWith('key:\n') ? 4 : 3 });
  const place = (before + text).slice(found?.start, found?.end);
  expect(text).toContain(place);
  expect(place.length).toBeGreaterThan(20);
});

test('what is written plainly is found once, and three layers deep not at all', () => {
  const twice = `token=${github} and again ${base64(`token=${github}`)}`;
  expect(scanner.findDecoded(twice, null).map(({ encoding }) => encoding ?? 'none')).toEqual(['none', 'base64']);
  const deep = base64(`a: ${base64(`b: ${base64(`c: ${github}`)}`)}`);
  expect(scanner.findDecoded(deep, null)).toEqual([]);
});

test('every place of the decoded lines leads into the text, whatever is in it; what was not decoded is nobody’s', () => {
  const piece = fc.oneof(
    fc.constantFrom('\n', ' ', '%41', '%2', '%zz', '=', 'é', '\u{1f600}', 'wordword', '%20%20'),
    fc.string({ minLength: 12, maxLength: 60 }).map((text) => base64(text)),
    fc.string({ minLength: 16, maxLength: 40 }).map((text) => Buffer.from(text).toString('hex')),
    fc.string(),
  );
  let decodes = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const decoded = decodeLines(text);
      if (decoded === null) return;
      decodes += 1;
      let last = 0;
      for (let at = 0; at < decoded.text.length; at += 1) {
        const place = decoded.place(at, at + 1);
        if (place === null) continue;
        expect(place.start).toBeGreaterThanOrEqual(last);
        expect(place.end).toBeGreaterThan(place.start);
        expect(place.end).toBeLessThanOrEqual(text.length);
        last = place.start;
      }
    }),
    { numRuns: 500, seed: 8 },
  );
  expect(decodes).toBeGreaterThan(100);
});

test('UTF-16 is read; archives are told, and not called clean', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const text = `first line\ntoken = "${github}"\n`;
  const little = Buffer.from(text, 'utf16le');
  const tree = join(folder, 'tree');
  await mkdir(tree);
  await writeFile(join(tree, 'a-marked.txt'), Buffer.concat([Buffer.from([0xff, 0xfe]), little]));
  await writeFile(join(tree, 'b-plain.txt'), little);
  await writeFile(join(tree, 'c-big.txt'), Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]));
  await writeFile(join(tree, 'd.json.gz'), gzipSync(text));
  await writeFile(join(tree, 'e.dat'), Buffer.from('PK\u0003\u0004 a zip'));
  await writeFile(join(tree, 'f.dat'), Buffer.from([1, 0, 2, 3, 0, 0, 4]));
  const asked = await openSecrets({ config: null, columns: null, day: null, env: {}, pathOf: (file) => file, readText: async () => undefined });
  const world = { memory: noMemory, progress: silentProgress, signal: new AbortController().signal };
  const { report, flagged } = await judgeSecretsInFiles({ path: tree, name: 'tree' }, asked, world);
  expect(flagged.map(({ key, findings }) => [key, findings[0]?.kind, findings[0]?.message.slice(0, 7)])).toEqual([
    ['a-marked.txt', 'github-pat', 'line 2:'],
    ['b-plain.txt', 'github-pat', 'line 2:'],
    ['c-big.txt', 'github-pat', 'line 2:'],
  ]);
  expect(report.numbers).toMatchObject({ binary_files: 1, archives: 2 });
  expect(report.notes.join('\n')).toContain('not opened: 2 archives and compressed files');
});
