// Lines that a project needs in .gitignore and .gitattributes: data is not git's, and lists that every branch adds to are merged line by line.
import { dirname, join } from 'node:path';
import { readTextFile } from '../base/config.ts';
import { sweepKilled, writeFileAtomic } from '../base/atomic.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';

/** Adds lines that are not there yet at the end of a file of the project. @returns whether it changed */
async function ensureLines(root: string, file: string, lines: readonly string[]): Promise<boolean> {
  const text = (await readTextFile(join(root, file), file)) ?? '';
  const there = new Set(text.split('\n').map((line) => line.trimEnd()));
  const missing = lines.filter((line) => !there.has(line));
  if (missing.length === 0) return false;
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  await sweepKilled(dirname(join(root, file)));
  await writeFileAtomic(join(root, file), `${text}${end}${missing.join('\n')}\n`);
  return true;
}

export interface IgnoreResult {
  /** added: a line was written; already: git ignored the path before; tracked: git has the data itself, so ignoring would change nothing */
  readonly how: 'added' | 'already' | 'tracked';
  /** the .gitignore that was changed, relative to the project */
  readonly file?: string;
}

/** Makes git ignore a path of the project, by the .gitignore next to it. Hold the project's mutex. */
export async function ignorePath(project: Pick<Project, 'root' | 'git' | 'prefix'>, path: string): Promise<IgnoreResult> {
  if (await project.git.isTracked(project.prefix + path)) return { how: 'tracked' };
  if (await project.git.isIgnored(project.prefix + path)) return { how: 'already' };
  const folder = dirname(path);
  const file = folder === '.' ? '.gitignore' : `${folder}/.gitignore`;
  await ensureLines(project.root, file, [ignoreLine(path.slice(path.lastIndexOf('/') + 1))]);
  return { how: 'added', file };
}

/** A name as a pattern of .gitignore that matches it alone, in its own folder. */
export function ignoreLine(name: string): string {
  return `/${name.replace(/[*?[\\]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length))}`;
}

/** Two branches that each add a data set both append to the lock and to .gitignore: git shall take both. Hold the project's mutex. */
export async function ensureUnionMerge(project: Pick<Project, 'root'>): Promise<boolean> {
  return ensureLines(project.root, '.gitattributes', [`${files.lock} merge=union`, '.gitignore merge=union']);
}
