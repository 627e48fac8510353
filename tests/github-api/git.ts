// The repository behind the interface, and git over HTTP by git's own `git http-backend`: what is pushed moves the pull requests.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Pull, State } from './state.ts';

export interface NewPull {
  /** a branch, or 'mallory:branch' of a fork */
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly author: string;
  readonly body?: string;
}

export interface GitPlace {
  /** Of the bare repository; `name` of a fork. */
  folder(name?: string): string;
  /** Makes <owner>/<repo> a fork, with all that is there now. */
  fork(owner: string): void;
  /** @returns GitHub's words where it does not go */
  openPull(what: NewPull): Pull | string;
  /** Head, base, commits and files of every open pull request whose branch moved. */
  refresh(): void;
  /** @returns the commit that was made; null: conflicts */
  merge(pull: Pull, method: 'merge' | 'squash' | 'rebase', login: string): string | null;
  hasCommit(sha: string): boolean;
  /** Names of the inputs; undefined: no such file; a text: it cannot be dispatched, in GitHub's words. */
  workflowInputs(ref: string, file: string): readonly string[] | string | undefined;
  /** One request of git's; who asks is decided by the caller. */
  serve(request: IncomingMessage, response: ServerResponse, user: string): void;
  close(): void;
}

const who = (login: string): NodeJS.ProcessEnv => ({
  GIT_AUTHOR_NAME: login,
  GIT_AUTHOR_EMAIL: `${login}@users.noreply.github.test`,
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.test',
});

export function openGit(state: State): GitPlace {
  const root = mkdtempSync(join(tmpdir(), 'github-api-'));
  const full = `${state.owner}/${state.repo}`;
  const folder = (name: string = full): string => join(root, `${name}.git`);
  // nobody's own settings decide
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  make(full);
  return { folder, fork, openPull, refresh, merge, hasCommit, workflowInputs, serve, close: () => rmSync(root, { recursive: true, force: true }) };

  function run(args: readonly string[], login = 'github'): string | null {
    const { status, stdout } = spawnSync('git', args, { cwd: folder(), env: { ...env, ...who(login) }, encoding: 'utf8', maxBuffer: 1 << 28 });
    return status === 0 ? stdout.trim() : null;
  }

  function must(args: readonly string[], login?: string): string {
    const said = run(args, login);
    if (said === null) throw new Error(`git ${args.join(' ')} failed`);
    return said;
  }

  function make(name: string): void {
    mkdirSync(folder(name), { recursive: true });
    const at = ['-C', folder(name)];
    must([...at, 'init', '--bare', '-q', '-b', state.defaultBranch]);
    // as GitHub: any commit may be fetched, in part too; refs/pull is its own
    const settings = {
      'http.receivepack': 'true',
      'uploadpack.allowAnySHA1InWant': 'true',
      'uploadpack.allowFilter': 'true',
      'receive.hideRefs': 'refs/pull',
      // it would go on in the background, in a folder that is gone
      'receive.autogc': 'false',
      'gc.auto': '0',
    };
    for (const [key, value] of Object.entries(settings)) must([...at, 'config', key, value]);
  }

  function fork(owner: string): void {
    make(`${owner}/${state.repo}`);
    must(['push', '-q', folder(`${owner}/${state.repo}`), 'refs/heads/*:refs/heads/*']);
  }

  function tip(repository: string, branch: string): string | null {
    return existsSync(folder(repository)) ? run(['-C', folder(repository), 'rev-parse', '--verify', '-q', `refs/heads/${branch}`]) : null;
  }

  function openPull({ head, base, title, author, body }: NewPull): Pull | string {
    const [branch = '', owner = state.owner] = head.split(':').toReversed();
    const from = `${owner}/${state.repo}`;
    const [top, bottom] = [tip(from, branch), tip(full, base)];
    if (top === null) return 'head is invalid';
    if (bottom === null) return 'base is invalid';
    const number = Math.max(0, ...state.pulls.map((one) => one.number)) + 1;
    const names = { headRef: branch, baseRef: base, headRepository: from, title, author, ...(body === undefined ? {} : { body }) };
    const pull: Pull = { number, state: 'open', head: top, base: bottom, files: [], ...names };
    bring(pull);
    if (pull.commits?.length === 0) return `No commits between ${base} and ${head}`;
    state.pulls.push(pull);
    return pull;
  }

  function refresh(): void {
    const tips = new Map<string, Map<string, string>>();
    for (const pull of state.pulls) {
      // one that a test wrote down by itself has no branch here and stays as it is
      if (pull.state !== 'open' || typeof pull.headRepository !== 'string' || pull.headRef === undefined) continue;
      const branches = tips.get(pull.headRepository) ?? branchesOf(pull.headRepository);
      tips.set(pull.headRepository, branches);
      // a base that moved is seen with the next push to the head, as GitHub has it
      if (branches.get(pull.headRef) !== pull.head) bring(pull);
    }
  }

  function branchesOf(repository: string): Map<string, string> {
    const lines = must(['-C', folder(repository), 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads']).split('\n');
    return new Map(lines.map((line) => line.split(' ') as [string, string]));
  }

  function bring(pull: Pull): void {
    const head = tip(pull.headRepository ?? full, pull.headRef ?? '');
    const base = tip(full, pull.baseRef ?? state.defaultBranch);
    if (head === null || base === null) return;
    must(['fetch', '-q', folder(pull.headRepository ?? full), `+${head}:refs/pull/${pull.number}/head`]);
    const trial = tree(base, head);
    if (trial === null) run(['update-ref', '-d', `refs/pull/${pull.number}/merge`]);
    else must(['update-ref', `refs/pull/${pull.number}/merge`, commit(trial, [base, head], `Merge ${head} into ${base}`, 'github')]);
    const commits = must(['rev-list', '--reverse', `${base}..${head}`]);
    Object.assign(pull, { head, base, commits: commits === '' ? [] : commits.split('\n'), files: filesOf(base, head) });
  }

  /** "three-dot": against where they parted. */
  function filesOf(base: string, head: string): Pull['files'] {
    const words = must(['diff', '--name-status', '-z', '-M', `${base}...${head}`]).split('\0');
    const files: { filename: string; status: string; previous_filename?: string }[] = [];
    for (let at = 0; at + 1 < words.length;) {
      const letter = (words[at] ?? '').charAt(0);
      const status = ({ A: 'added', D: 'removed', R: 'renamed', C: 'copied', T: 'changed' } as Record<string, string>)[letter] ?? 'modified';
      const moved = letter === 'R' || letter === 'C';
      files.push(
        moved ? { filename: words[at + 2] ?? '', status, previous_filename: words[at + 1] ?? '' } : { filename: words[at + 1] ?? '', status },
      );
      at += moved ? 3 : 2;
    }
    return files;
  }

  function tree(base: string, head: string): string | null {
    return run(['merge-tree', '--write-tree', base, head]);
  }

  function commit(ofTree: string, parents: readonly string[], message: string, login: string): string {
    return must(['commit-tree', ofTree, ...parents.flatMap((one) => ['-p', one]), '-m', message], login);
  }

  function merge(pull: Pull, method: 'merge' | 'squash' | 'rebase', login: string): string | null {
    const branch = pull.baseRef ?? state.defaultBranch;
    const base = must(['rev-parse', `refs/heads/${branch}`]);
    const made = method === 'rebase' ? rebased(base, pull, login) : merged(base, pull, method, login);
    if (made !== null) must(['update-ref', `refs/heads/${branch}`, made, base]);
    return made;
  }

  function merged(base: string, pull: Pull, method: 'merge' | 'squash', login: string): string | null {
    const made = tree(base, pull.head);
    const message =
      method === 'merge' ? `Merge pull request #${pull.number} from ${pull.headRepository}\n\n${pull.title}` : `${pull.title} (#${pull.number})`;
    return made === null ? null : commit(made, method === 'merge' ? [base, pull.head] : [base], message, login);
  }

  function rebased(base: string, pull: Pull, login: string): string | null {
    const work = mkdtempSync(join(root, 'rebase-'));
    must(['worktree', 'add', '-q', '--detach', '-f', work, base]);
    const picked = run(['-C', work, 'cherry-pick', `${base}..${pull.head}`], login);
    const made = picked === null ? null : must(['-C', work, 'rev-parse', 'HEAD']);
    must(['worktree', 'remove', '--force', work]);
    return made;
  }

  function hasCommit(sha: string): boolean {
    return run(['cat-file', '-e', `${sha}^{commit}`]) !== null;
  }

  function workflowInputs(ref: string, file: string): readonly string[] | string | undefined {
    const name = ref.replace(/^refs\/(heads|tags)\//, '');
    const found = ['heads', 'tags'].map((kind) => run(['rev-parse', '--verify', '-q', `refs/${kind}/${name}`])).find((one) => one !== null);
    if (found === undefined) return `No ref found for: ${ref}`;
    const text = run(['show', `${found ?? ''}:.github/workflows/${file}`]);
    if (text === null) return undefined;
    const { on } = parse(text) as { on?: unknown };
    const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on ?? {});
    if (!events.includes('workflow_dispatch')) return `Workflow does not have 'workflow_dispatch' trigger`;
    const { workflow_dispatch: event } = on as { workflow_dispatch?: { inputs?: object } | null };
    return Object.keys(event?.inputs ?? {});
  }

  function serve(request: IncomingMessage, response: ServerResponse, user: string): void {
    const url = new URL(request.url ?? '', 'http://github');
    // GitHub takes an address with and without its ending
    const path = url.pathname.replace(/^(\/[^/]+\/[^/]+?)(\.git)?\//, '$1.git/');
    const cgi = {
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
    };
    const child = spawn('git', ['http-backend'], { env: { ...env, ...cgi }, stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    request.pipe(child.stdin);
    let head = Buffer.alloc(0);
    child.stdout.on('data', (piece: Buffer) => {
      if (response.headersSent) return void response.write(piece);
      head = Buffer.concat([head, piece]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const headers = Object.fromEntries(
        head
          .toString('latin1', 0, end)
          .split('\r\n')
          .map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
      );
      const { Status: status = '200', ...rest } = headers;
      response.writeHead(Number.parseInt(status, 10), rest).write(head.subarray(end + 4));
    });
    child.on('close', () => {
      if (path.endsWith('/git-receive-pack')) refresh();
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  }
}
