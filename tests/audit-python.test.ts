// A verifier that was written from docs/audit.md alone agrees with ours: on what is whole, and on everything that somebody may have done to it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectArchive } from '../src/audit/archive.ts';
import { exportFiles } from '../src/audit/export.ts';
import { verifyExport } from '../src/audit/export-verify.ts';
import { writeExport } from '../src/audit/export-write.ts';
import { everything, type Selection } from '../src/audit/selection.ts';
import { canonicalJson } from '../src/base/canonical.ts';
import { digestOf } from '../src/base/digest.ts';
import { version } from '../src/cli/version.ts';
import { publicText } from '../src/pipeline/attestation.ts';
import { keySigner } from '../src/registry/audit-append.ts';
import { forged, newKey, payloadOf, type AuditedRepository } from '../src/registry/audit.fixture.ts';
import { key, makeStory } from './audit-story.ts';

const script = fileURLToPath(new URL('verify_audit.py', import.meta.url));
const stranger = newKey();
let audited: AuditedRepository;
let folder: string;
let whole: string;
beforeAll(async () => {
  audited = await makeStory();
  folder = mkdtempSync(join(tmpdir(), 'plumb python é '));
  whole = await exportTo('whole', everything);
}, 60_000);
afterAll(async () => {
  await audited.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function exportTo(name: string, selection: Selection): Promise<string> {
  const { records } = await audited.log();
  const path = join(folder, name);
  await writeExport(path, await exportFiles(await collectArchive(audited.git, audited.repository.prefix, records, selection), version));
  return path;
}

interface Expected {
  readonly head?: string;
  readonly pin?: string;
}

/** What both say: [ours, Python's]; null: it holds */
async function both(path: string, { head, pin }: Expected = {}): Promise<[string | null, string | null]> {
  const ours = await verifyExport(path, { pin, version });
  const heads = head === undefined || ours.records.some(({ digest }) => digest === head) ? [] : ['head'];
  const words = [...(head === undefined ? [] : ['--expect-head', head]), ...(pin === undefined ? [] : ['--pin', pin])];
  const { status, stdout, stderr } = spawnSync('python3', ['-I', script, path, ...words], { encoding: 'utf8' });
  expect(`${stdout}${stderr}`).toMatch(/^(?:holds|FAULT) {2}/);
  expect(status).toBe(stdout.startsWith('holds') ? 0 : 1);
  return [ours.findings[0]?.what ?? heads[0] ?? null, status === 0 ? null : stderr];
}

const records = (path: string): string[] =>
  readdirSync(join(path, 'records'))
    .toSorted()
    .map((name) => readFileSync(join(path, 'records', name), 'utf8'));
const recordFile = (path: string, seq: number): string => join(path, 'records', `${String(seq).padStart(8, '0')}.json`);

/** As one who cares for what he changes: index.json says what is there, and so does the head. */
function reindex(path: string): void {
  const index = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as Record<string, unknown>;
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .filter((name) => name !== 'index.json')
    .toSorted();
  const texts = records(path);
  index['files'] = Object.fromEntries(
    files.map((name) => {
      const bytes = readFileSync(join(path, name));
      return [name, { sha256: digestOf(bytes).slice(7), bytes: bytes.length }];
    }),
  );
  index['records'] = texts.length;
  index['head'] = texts.length === 0 ? null : digestOf(texts.at(-1) ?? '');
  writeFileSync(join(path, 'index.json'), JSON.stringify(index));
}

function rewrite(path: string, texts: readonly string[]): void {
  rmSync(join(path, 'records'), { recursive: true });
  cpSync(join(whole, 'records'), join(path, 'records'), { recursive: true, filter: (from) => !from.endsWith('.json') });
  for (const [seq, text] of texts.entries()) writeFileSync(recordFile(path, seq), text);
}

test('both take an export as it is, of everything, of a period, of a model', async () => {
  const { records: all } = await audited.log();
  const [first, head] = [all[0]?.digest ?? '', all.at(-1)?.digest ?? ''];
  expect(await both(whole, { head })).toEqual([null, null]);
  expect(await both(whole, { pin: first })).toEqual([null, null]);
  expect(await both(whole, { pin: publicText(key) })).toEqual([null, null]);
  const some = { from: '2026-11-22T08:03:00.000Z', to: '2026-11-22T08:04:30.000Z', model: 'intents' };
  expect(await both(await exportTo('period', some))).toEqual([null, null]);
  expect(await both(await exportTo('nothing', { ...everything, model: 'other' }))).toEqual([null, null]);
});

const first = (path: string, part: string): string => join(path, part, readdirSync(join(path, part)).toSorted()[0] ?? '');

/** name -> what is done to a copy; each also with an index.json that was made to fit */
const changes: Record<string, (path: string) => void | Promise<void>> = {
  'cut at the end': (path) => rewrite(path, records(path).slice(0, -1)),
  'cut at the begin': (path) => rewrite(path, records(path).slice(1)),
  'two swapped': (path) => {
    const [a = '', b = '', c = '', ...rest] = records(path);
    rewrite(path, [a, c, b, ...rest]);
  },
  'one twice': (path) => {
    const [a = '', ...rest] = records(path);
    rewrite(path, [a, a, ...rest]);
  },
  'a gap in the numbers': (path) => renameSync(recordFile(path, 6), recordFile(path, 7)),
  'one left out': (path) =>
    rewrite(
      path,
      records(path).filter((_, seq) => seq !== 3),
    ),
  'a byte of the payload': (path) => {
    const text = readFileSync(recordFile(path, 6), 'utf8');
    const at = text.indexOf('"payload":"') + 200;
    writeFileSync(recordFile(path, 6), text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1));
  },
  spaces: (path) => writeFileSync(recordFile(path, 6), JSON.stringify(JSON.parse(readFileSync(recordFile(path, 6), 'utf8')), null, 1)),
  'edited under its signature': (path) => {
    const envelope = JSON.parse(readFileSync(recordFile(path, 6), 'utf8')) as Record<string, unknown>;
    const statement = payloadOf(readFileSync(recordFile(path, 6), 'utf8'));
    statement.predicate['reason'] = 'nothing to see';
    const payload = Buffer.from(canonicalJson(statement as never)).toString('base64');
    writeFileSync(recordFile(path, 6), canonicalJson({ ...envelope, payload }));
  },
  'a foreign key': async (path) => rewrite(path, await forged(records(path), 4, () => undefined, keySigner(stranger))),
  'a foreign key that names itself': async (path) => {
    const own = { keys: [{ name: 'log', public: publicText(stranger) }], jobs: null };
    rewrite(path, await forged(records(path), 4, (predicate) => (predicate['signers'] = own), keySigner(stranger)));
  },
  'other signers, signed by the key': async (path) => {
    const own = { keys: [{ name: 'log', public: publicText(stranger) }], jobs: null };
    rewrite(path, await forged(records(path), 6, (predicate) => (predicate['signers'] = own), keySigner(key)));
  },
  'time that goes back': async (path) => {
    rewrite(path, await forged(records(path), 6, (predicate) => (predicate['at'] = '2026-11-22T08:00:00Z'), keySigner(key)));
  },
  'serves what does not hold': async (path) =>
    rewrite(path, await forged(records(path), 6, (predicate) => (predicate['holds'] = false), keySigner(key))),
  'not sorted': async (path) =>
    rewrite(
      path,
      await forged(records(path), 6, (predicate) => (predicate['revoked'] = [digestOf('b'), digestOf('a')].toSorted().toReversed()), keySigner(key)),
    ),
  'a pointer that is gone': (path) => rmSync(join(path, 'pointers', `${servedPointer(path)}.json`)),
  'another pointer under its name': (path) => writeFileSync(join(path, 'pointers', `${servedPointer(path)}.json`), '{}\n'),
  'evidence that is gone': (path) =>
    rmSync(
      join(
        path,
        'evidence',
        `${(JSON.parse(readFileSync(join(path, 'pointers', `${servedPointer(path)}.json`), 'utf8')) as { report: string }).report.slice(7)}.json`,
      ),
    ),
  'evidence that was edited': (path) => writeFileSync(first(path, 'evidence'), '{}'),
  'a policy that is gone': (path) => rmSync(first(path, 'policies')),
};

function servedPointer(path: string): string {
  const { moves } = payloadOf(records(path)[6] ?? '').predicate;
  return (moves as { pointer: string }[] | undefined)?.[0]?.pointer.slice(7) ?? '';
}

test.each(Object.entries(changes))('T29: both refuse an export that was changed: %s', async (name, change) => {
  const { head } = await audited.log();
  for (const how of ['left', 'made to fit'] as const) {
    const copy = join(folder, `${name} ${how}`);
    cpSync(whole, copy, { recursive: true });
    await change(copy);
    if (how === 'made to fit') reindex(copy);
    // the cut one is a log that holds, as far as it goes: only who knows the head can tell
    const verdicts = await both(copy, name === 'cut at the end' ? { head: head ?? '' } : {});
    expect(verdicts, how).toEqual([expect.any(String), expect.any(String)]);
  }
});

test('T29: both refuse a log that begins anew, by its pin', async () => {
  const { records: all } = await audited.log();
  const copy = join(folder, 'anew');
  cpSync(whole, copy, { recursive: true });
  rewrite(copy, await forged(records(copy), 0, (predicate) => (predicate['repository'] = 'acme/other'), keySigner(key)));
  reindex(copy);
  for (const pin of [all[0]?.digest ?? '', publicText(stranger)]) expect(await both(copy, { pin })).toEqual([expect.any(String), expect.any(String)]);
});

test('T10: a file that a symlink leads to is no part of an export', async () => {
  const copy = join(folder, 'linked');
  cpSync(whole, copy, { recursive: true });
  const { symlinkSync } = await import('node:fs');
  const file = first(copy, 'evidence');
  renameSync(file, join(folder, 'elsewhere.json'));
  symlinkSync(join(folder, 'elsewhere.json'), file);
  expect(await both(copy)).toEqual([expect.any(String), expect.any(String)]);
});
