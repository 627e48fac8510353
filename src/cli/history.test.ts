// verify, history and rollback as people call them: in a process of their own, on a real repository.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, shortDigest } from '../base/digest.ts';
import { artifactOf, bad, ExampleRepository, good } from '../registry/example.fixture.ts';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const reason = 'no time to wait \u001b[2J\u202e';
const [goodDigest, badDigest] = [digestOf(artifactOf(good)), digestOf(artifactOf(bad))];
let repository: ExampleRepository;
beforeEach(async () => {
  repository = await ExampleRepository.make('my project/');
  await repository.release({ candidate: good });
  await repository.release({ candidate: bad, production: good, force: { reason } });
});
afterEach(() => repository.remove());

function run(...args: string[]): { exit: number | null; text: string; stderr: string; json: Record<string, unknown> } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [plumb, ...args], { cwd: repository.root, encoding: 'utf8', env: repository.env });
  return { exit: status, text: stdout, stderr, json: args.includes('--json') ? (JSON.parse(stdout) as Record<string, unknown>) : {} };
}

test('history: who put which model there when, forced ones loud, the current one marked', () => {
  const { exit, text } = run('history', 'intents');
  expect(exit).toBe(0);
  const lines = text.split('\n');
  expect(lines[1]).toMatch(
    new RegExp(`^\\* +2026-11-21 07:\\d\\d +${shortDigest(badDigest)} +55\\.00 % +[0-9a-f]{10} +Ada Lovelace +FORCED: no time to wait +\\[2J$`),
  );
  expect(lines[2]).toMatch(new RegExp(`^ +2026-11-21 07:\\d\\d +${shortDigest(goodDigest)} +83\\.33 % +[0-9a-f]{10} +Ada Lovelace +promoted$`));
  expect(text).toContain(`intents in production: ${shortDigest(badDigest)}, put there on 2026-11-21 (*)`);
  expect(run('history', 'intents', '--json').json).toMatchObject({
    current: badDigest,
    takenBack: [],
    changes: [
      { kind: 'forced', reason: expect.stringContaining('no time to wait'), before: goodDigest },
      { kind: 'promotion', metrics: { cases: 120 } },
    ],
  });
});

test('history of a model that is none: one error that names the nearest', () => {
  expect(run('history', 'intent', '--json')).toMatchObject({
    exit: 3,
    json: { error: { code: 'POINTER_MISSING', what: expect.stringContaining('Did you mean "intents"?') } },
  });
  expect(run('history', 'intents', '--rev', 'nowhere', '--json').json).toMatchObject({ error: { code: 'GIT_REVISION_UNKNOWN' } });
});

test('verify: exit 0 when all holds; exit 1, the file and what to do when it does not', () => {
  expect(run('verify')).toMatchObject({ exit: 0, text: expect.stringMatching(/holds +intents production[^]*all holds \(\d+ evidence files\)/) });
  expect(run('verify', '--history', '--json')).toMatchObject({ exit: 0, json: { holds: true, commits: 4, findings: [] } });
  writeFileSync(join(repository.root, 'models/intents/production.json'), '{}');
  const { exit, text } = run('verify');
  expect(exit).toBe(1);
  expect(text).toMatch(/FAULT +intents production +no valid pointer/);
  expect(text).toContain('Mend: ');
  expect(run('verify', '--rev', 'HEAD', '--json')).toMatchObject({ exit: 0 });
  expect(run('verify', '--json')).toMatchObject({ exit: 1, json: { holds: false, findings: [{ file: 'models/intents/production.json' }] } });
});

test('a bare clone is enough to audit: the same history, the same verification, offline', () => {
  const bare = join(repository.top, 'audit.git');
  expect(spawnSync('git', ['clone', '--quiet', '--bare', repository.top, bare], { env: repository.env }).status).toBe(0);
  const audit = (...args: string[]): { exit: number | null; text: string } => {
    const { status, stdout } = spawnSync(process.execPath, [plumb, ...args], { cwd: bare, encoding: 'utf8', env: repository.env });
    return { exit: status, text: stdout };
  };
  expect(audit('history', 'intents')).toEqual({ exit: 0, text: run('history', 'intents').text });
  expect(audit('verify')).toEqual({ exit: 0, text: run('verify').text });
  expect(audit('verify', '--history')).toEqual({ exit: 0, text: run('verify', '--history').text });
  expect(audit('verify', '--rev', 'nowhere').exit).not.toBe(0);
});

test('rollback: one commit, and the history shows it with its reason', () => {
  const { exit, json } = run('rollback', 'intents', '--reason', 'wrong queue', '--json');
  expect(exit).toBe(0);
  expect(json).toMatchObject({ from: badDigest, to: goodDigest, commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
  const { text } = run('history', 'intents');
  expect(text.split('\n')[1]).toMatch(/^\* .*rolled back: wrong queue$/);
  expect(text.match(/^\*/gm)).toHaveLength(1);
  const today = new Date().toISOString().slice(0, 10);
  expect(text).toContain(`intents in production: ${shortDigest(goodDigest)}, put there on ${today} (*)`);
  expect(run('verify', '--history').exit).toBe(0);
  expect(run('rollback', 'intents', '--json')).toMatchObject({ exit: 3, json: { error: { code: 'NOTHING_TO_ROLL_BACK' } } });
  expect(run('rollback', 'intents', '--to', badDigest, '--json')).toMatchObject({ exit: 1, json: { error: { code: 'PROMOTION_REFUSED' } } });
});

test('what a killed promotion left is told by status, verify and doctor, and put back by the next rollback', () => {
  const file = 'models/intents/production.json';
  const before = readFileSync(join(repository.root, file));
  const bytes = '{}\n';
  mkdirSync(repository.localDir, { recursive: true });
  const list = { head: spawnSync('git', ['rev-parse', 'HEAD'], { cwd: repository.root, encoding: 'utf8', env: repository.env }).stdout.trim() };
  const files = [{ path: file, before: before.toString('base64'), after: Buffer.from(bytes).toString('base64') }];
  writeFileSync(join(repository.localDir, 'undo.json'), JSON.stringify({ ...list, files }));
  writeFileSync(join(repository.root, file), bytes);
  expect(run('status').text).toMatch(/^half done +models\/ stands between two states.*plumb rollback/m);
  expect(run('verify').stderr).toContain('models/ stands between two states');
  expect(run('verify', '--rev', 'HEAD').stderr).toBe('');
  expect(run('doctor').text).toMatch(/^warn +models +models\/ stands between two states/m);
  expect(run('rollback', 'intents').exit).toBe(0);
  expect(run('status').text).not.toContain('half done');
  expect(run('verify')).toMatchObject({ exit: 0, stderr: '' });
});
