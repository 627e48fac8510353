import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultSecretRules, parseSecretRules, readSecretRules } from './rules.ts';
import { SecretScanner, shannonEntropy } from './scan.ts';

const usual = new SecretScanner(await defaultSecretRules());

/** Put together here, so that no file of this repository looks as if it held a secret. */
const random = 'q7RzT2vLx9WcB4nKs8JfY3mHd6PgA5eU1oXi';
const github = ['gh', 'p_', random].join('');
const aws = ['AK', 'IAQ3EGRJ7T5KNWB2ZM'].join('');
const pem = ['-----BEGIN RSA ', 'PRIVATE KEY-----\n', `${random}${random}\n`.repeat(4), '-----END RSA ', 'PRIVATE KEY-----'].join('');

async function found(toml: string, text: string, path: string | null = null): Promise<string[]> {
  return new SecretScanner(await parseSecretRules(toml, 'rules.toml')).find(text, path).map(({ rule, line }) => `${rule} ${line}`);
}

test.each([
  ['github-pat', `token = "${github}"`, github],
  ['aws-access-token', `aws_access_key_id = "${aws}"`, aws],
  ['generic-api-key', `api_secret = "${random}"`, random],
  ['private-key', `a\n${pem}\nb`, pem],
  ['secretlint-basic-auth', 'clone https://ana:h7Kq2mZp9@git.firm.io/x.git', 'h7Kq2mZp9'],
  ['secretlint-database-connection-string', 'DB=postgres://app:h7Kq2mZp9@db.internal:5432/app', 'h7Kq2mZp9'],
  ['secretlint-aws-secret-access-key', `AWS_SECRET_ACCESS_KEY=${random}abcd `, `${random}abcd`],
])('%s', (rule, text, secret) => {
  const one = usual.find(text, null).find((other) => other.rule === rule);
  expect(text.slice(one?.start, one?.end)).toBe(secret);
});

test.each([
  'the key to success is patience, and access to a good library',
  'token = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
  'password = "${PASSWORD}"',
  'https://user:password@example.com/',
  'postgres://postgres:postgres@localhost/db',
])('nothing in: %s', (text) => {
  expect(usual.find(text, null)).toEqual([]);
});

test('a file whose name says what it is; a file that the default rules pass over', () => {
  expect(usual.findInPath('keys/server.p12').map(({ rule }) => rule)).toEqual(['pkcs12-file']);
  expect(usual.passesOver('web/package-lock.json')).toBe(true);
  expect(usual.passesOver('src/main.ts')).toBe(false);
});

test('a file extends the default rules, switches one off, overrides and adds', async () => {
  const toml = `
    [extend]
    useDefault = true
    disabledRules = ["generic-api-key"]
    [[rules]]
    id = "github-pat"
    entropy = 9.0
    [[rules]]
    id = "own"
    regex = '''own-([0-9]{4})'''
    keywords = ["OWN-"]`;
  expect(await found(toml, `api_secret = "${random}"\n${github}\nown-1234\n${aws}`)).toEqual(['own 3', 'aws-access-token 4']);
});

test('allow lists: stop words in any case, regexes of secret, match or line, paths, all conditions at once', async () => {
  const rule = (allow: string): string => `[[rules]]\nid = "own"\nregex = '''own-([a-z0-9]{4,8})'''\nkeywords = ["own"]\n${allow}`;
  const list = (body: string): string => rule(`[[rules.allowlists]]\n${body}`);
  const text = 'see own-demo1 here';
  expect(await found(rule(''), text)).toEqual(['own 1']);
  expect(await found(list('stopWords = ["DEMO"]'), text)).toEqual([]);
  expect(await found(list("regexes = ['''^demo''']"), text)).toEqual([]);
  expect(await found(list("regexTarget = \"match\"\nregexes = ['''^demo''']"), text)).toEqual(['own 1']);
  expect(await found(list("regexTarget = \"line\"\nregexes = ['''here$''']"), text)).toEqual([]);
  const both = list("condition = \"AND\"\npaths = ['''\\.md$''']\nstopwords = [\"demo\"]");
  expect(await found(both, text, 'a.md')).toEqual([]);
  expect(await found(both, text, 'a.txt')).toEqual(['own 1']);
});

test('a rule that needs another beside it', async () => {
  const toml = `
    [[rules]]
    id = "user"
    regex = '''user=[a-z]+'''
    skipReport = true
    [[rules]]
    id = "pair"
    regex = '''pass=([a-z0-9]+)'''
    [[rules.required]]
    id = "user"
    withinLines = 1`;
  expect(await found(toml, 'user=ana\npass=x1')).toEqual(['pair 2']);
  expect(await found(toml, 'user=ana\n\n\npass=x1')).toEqual([]);
});

test.each([
  ['no TOML', '[[rules'],
  ['no id', "[[rules]]\nregex = '''a'''"],
  ['nothing to look for', '[[rules]]\nid = "a"'],
  ['no such group', "[[rules]]\nid = \"a\"\nregex = '''a'''\nsecretGroup = 1"],
  ['no such condition', "[[rules]]\nid = \"a\"\nregex = '''a'''\n[[rules.allowlists]]\ncondition = \"xor\"\npaths = ['''a''']"],
  ['an empty allow list', "[[rules]]\nid = \"a\"\nregex = '''a'''\n[[rules.allowlists]]\ndescription = \"x\""],
  ['a rule that is not there', '[[allowlists]]\ntargetRules = ["b"]\nstopwords = ["x"]'],
  ['no regular expression', "[[rules]]\nid = \"a\"\nregex = '''(a'''"],
  ['another type', '[[rules]]\nid = 7'],
])('a file that is wrong is told so: %s', async (_, toml) => {
  await expect(parseSecretRules(toml, 'rules.toml')).rejects.toMatchObject({ code: 'SECRET_RULES', where: { file: 'rules.toml' } });
});

test('a file that extends another one beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-rules-'));
  await writeFile(join(folder, 'base.toml'), "[[rules]]\nid = \"base\"\nregex = '''base-[0-9]+'''\n");
  await writeFile(join(folder, 'own.toml'), '[extend]\npath = "base.toml"\n');
  const rules = await readSecretRules(join(folder, 'own.toml'), 'own.toml');
  expect(rules.rules.map(({ id }) => id)).toEqual(['base']);
  expect(rules.sources).toHaveLength(2);
  await expect(readSecretRules(join(folder, 'none.toml'), 'none.toml')).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test('entropy as gitleaks counts it', () => {
  expect(shannonEntropy('')).toBe(0);
  expect(shannonEntropy('aaaa')).toBe(0);
  expect(shannonEntropy('abcd')).toBe(2);
});

test('a line of a file may say gitleaks:allow, a row of data may not', () => {
  const text = `api_secret = "${random}" # gitleaks:allow`;
  expect(usual.find(text, 'a.py')).toEqual([]);
  expect(usual.find(text, null)).toMatchObject([{ rule: 'generic-api-key' }]);
});
