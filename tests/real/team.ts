// A team's clone of a repository made by `plumb init --template classifier`, by a release of Plumbline made from this work tree: what the stories on
// forges begin with.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { node } from '../project.ts';
import type { Release } from './servers/act/release.ts';

export interface TeamOptions {
  /** a folder of the caller's: the clone is in work/, the store in store/ */
  readonly top: string;
  readonly release: Release;
  readonly forge: 'github' | 'gitea';
  /** address of what git calls origin */
  readonly origin: string;
  /** owner/name, as the forge has it */
  readonly repository: string;
  /** workflow files whose signed runs count */
  readonly workflows: readonly string[];
  /** what becomes of the template's files before the first commit; default: the rows of four intents, few epochs */
  readonly prepare?: ((team: Team) => void) | undefined;
  /** default: a folder */
  readonly remote?: string | undefined;
  /** what the remote asks for */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export class Team {
  readonly work: string;
  /** private half of the key that signs */
  readonly key: string;
  private readonly plumbFile: string;
  private readonly env: NodeJS.ProcessEnv;

  private constructor({ top, release, env }: TeamOptions, key: string) {
    this.work = join(top, 'work');
    this.plumbFile = release.plumb;
    this.key = key;
    this.env = {
      PATH: process.env['PATH'],
      HOME: top,
      TZ: 'UTC',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      ...env,
      GIT_AUTHOR_NAME: 'Ann',
      GIT_AUTHOR_EMAIL: 'ann@example.org',
      GIT_COMMITTER_NAME: 'Ann',
      GIT_COMMITTER_EMAIL: 'ann@example.org',
    };
  }

  /** The first commit is made, and pushed nowhere. */
  static async start(options: TeamOptions): Promise<Team> {
    for (const name of ['work', 'store']) mkdirSync(join(options.top, name));
    const made = JSON.parse(await new Team(options, '').plumb('keys', 'new', '--name', 'ci', '--json')) as { public: string; private: string };
    const team = new Team(options, made.private);
    await team.git('init', '--quiet', '--initial-branch', 'main');
    await team.git('remote', 'add', 'origin', options.origin);
    const remote = options.remote ?? join(options.top, 'store');
    await team.plumb('init', '--template', 'classifier', '--forge', options.forge, '--remote', remote);
    (options.prepare ?? keepFew)(team);
    team.edit('policy.yaml', (text) => `${text}${trustOf(options, made.public)}`);
    for (const name of ['intents', 'intents-test']) await team.plumb('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
    await team.commit('The first version');
    return team;
  }

  read(path: string): string {
    return readFileSync(join(this.work, path), 'utf8');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.work, path)), { recursive: true });
    writeFileSync(join(this.work, path), text);
  }

  edit(path: string, change: (text: string) => string): void {
    const before = this.read(path);
    const after = change(before);
    if (after === before) throw new Error(`the change of ${path} changes nothing`);
    this.write(path, after);
  }

  git(...words: string[]): Promise<string> {
    return this.start('git', words);
  }

  plumb(...words: string[]): Promise<string> {
    return this.start(node, [this.plumbFile, ...words]);
  }

  async commit(message: string): Promise<string> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** The branch and its data, as people push them. */
  async push(branch: string, origin = 'origin'): Promise<void> {
    await this.plumb('push');
    await this.git('push', '--quiet', origin, `HEAD:refs/heads/${branch}`);
  }

  /** A new branch of main as origin has it, with a change that is committed. */
  async branch(name: string, change: () => void | Promise<void>): Promise<void> {
    await this.git('fetch', '--quiet', 'origin');
    await this.git('switch', '--quiet', '--force-create', name, 'origin/main');
    await this.plumb('checkout', '--force');
    await change();
    await this.commit(name);
  }

  /** The same as somebody else, by what that person's environment has. */
  plumbAs(env: Readonly<Record<string, string>>, ...words: string[]): Promise<string> {
    return this.start(node, [this.plumbFile, ...words], this.work, env);
  }

  start(program: string, words: readonly string[], cwd = this.work, env: Readonly<Record<string, string>> = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(program, words, { cwd, env: { ...this.env, ...env }, maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout.trim()) : reject(new Error(`${program} ${words.join(' ')}: ${stdout}${stderr}`, { cause: error })),
      );
    });
  }
}

const few = /"label":"(?:card_arrival|age_limit|lost_or_stolen_card|pin_blocked)"/;

/** Rows that are learned in a second. */
function keepFew(team: Team): void {
  for (const name of ['data/intents.jsonl', 'data/intents-test.jsonl', 'data/held-back.jsonl']) {
    const keep = (line: string): boolean => few.test(line);
    team.edit(name, (text) => `${text.split('\n').filter(keep).join('\n')}\n`);
  }
  team.edit('rules/intents.yaml', (text) => text.replace('min: 5000', 'min: 50'));
  team.edit('params.yaml', (text) => text.replace('epochs: 15', 'epochs: 5'));
  // of 160 cases nobody can rule out a loss of one point
  team.edit('policy.yaml', (text) => text.replace('not_worse_by: 0.01', 'not_worse_by: 0.1'));
}

function trustOf({ repository, workflows }: TeamOptions, key: string): string {
  return [
    '',
    '# Whose runs the main branch takes over from a pull request that was merged.',
    'trust:',
    `  repository: ${repository}`,
    `  workflows: [${workflows.join(', ')}]`,
    '  keys:',
    `    - { name: ci, public: ${key} }`,
    '',
  ].join('\n');
}
