// Lines that a project needs in .gitignore and .gitattributes: data is not git's, and lists that every branch adds to are merged line by line.
import { dirname, join } from 'node:path';
import { readTextFile } from '../base/config.ts';
import { sweepKilled, writeFileAtomic } from '../base/atomic.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';

/** A file of the project as it shall be. */
export interface PlannedFile {
  /** absolute */
  readonly path: string;
  readonly bytes: string;
}

/** The file with lines that are not there yet at its end; null when all are there. What a killed writer left beside it goes. */
async function planLines(root: string, file: string, lines: readonly string[]): Promise<PlannedFile | null> {
  const text = (await readTextFile(join(root, file), file)) ?? '';
  const there = new Set(text.split('\n').map((line) => line.trimEnd()));
  const missing = lines.filter((line) => !there.has(line));
  if (missing.length === 0) return null;
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  await sweepKilled(dirname(join(root, file)));
  return { path: join(root, file), bytes: `${text}${end}${missing.join('\n')}\n` };
}

export interface IgnoreResult {
  /** added: a line was written; already: git ignored the path before; tracked: git has the data itself, so ignoring would change nothing */
  readonly how: 'added' | 'already' | 'tracked';
  /** the .gitignore that was changed, relative to the project */
  readonly file?: string;
}

/** What makes git ignore a path of the project: a line in the .gitignore next to it. Hold the project's mutex. */
export async function planIgnore(
  project: Pick<Project, 'root' | 'git' | 'prefix'>,
  path: string,
): Promise<{ result: IgnoreResult; file: PlannedFile | null }> {
  if (await project.git.isTracked(project.prefix + path)) return { result: { how: 'tracked' }, file: null };
  if (await project.git.isIgnored(project.prefix + path)) return { result: { how: 'already' }, file: null };
  const folder = dirname(path);
  const file = folder === '.' ? '.gitignore' : `${folder}/.gitignore`;
  return {
    result: { how: 'added', file },
    file: await planLines(project.root, file, [ignoreLine(path.slice(path.lastIndexOf('/') + 1))]),
  };
}

/** Makes git ignore a path of the project. Hold the project's mutex. */
export async function ignorePath(project: Pick<Project, 'root' | 'git' | 'prefix'>, path: string): Promise<IgnoreResult> {
  const { result, file } = await planIgnore(project, path);
  if (file !== null) await writeFileAtomic(file.path, file.bytes);
  return result;
}

/** A name as a pattern of .gitignore that matches it alone, in its own folder. */
export function ignoreLine(name: string): string {
  return `/${name.replace(/[*?[\\]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length))}`;
}

/** Two branches that each add a data set both append to the lock and to .gitignore: git shall take both. Hold the project's mutex. */
export async function planUnionMerge(project: Pick<Project, 'root'>): Promise<PlannedFile | null> {
  return planLines(project.root, '.gitattributes', [`${files.lock} merge=union`, '.gitignore merge=union']);
}
