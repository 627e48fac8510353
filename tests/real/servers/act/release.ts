// This work tree as a release of Plumbline: a repository of its own whose one commit is what workflows name as plumbline/plumbline@<commit>. The bundles
// of its actions are made from the source; what npm would install for them is in a tool cache, as it is on the image of a runner.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../install.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

export interface Release {
  readonly folder: string;
  readonly commit: string;
  readonly plumb: string;
  /** RUNNER_TOOL_CACHE for jobs: nothing is installed in them */
  readonly tools: string;
}

/**
 * @param home an empty folder of the caller's
 * @param edit what becomes of an action.yml: where actions of others have other commits
 */
export function makeRelease(home: string, edit: (text: string) => string = (text) => text): Release {
  const folder = join(home, 'plumbline');
  mkdirSync(folder);
  const parts = ['action.yml', 'actions', 'bin', 'package.json', 'package-lock.json', 'schemas', 'scripts', 'src', 'templates', 'tsconfig.json'];
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...parts], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of files.split('\0').filter((one) => one !== '' && !/\.(test|fixture|bench)\.ts$|\/golden\//.test(one))) {
    // a file that somebody has just removed is listed still
    if (!existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (path.endsWith('action.yml')) writeFileSync(join(folder, path), edit(readFileSync(join(root, path), 'utf8')));
    else cpSync(join(root, path), join(folder, path));
  }
  const tools = makeToolCache();
  // beside the release, not in it: what copies the release does not copy this, and npm, started in it, does not follow this and empty what is behind it
  symlinkSync(join(modulesIn(tools), 'node_modules'), join(home, 'node_modules'));
  need('node', ['scripts/bundle-actions.ts'], folder);
  const git = (...words: string[]): string => need('git', ['-c', 'user.name=rig', '-c', 'user.email=rig@example.org', ...words], folder);
  // the history is beside it: what copies the release has 800 files less to copy
  git('init', '--quiet', '--initial-branch=main', `--separate-git-dir=${join(home, 'plumbline.git')}`);
  git('add', '--all');
  git('commit', '--quiet', '--message', 'release');
  return { folder, commit: git('rev-parse', 'HEAD').trim(), plumb: join(folder, 'bin', 'plumb.js'), tools };
}

/** node_modules as of package-lock.json, of hard links: files of their own names, so that whatever goes wrong in a job leaves ours alone. */
function makeToolCache(): string {
  const tools = join(cacheFolder(), 'tools');
  const ready = modulesIn(tools);
  if (existsSync(join(ready, 'complete'))) return tools;
  const unfinished = `${ready}-${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  need('cp', ['--archive', '--link', join(root, 'node_modules'), join(unfinished, 'node_modules')], root);
  writeFileSync(join(unfinished, 'complete'), '');
  rmSync(ready, { recursive: true, force: true });
  renameSync(unfinished, ready);
  return tools;
}

/** As actions/setup/install.sh names it. */
function modulesIn(tools: string): string {
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return join(tools, 'plumbline', `modules-${lock.digest('hex').slice(0, 16)}`);
}

function need(program: string, words: readonly string[], cwd: string): string {
  const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`, GIT_CONFIG_GLOBAL: '/dev/null' };
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout;
}
