// The user's configuration where there is no git to ask: who commits, whether commits are signed.
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { lastValue, parseGitConfig, type GitConfigEntry } from './config.ts';
import type { Environment } from './process.ts';
import type { Repository } from './repository.ts';

/** git gives up at this depth of files that include files, too */
const deepest = 10;

/**
 * All entries that git would see, the ones that win last. Conditions of `includeIf` are understood for `gitdir:`.
 * Source: git-config(1), FILES, Includes, ENVIRONMENT
 */
export async function readUserConfig(repository: Repository, env: Environment): Promise<GitConfigEntry[]> {
  const home = env['HOME'] ?? env['USERPROFILE'];
  const global =
    env['GIT_CONFIG_GLOBAL'] !== undefined
      ? [env['GIT_CONFIG_GLOBAL']]
      : home === undefined
        ? []
        : [join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'git', 'config'), join(home, '.gitconfig')];
  const system = env['GIT_CONFIG_NOSYSTEM'] === undefined ? [env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig'] : [];
  const entries: GitConfigEntry[] = [];
  for (const file of [...system, ...global, join(repository.commonDir, 'config')]) {
    if (file !== '') entries.push(...(await readWithIncludes(file, { home, repository, depth: 0 })));
  }
  return [...entries, ...fromEnvironment(env)];
}

interface Place {
  readonly home: string | undefined;
  readonly repository: Repository;
  readonly depth: number;
}

async function readWithIncludes(file: string, place: Place): Promise<GitConfigEntry[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  });
  const entries: GitConfigEntry[] = [];
  for (const entry of parseGitConfig(text)) {
    entries.push(entry);
    if (!isInclude(entry.name, place) || place.depth >= deepest) continue;
    entries.push(...(await readWithIncludes(resolve(dirname(file), fromHome(entry.value, place)), { ...place, depth: place.depth + 1 })));
  }
  return entries;
}

function isInclude(name: string, place: Place): boolean {
  if (name === 'include.path') return true;
  const pattern = /^includeif\.gitdir:(.+)\.path$/.exec(name)?.[1];
  if (pattern === undefined) return false;
  // a pattern that ends in a slash, the usual form, means everything below
  const wanted = fromHome(pattern, place);
  const gitDir = `${place.repository.headDir}/`;
  return wanted.endsWith('/') ? gitDir.startsWith(wanted) : gitDir === `${wanted}/`;
}

function fromHome(path: string, { home }: Place): string {
  return path.startsWith('~/') && home !== undefined ? join(home, path.slice(2)) : path;
}

/** GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0, ... */
function fromEnvironment(env: Environment): GitConfigEntry[] {
  const count = Number(env['GIT_CONFIG_COUNT'] ?? 0);
  const entries: GitConfigEntry[] = [];
  for (let at = 0; at < count && at < 1000; at += 1) {
    const key = env[`GIT_CONFIG_KEY_${at}`];
    if (key === undefined) continue;
    const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')];
    const name = first === last ? key.toLowerCase() : key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
    entries.push({ name, value: env[`GIT_CONFIG_VALUE_${at}`] ?? '' });
  }
  return entries;
}

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** Who a commit of now would name; null where a part is not known. git itself may guess from the machine's name, this does not. */
export function identityOf(config: readonly GitConfigEntry[], env: Environment, role: 'author' | 'committer'): Person | null {
  const variable = (part: string): string | undefined => env[`GIT_${role.toUpperCase()}_${part}`] || undefined;
  const name = variable('NAME') ?? lastValue(config, `${role}.name`) ?? lastValue(config, 'user.name');
  const email = variable('EMAIL') ?? lastValue(config, `${role}.email`) ?? lastValue(config, 'user.email') ?? env['EMAIL'];
  if (name === undefined || email === undefined) return null;
  const person = { name: withoutCrud(name), email: withoutCrud(email) };
  return person.name === '' ? null : person;
}

/** As git does it: '<' and '>' would end the name; signs around it are taken for leftovers. Source: git's ident.c, strbuf_addstr_without_crud */
function withoutCrud(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken off
  return text.replace(/^[\u0000-\u0020.,:;<>"\\']+|[\u0000-\u0020.,:;<>"\\']+$/gu, '').replace(/[<>\n]/g, '');
}
