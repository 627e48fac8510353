import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { listPointers, parsePointer, placeOf, pointerPath, pointerSubject, readPointer, serialisePointer } from './pointer.ts';
import type { Pointer } from './schema.ts';
import { plannedTree, workTree } from './tree.ts';

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

const pointer: Pointer = {
  plumbline: 'pointer/1',
  model: 'intents',
  stage: 'production',
  artifact: { digest: digest('a'), bytes: 10_533_120, format: 'onnx' },
  run: digest('b'),
  evaluation: digest('c'),
  data: { intents: digest('d') },
  code: '0123456789abcdef0123456789abcdef01234567',
  report: digest('e'),
  policy: digest('f'),
  promotion: digest('1'),
  metrics: { cases: 3080, accuracy: 0.9166 },
};

/** pointer/1 as it stands in git. Whoever changes these bytes changes every repository: make it pointer/2. */
const golden = `{
  "artifact": {
    "bytes": 10533120,
    "digest": "${digest('a')}",
    "format": "onnx"
  },
  "code": "0123456789abcdef0123456789abcdef01234567",
  "data": {
    "intents": "${digest('d')}"
  },
  "evaluation": "${digest('c')}",
  "metrics": {
    "accuracy": 0.9166,
    "cases": 3080
  },
  "model": "intents",
  "plumbline": "pointer/1",
  "policy": "${digest('f')}",
  "promotion": "${digest('1')}",
  "report": "${digest('e')}",
  "run": "${digest('b')}",
  "stage": "production"
}
`;

const place = { model: 'intents', stage: 'production' } as const;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

test('a pointer has these bytes', () => {
  expect(serialisePointer(pointer)).toBe(golden);
  expect(pointerSubject(pointer)).toBe('sha256:dc13ff9c1006782a9214153273a399baf0d066c5cc9b309eb1baa77813fb5eb9');
});

test('what is written is what is read', async () => {
  expect(await parsePointer(golden, place)).toEqual(pointer);
});

test('the record of a promotion vouches for every field but its own name', () => {
  expect(pointerSubject({ ...pointer, promotion: digest('2') })).toBe(pointerSubject(pointer));
  expect(pointerSubject({ ...pointer, metrics: { ...pointer.metrics, accuracy: 0.9167 } })).not.toBe(pointerSubject(pointer));
});

test.each([
  ['other white space', golden.replace('\n  "code"', '\n\n  "code"')],
  ['Windows line ends', golden.replaceAll('\n', '\r\n')],
  ['a byte order mark', `\uFEFF${golden}`],
  ['a key that stands twice', golden.replace('"run":', `"run": "${digest('9')}",\n  "run":`)],
  ['an unknown key', golden.replace('"run":', '"note": "hi",\n  "run":')],
  ['a key of the prototype', golden.replace('{\n  "artifact"', '{\n  "__proto__": {},\n  "artifact"')],
  ['another model', golden.replace('"model": "intents"', '"model": "others"')],
  ['another stage', golden.replace('"stage": "production"', '"stage": "staging"')],
  ['a digest in capitals', golden.replace(digest('a'), digest('A'))],
  ['a short file', golden.slice(0, -10)],
  ['nothing', ''],
  ['a merge', golden.replace('  "code"', `<<<<<<< HEAD\n  "code"`)],
])('a pointer with %s is refused', async (_, text) => {
  await expect(parsePointer(text, place)).rejects.toMatchObject({ code: 'POINTER_INVALID', where: { file: 'models/intents/production.json' } });
});

test('a merge is called a merge', async () => {
  await expect(parsePointer(`<<<<<<< HEAD\n${golden}`, place)).rejects.toThrow('unresolved merge');
});

test('a wrong value is named with its line', async () => {
  const text = golden.replace('"bytes": 10533120', '"bytes": -1');
  await expect(parsePointer(text, place)).rejects.toMatchObject({ where: { line: 3 }, message: expect.stringContaining('"artifact.bytes" is -1') });
});

test('any change of one byte is refused or changes what the record vouches for', async () => {
  const bytes = Buffer.from(golden);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const read = await parsePointer(changed.toString('utf8'), place).catch(() => null);
      return read === null || read.promotion !== pointer.promotion || pointerSubject(read) !== pointerSubject(pointer);
    }),
    { numRuns: 500 },
  );
});

test('pointers are found by their paths, and nothing else is', async () => {
  const files = [
    'b/production.json',
    'a-b/staging.json',
    'a/production.json',
    'a/staging.json',
    'a/card.json',
    'a/evidence/production/x.json',
    'production.json',
  ];
  const tree = plannedTree(files.map((path) => ({ path: `models/${path}`, bytes: '' })));
  expect((await listPointers(tree)).map((one) => pointerPath(one))).toEqual([
    'models/a-b/staging.json',
    'models/a/production.json',
    'models/a/staging.json',
    'models/b/production.json',
  ]);
  expect(placeOf('models/a/production.json/x')).toBeNull();
});

test('a pointer that is not there is null; a name that is no name is refused', async () => {
  expect(await readPointer(plannedTree([]), 'intents', 'production')).toBeNull();
  await expect(readPointer(plannedTree([]), '../intents', 'production')).rejects.toMatchObject({ code: 'NAME_INVALID' });
});

test('a symlink in the work tree is not followed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'plumb-pointer-'));
  folders.push(root);
  await mkdir(join(root, 'elsewhere/intents'), { recursive: true });
  await writeFile(join(root, 'elsewhere/intents/production.json'), golden);
  await mkdir(join(root, 'models'));
  expect(await readPointer(workTree(root), 'intents', 'production')).toBeNull();
  await symlink(join(root, 'elsewhere/intents'), join(root, 'models/intents'));
  await expect(readPointer(workTree(root), 'intents', 'production')).rejects.toMatchObject({ code: 'PATH_OUTSIDE' });
});
