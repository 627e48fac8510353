import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { Option } from 'commander';
import { writeFileAtomic } from '../base/atomic.ts';
import { errnoOf, isPlumbError, PlumbError, systemError } from '../base/errors.ts';
import type { Git } from '../git/git.ts';
import { openGit } from '../git/open.ts';
import { files } from '../project/layout.ts';
import { openRemote } from '../store/remotes/open.ts';
import { builtFrom } from './built-from.ts';
import type { Cli, Define } from './command.ts';
import { forges, readTemplate, readWorkflows, type ForgeName, type TemplateFile } from './template-files.ts';

interface InitOptions {
  template: string;
  remote?: string;
  forge?: ForgeName | 'none';
  git?: boolean;
}

/** Files of many owners: our lines are added to what stands there. */
const shared = new Set(['.gitignore', '.gitattributes']);

export const define: Define = (command, cli) => {
  command
    .option('--template <name>', 'the files to begin with: minimal, or classifier (a whole project with example data)', 'minimal')
    .option(
      '--remote <folder or address>',
      'where the bytes of data and models are kept for everybody: a folder (made when it is not there), s3://bucket/prefix, oci://registry/owner/name',
    )
    .addOption(
      new Option('--forge <name>', 'whose workflows to write, for pull requests (default: github with the template classifier, else none)').choices([
        ...forges,
        'none',
      ]),
    )
    .option('--git', 'make a git repository here first when there is none')
    .addHelpText('after', '\nWrites nothing over a file that is there.\n\nExample:\n  $ plumb init --template classifier --remote ../store')
    .action(async (options: InitOptions) => initCommand(options, cli));
};

async function initCommand(options: InitOptions, cli: Cli): Promise<void> {
  const root = cli.cwd;
  await refuseProject(root);
  const ofTemplate = await readTemplate(options.template);
  const git = await openOrMakeGit(root, options.git === true, cli);
  await refuseOuterProject(root, git.workTree);
  const main = await mainBranch(git);
  const wanted = [...ofTemplate, ...(await workflowsFor(options, { root, top: git.workTree, main }, cli))];
  const remote = options.remote === undefined ? undefined : checkRemote(options.remote, root);
  const plan = await planFiles(root, wanted);
  const folder = remote?.path;
  if (folder !== undefined) await mkdir(folder, { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make', folder)));
  for (const file of plan.write) {
    const text =
      file.path === files.config
        ? configure(file.bytes.toString('utf8'), { remote: remote?.text, main, repository: repositoryName(root) })
        : file.bytes;
    await writeFileAtomic(join(root, file.path), text);
  }
  tell(options.template, plan, cli);
}

/** Forges read workflows at the top of a repository only; those of a project below it are written by hand. */
async function workflowsFor(options: InitOptions, place: { root: string; top: string | null; main: string }, cli: Cli): Promise<TemplateFile[]> {
  const forge = options.forge ?? (options.template === 'classifier' ? 'github' : 'none');
  if (forge === 'none') return [];
  if (place.top === null || (await realpath(place.root)) !== (await realpath(place.top))) {
    cli.note(`no workflows: they belong to the top of the repository, with \`folder: ${basename(place.root)}\` for each action; see docs/github.md`);
    return [];
  }
  const commit = await builtFrom(cli.env);
  if (commit === null) cli.note('this plumb does not know which commit it is: the workflows name 000... where the commit of its actions belongs');
  return readWorkflows(forge, { commit, main: place.main });
}

async function refuseProject(root: string): Promise<void> {
  const there = await readdir(root).catch((error: unknown) => Promise.reject(systemError(error, 'read', root)));
  if (!there.includes(files.config)) return;
  throw new PlumbError('ALREADY_A_PROJECT', {
    what: `${root} holds a ${files.config} already`,
    where: { file: files.config },
    mend: 'there is nothing to do; `plumb doctor` checks the project',
  });
}

/** A project inside a project: commands would work on the one or the other, depending on where they start. */
async function refuseOuterProject(root: string, top: string | null): Promise<void> {
  if (top === null) {
    throw new PlumbError('GIT_NEEDS_WORK_TREE', {
      what: 'the repository is bare: there is no place for files',
      mend: 'run `plumb init` in a clone of it',
    });
  }
  for (let folder = root; folder !== top && folder !== dirname(folder);) {
    folder = dirname(folder);
    if ((await kindOf(join(folder, files.config))) === undefined) continue;
    throw new PlumbError('ALREADY_A_PROJECT', {
      what: `${root} lies in the project ${folder}`,
      mend: 'use that project, or a folder beside it',
    });
  }
}

async function openOrMakeGit(root: string, make: boolean, cli: Cli): Promise<Git> {
  try {
    return await openGit(root, cli.env);
  } catch (error) {
    if (!isPlumbError(error, 'NO_GIT_REPOSITORY')) throw error;
    if (!make) {
      throw new PlumbError('NO_GIT_REPOSITORY', {
        what: `${root} is in no git repository`,
        mend: 'run `git init -b main`, or `plumb init --git`, which does it for you',
        cause: error,
      });
    }
  }
  // not the git command: it may not be there, and its templates and default branch differ from machine to machine
  const [{ init }, fs] = await Promise.all([import('isomorphic-git'), import('node:fs')]);
  await init({ fs, dir: root, defaultBranch: 'main' });
  return openGit(root, cli.env);
}

interface Plan {
  readonly write: readonly TemplateFile[];
  /** a README of the repository's own stays */
  readonly kept: readonly string[];
}

/**
 * What is to be written. The project file comes last: until it is there, the command can be run again.
 * @throws PlumbError FILES_IN_THE_WAY before anything is written
 */
async function planFiles(root: string, wanted: readonly TemplateFile[]): Promise<Plan> {
  const write: TemplateFile[] = [];
  const kept: string[] = [];
  const conflicts: string[] = [];
  for (const file of wanted) {
    const there = await readPlace(root, file.path);
    if (there === 'free') write.push(file);
    else if (there === 'taken') conflicts.push(file.path);
    else if (there.equals(file.bytes)) continue;
    else if (shared.has(file.path)) write.push({ path: file.path, bytes: addLines(there, file.bytes) });
    else if (file.path === 'README.md') kept.push(file.path);
    else conflicts.push(file.path);
  }
  if (conflicts.length > 0) {
    throw new PlumbError('FILES_IN_THE_WAY', {
      what: `${conflicts.length} files are there already: ${conflicts.slice(0, 10).join(', ')}${conflicts.length > 10 ? ', ...' : ''}`,
      mend: 'move them away, or use another folder; nothing was written',
      details: { files: conflicts },
    });
  }
  return { write: write.toSorted((a, b) => Number(a.path === files.config) - Number(b.path === files.config)), kept };
}

/** The bytes at a path; 'free' when nothing is there; 'taken' when something else than a file is, or a symlink on the way to it. */
async function readPlace(root: string, path: string): Promise<Buffer | 'free' | 'taken'> {
  const names = path.split('/');
  for (let length = 1; length <= names.length; length += 1) {
    const kind = await kindOf(join(root, ...names.slice(0, length)));
    if (kind === undefined) return 'free';
    if (kind !== (length < names.length ? 'folder' : 'file')) return 'taken';
  }
  return readFile(join(root, path));
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | undefined> {
  try {
    const facts = await lstat(path);
    return facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError(error, 'read', path);
  }
}

function addLines(there: Buffer, ours: Buffer): Buffer {
  const lines = new Set(there.toString('utf8').split(/\r?\n/));
  const missing = ours
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !lines.has(line));
  if (missing.length === 0) return there;
  const end = there.length === 0 || there.at(-1) === 10 ? '' : '\n';
  return Buffer.concat([there, Buffer.from(`${end}${missing.join('\n')}\n`)]);
}

/** A remote in the project would be committed with it, or lost with it. path: of a folder; an address has none */
function checkRemote(text: string, root: string): { text: string; path?: string } {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    openRemote(text, { root, env: {} }); // says what is wrong with an address
    return { text };
  }
  const path = resolve(root, text);
  if (path !== root && !path.startsWith(root + sep)) return { text: text.split(sep).join('/'), path };
  throw new PlumbError('USAGE', {
    what: `--remote ${text}: the folder lies in the project`,
    mend: 'take a folder outside, which all of the team can reach',
  });
}

async function mainBranch(git: Git): Promise<string> {
  for (const name of ['main', 'master']) if ((await git.resolve(`refs/heads/${name}`)) !== null) return name;
  return (await git.branch()) ?? 'main';
}

/** Fills in the template's plumbline.yaml, comments kept. JSON texts are YAML. */
function configure(text: string, settings: { remote: string | undefined; main: string; repository: string }): string {
  const main = /^[A-Za-z][\w./-]*$/.test(settings.main) ? settings.main : JSON.stringify(settings.main);
  const named = text.replace(/^main: .*$/m, () => `main: ${main}`).replace(/^repository: .*$/m, () => `repository: ${settings.repository}`);
  return settings.remote === undefined ? named : named.replace(/^# remote: .*$/m, () => `remote: ${JSON.stringify(settings.remote)}`);
}

/** Two repositories may have one folder's name, and one remote. */
function repositoryName(root: string): string {
  const folder = basename(root)
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 60);
  return `${folder === '' ? 'project' : folder}-${randomBytes(4).toString('hex')}`;
}

const nextSteps: Record<string, readonly string[]> = {
  classifier: [
    'plumb add data/intents.jsonl --key id --label label',
    'plumb add data/intents-test.jsonl --key id --label label',
    'git add . && git commit -m "The first version"',
    'plumb run',
    'plumb report',
  ],
};
const nextStepsElsewhere = ['plumb add data/rows.jsonl --key id', 'git add . && git commit -m "The first version"', 'plumb doctor'];

function tell(template: string, plan: Plan, cli: Cli): void {
  const next = nextSteps[template] ?? nextStepsElsewhere;
  for (const file of plan.write) cli.print(`wrote  ${file.path}`);
  for (const path of plan.kept) cli.print(`kept   ${path} as it is`);
  cli.print(`\nNext:\n${next.map((line) => `  ${line}`).join('\n')}`);
  cli.emit({ root: cli.cwd, template, wrote: plan.write.map((file) => file.path), kept: plan.kept, next });
}
