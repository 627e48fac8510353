// Files of git that are read without git, compared with what git says of them.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAnswerParser, type GitObject } from './cat-file.ts';
import { lastValue, parseGitConfig } from './config.ts';
import { hardPaths } from './git.contract.ts';
import { parseIndex } from './index-file.ts';
import { isRefName, checkBranchName } from './names.ts';
import { createSandbox } from './sandbox.ts';

test('configuration is read as git reads it', () => {
  using box = createSandbox(null);
  const text = [
    '# comment',
    '[core]',
    '\tbare = false',
    'EditOr = "vi \\"x\\" # kept" ; comment',
    '[user]name=Ada # x',
    '  email =  a@b  ',
    '[Section.Sub "Case \\"q\\" \\\\"]',
    'key',
    'long = one \\',
    '  two',
    'tab = a\\tb\\nc',
    'empty =',
    'quoted = "  blanks  "  ',
    '[includeIf "gitdir:~/x/"] path = y',
    'part = a" b "c',
    'semi = a;b',
    '',
  ].join('\n');
  for (const content of [text, text.replaceAll('\n', '\r\n'), `\uFEFF${text}`]) {
    const file = join(box.folder, 'config');
    writeFileSync(file, content);
    const listed = execFileSync('git', ['config', '--file', file, '--no-includes', '--list', '-z'], { encoding: 'utf8', env: box.env });
    const expected = listed
      .replace(/\0$/, '')
      .split('\0')
      .map((entry) => {
        const newline = entry.indexOf('\n');
        return newline === -1 ? { name: entry, value: 'true' } : { name: entry.slice(0, newline), value: entry.slice(newline + 1) };
      });
    expect(expected.length).toBeGreaterThan(10);
    expect(parseGitConfig(content)).toEqual(expected);
  }
  expect(lastValue(parseGitConfig('[a]\nb=1\n[A]\nB=2'), 'a.b')).toBe('2');
});

test('the index is read in every version that git writes', () => {
  using box = createSandbox();
  for (const path of [...hardPaths, 'run.sh', `${'long/'.repeat(60)}name`]) box.write(path, 'x');
  box.executable('run.sh');
  box.git('add', '--all');
  box.write('later.txt', 'x');
  for (const [version, add] of [
    [2, []],
    [3, ['add', '--intent-to-add', 'later.txt']],
    [4, []],
  ] as const) {
    if (add.length > 0) box.git(...add);
    box.git('update-index', '--index-version', String(version));
    const bytes = readFileSync(join(box.folder, '.git', 'index'));
    const listed = box.git('ls-files', '--stage', '-z').replace(/\0$/, '').split('\0');
    expect(bytes.readUInt32BE(4)).toBe(version);
    expect(parseIndex(bytes).map((entry) => `${entry.mode} ${entry.oid} ${entry.stage}\t${entry.path}`)).toEqual(listed);
    expect(
      parseIndex(bytes)
        .filter((entry) => entry.intentToAdd)
        .map((entry) => entry.path),
    ).toEqual(version === 2 ? [] : ['later.txt']);
  }
});

test('an index that is cut anywhere is an error or says less, never something else', () => {
  using box = createSandbox();
  for (const path of ['a.txt', 'dir/b.txt', 'dir/c.txt']) box.write(path, path);
  box.git('add', '--all');
  const whole = readFileSync(join(box.folder, '.git', 'index'));
  const entries = parseIndex(whole);
  for (let length = 0; length < whole.length - 20; length += 1) {
    try {
      expect(parseIndex(whole.subarray(0, length))).toEqual(entries);
    } catch (error) {
      expect(error).toMatchObject({ code: 'GIT_FAILED' });
    }
  }
});

test('answers of cat-file are the same however the stream is cut', () => {
  const answer = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(answer), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (answers, cuts) => {
      const oid = 'a'.repeat(40);
      const stream = Buffer.concat(
        answers.flatMap((bytes) =>
          bytes === null
            ? [Buffer.from('what:ever\u00ff blob 3 missing\n')]
            : [Buffer.from(`${oid} blob ${bytes.length}\n`), bytes, Buffer.from('\n')],
        ),
      );
      const got: (GitObject | null)[] = [];
      const take = createAnswerParser((object) => got.push(object));
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const length = cuts[turn % cuts.length] ?? 1;
        take(stream.subarray(at, at + length));
        at += length;
      }
      expect(got.map((object) => (object === null ? null : new Uint8Array(object.bytes)))).toEqual(answers);
    }),
  );
});

test('names of branches are judged as git judges them', () => {
  using box = createSandbox();
  const sign = fc.constantFrom('a', 'ж', '-', '.', '/', '@', '{', '~', '^', ':', '?', '*', '[', '\\', ' ', '..', '.lock', '\u007f', '\t', 'HEAD');
  fc.assert(
    fc.property(
      fc.array(sign, { minLength: 1, maxLength: 5 }).map((signs) => signs.join('')),
      (name) => {
        const git = accepts(box.env, box.folder, ['check-ref-format', `refs/heads/${name}`]);
        expect([name, isRefName(`refs/heads/${name}`)]).toEqual([name, git]);
        if (name.startsWith('-') || !git) expect(() => checkBranchName(name)).toThrow('cannot be the name');
      },
    ),
    { numRuns: 60 },
  );
});

function accepts(env: Record<string, string>, cwd: string, args: string[]): boolean {
  try {
    execFileSync('git', args, { cwd, env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
