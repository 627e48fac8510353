import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mostCodeowners, readCodeowners, type CodeownersForm, type Ownership } from './codeowners.ts';
import { matchesPath, parsePattern } from './path-pattern.ts';

/** 'a/b: @x, @acme/y (3)', 'nobody', or why it is unclear */
function said(text: string, path: string, form: CodeownersForm = 'github'): string {
  const found: Ownership = readCodeowners(text, form)(path);
  if (found.kind !== 'owners') return found.kind === 'nobody' ? 'nobody' : found.why;
  const names = found.owners.map((owner) => (owner.kind === 'person' ? owner.login : owner.kind === 'team' ? owner.team : owner.address));
  return `${names.join(', ')} (${found.line})`;
}

describe("GitHub's own example, line by line", () => {
  // Source: GitHub's page "About code owners", the example file
  const text = [
    '# comment',
    '*       @global-owner1 @global-owner2',
    '*.js    @js-owner #This is an inline comment.',
    '*.go docs@example.com',
    '*.txt @octo-org/octocats',
    '/build/logs/ @doctocat',
    'docs/*  docs@example.com',
    'apps/ @octocat',
    '/docs/ @doctocat',
    '/scripts/ @doctocat @octocat',
    '**/logs @octocat',
    '/apps/ @octocat',
    '/apps/github',
  ].join('\n');

  test.each([
    ['README.md', 'global-owner1, global-owner2 (2)'],
    ['deep/down/app.js', 'js-owner (3)'],
    ['main.go', 'docs@example.com (4)'],
    ['notes/a.txt', 'octo-org/octocats (5)'],
    ['build/logs/deep/a.bin', 'octocat (11)'],
    ['docs/a.md', 'doctocat (9)'],
    ['src/apps/x/y.c', 'octocat (8)'],
    ['scripts/run.sh', 'doctocat, octocat (10)'],
    ['deeply/nested/logs/today', 'octocat (11)'],
    ['apps/main.c', 'octocat (12)'],
    ['apps/github/x.c', 'nobody'],
    ['apps/github', 'nobody'],
  ])('%s', (path, owners) => expect(said(text, path)).toBe(owners));
});

test.each([
  ['docs/*', 'docs/a.md', true],
  ['docs/*', 'docs/deep/a.md', false],
  ['docs/**', 'docs/deep/a.md', true],
  ['docs/**', 'docs', false],
  ['/models', 'models/intents/production.json', true],
  ['/models/', 'models', false],
  ['models/*/production.json', 'models/intents/production.json', true],
  ['models/*/production.json', 'sub/models/intents/production.json', false],
  ['**/production.json', 'production.json', true],
  ['models/**/production.json', 'models/production.json', true],
  ['production.json', 'a/b/production.json', true],
  ['Models/', 'models/a.json', false],
  ['*', 'a/b/c', true],
  ['/*', 'a/b', false],
  ['/', 'a', false],
  ['a\\ b/', 'a b/c', true],
  ['a#b', 'a#b', true],
  ['mod?ls/', 'models/x', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
])('%s on %s: %s', (pattern, path, matches) => expect(said(`${pattern} @x\n`, path) !== 'nobody').toBe(matches));

describe('a line that the forge skips is not passed over', () => {
  test.each([
    ['* @x\n!models/ @y\n', /line 2 .*pattern/],
    ['* @x\nmodels/[a-z]*/ @y\n', /line 2 .*pattern/],
    ['* @x\n[Models]\nmodels/*** @y\n', /line 3 .*pattern/],
    ['* @x\nmodels/ y\n', /line 2 .*"y" is neither/],
    ['* @x\nmodels/ @x,@y\n', /line 2 .*neither/],
    ['* @x\nmodels/ @a/b/c\n', /line 2 .*neither/],
  ])('%j', (text, why) => expect(said(text, 'models/intents/production.json')).toMatch(why));

  test('but where a later line decides, or where it cannot be about the path', () => {
    expect(said('!models/ @y\n* @x\n', 'models/a.json')).toBe('x (2)');
    expect(said('* @x\n/docs/[a-z]/ @y\n', 'models/a.json')).toBe('x (1)');
    expect(said('* @x\n/docs/ y\n', 'models/a.json')).toBe('x (1)');
  });

  test('nor is a file that is too large', () => {
    const text = '* @x\n'.padEnd(mostCodeowners - 1, '#');
    expect(said(text, 'a')).toBe('x (1)');
    expect(said(`${text}#`, 'a')).toMatch(/3 MB or more/);
  });
});

describe('Gitea', () => {
  // Source: Gitea's page "Code Owners"
  const text = [
    '.*\\\\.go @user1 @user2 # This is comment',
    'frontend/src/.*\\\\.js @org1/team1 @org1/team2 @user3',
    '!frontend/src/.* @org1/team3 @user5',
    'docs/(aws|google|azure)/[^/]*\\\\.(md|txt) @user8 @org1/team4',
    'path\\ with\\ space @user9',
  ].join('\n');

  test.each([
    ['main.go', 'user1, user2, org1/team3, user5 (1)'],
    ['frontend/src/a.js', 'org1/team1, org1/team2, user3 (2)'],
    ['docs/aws/a.md', 'org1/team3, user5, user8, org1/team4 (3)'],
    ['frontend/src/path', 'nobody'],
    ['path with space', 'org1/team3, user5, user9 (3)'],
  ])('%s', (path, owners) => expect(said(text, path, 'gitea')).toBe(owners));

  test('a line that it skips is not passed over', () => {
    expect(said('models/.* @x\n(models @y\n', 'models/a', 'gitea')).toMatch(/line 2 .*regular expression/);
    expect(said('models/.* @x\nmodels/.*\n', 'models/a', 'gitea')).toMatch(/line 2 .*does not name/);
    expect(said('models/.* @x\n.* a/b/c\n', 'models/a', 'gitea')).toMatch(/line 2 .*does not name/);
  });
});

describe('where the two agree, git says the same of .gitignore', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'plumb-codeowners-'));
    execFileSync('git', ['init', '-q', folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Which of these paths git ignores by one pattern. */
  function ignored(pattern: string, paths: readonly string[]): string[] {
    writeFileSync(join(folder, '.gitignore'), `${pattern}\n`);
    const { stdout, status } = spawnSync('git', ['-C', folder, '-c', 'core.excludesFile=', 'check-ignore', '--no-index', '-z', '--stdin'], {
      input: paths.map((path) => `${path}\0`).join(''),
      encoding: 'utf8',
    });
    if (status !== 0 && status !== 1) throw new Error(`git check-ignore ended with ${status}`);
    return stdout.split('\0').filter((path) => path !== '');
  }

  const name = fc.stringMatching(/^[ab]{1,2}$/);
  const segment = fc.oneof(name, fc.stringMatching(/^[ab?*]{1,3}$/), fc.constant('**'));
  const pattern = fc
    .tuple(fc.constantFrom('', '/', '**/'), fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/'))
    .map(([start, segments, end]) => `${start}${segments.join('/')}${end}`)
    // `docs/*`, where GitHub differs, and what is no pattern there; git's own `a/**/` is about folders alone
    .filter((text) => !/\*{3}|(?:^|\/)\*$|\*\*\/$|[^/]\*\*|\*\*[^/]/.test(text));
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

  test('for patterns and paths of few letters', () => {
    let matched = 0;
    fc.assert(
      fc.property(pattern, fc.uniqueArray(path, { minLength: 5, maxLength: 20 }), (text, paths) => {
        const parsed = parsePattern(text);
        if (parsed === null) throw new Error(`${text} is a pattern`);
        const ours = paths.filter((one) => matchesPath(parsed, one));
        matched += ours.length;
        expect(ours).toEqual(ignored(text, paths));
      }),
      { numRuns: 150 },
    );
    expect(matched).toBeGreaterThan(100);
  });
});

test('a pattern made to be slow is not', () => {
  const hostile = parsePattern(`${'**/*a*b'.repeat(1)}${'/**/*a*b*'.repeat(60)}`);
  const path = `${'a'.repeat(50)}/`.repeat(100) + 'c';
  expect(hostile !== null && matchesPath(hostile, path)).toBe(false);
});
