// The repository behind the interface, and git over HTTP by git's own `git http-backend`: what is pushed moves the pull requests.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { movesOf } from './git-moves.ts';
import type { Rules } from './rules.ts';
import { dateOf, type Actor, type ApiQueued, type Pull, type State } from './state.ts';

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
  /**
   * Head, base, commits and files of every open pull request whose branch moved.
   * @param by who moved it, into the folder; default: nobody's account
   */
  refresh(by?: string): void;
  /** Another base branch for it. @returns false: there is none of that name */
  retarget(pull: Pull, base: string): boolean;
  /** @returns the commit that was made; null: conflicts */
  merge(pull: Pull, method: 'merge' | 'squash' | 'rebase', login: string): string | null;
  /** Makes the branch that the merge queue has checked. @returns null: conflicts */
  enqueue(pull: Pull): ApiQueued | null;
  /** The base branch goes on to what was checked. */
  land(pull: Pull, queued: ApiQueued): void;
  hasCommit(sha: string): boolean;
  /** What git says, or null where it fails. For reading. */
  ask(repository: string, ...args: readonly string[]): string | null;
  /** Bytes of a blob. */
  blob(sha: string): Buffer | null;
  /** Names of the inputs; undefined: no such file; a text: it cannot be dispatched, in GitHub's words. */
  workflowInputs(ref: string, file: string): readonly string[] | string | undefined;
  /** One request of git's; who asks is decided by the caller. */
  serve(request: IncomingMessage, response: ServerResponse, actor: Actor): void;
  close(): void;
}

/** who makes the branches of the merge queue, and merges by them */
export const queuer = 'github-merge-queue[bot]';

/** Refuses what the rules of a branch do not let be pushed. */
const hook = `#!/bin/sh
printf '%s\\n' "$REFUSED_REFS" | grep -qxF "$1" || exit 0
echo "error: GH013: Repository rule violations found for $1." >&2
echo "- Changes must be made through a pull request." >&2
exit 1
`;

const who = (login: string): NodeJS.ProcessEnv => ({
  GIT_AUTHOR_NAME: login,
  GIT_AUTHOR_EMAIL: `${login}@users.noreply.github.test`,
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.test',
});

export function openGit(state: State, rules: Rules): GitPlace {
  const root = mkdtempSync(join(tmpdir(), 'github-api-'));
  const full = `${state.owner}/${state.repo}`;
  const folder = (name: string = full): string => join(root, `${name}.git`);
  // nobody's own settings decide
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  make(full);
  const moves = movesOf(
    state,
    branchesOf,
    (repository, before, after) => run(['-C', folder(repository), 'merge-base', '--is-ancestor', before, after]) !== null,
  );
  const close = (): void => rmSync(root, { recursive: true, force: true });
  const asks = { ask: (repository: string, ...args: readonly string[]) => run(['-C', folder(repository), ...args]), blob, hasCommit, workflowInputs };
  return { folder, fork, openPull, refresh, retarget, merge, enqueue, land, ...asks, serve, close };

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
    writeFileSync(join(folder(name), 'hooks', 'update'), hook, { mode: 0o755 });
  }

  /** Its own branches alone have rules here. */
  function refusedTo(actor: Actor, path: string): string[] {
    if (!path.startsWith(`/${full}.git/`) || (state.rulesets.length === 0 && Object.keys(state.protections).length === 0)) return [];
    return [...new Set([state.defaultBranch, ...branchesOf(full).keys()])]
      .filter((one) => rules.refusesPush(one, actor))
      .map((one) => `refs/heads/${one}`);
  }

  function fork(owner: string): void {
    const name = `${owner}/${state.repo}`;
    make(name);
    must(['push', '-q', folder(name), 'refs/heads/*:refs/heads/*']);
    moves.take(name);
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
    const pull: Pull = { number, state: 'open', head: top, base: bottom, files: [], openedAt: dateOf(state.now()), ...names };
    bring(pull);
    if (pull.commits?.length === 0) return `No commits between ${base} and ${head}`;
    state.pulls.push(pull);
    return pull;
  }

  function refresh(by?: string): void {
    moves.record(by ?? null);
    const tips = new Map<string, Map<string, string>>();
    for (const pull of state.pulls) {
      // one that a test wrote down by itself has no branch here and stays as it is
      if (pull.state !== 'open' || typeof pull.headRepository !== 'string' || pull.headRef === undefined) continue;
      const branches = tips.get(pull.headRepository) ?? branchesOf(pull.headRepository);
      tips.set(pull.headRepository, branches);
      // a base that moved is seen with the next push to the head, as GitHub has it
      if (branches.get(pull.headRef) !== pull.head) bringAnew(pull);
    }
  }

  /** "Dismiss stale pull request approvals when new commits are pushed", which it does when they change what there is to see. */
  function bringAnew(pull: Pull): void {
    const seen = diffOf(pull);
    bring(pull);
    if (!rules.dismissesStale(pull.baseRef ?? state.defaultBranch) || diffOf(pull) === seen) return;
    for (const one of state.reviews) if (one.pull === pull.number && one.state === 'APPROVED') one.state = 'DISMISSED';
  }

  function diffOf({ base, head }: Pull): string | null {
    return run(['diff', `${base}...${head}`]);
  }

  function retarget(pull: Pull, base: string): boolean {
    if (tip(full, base) === null) return false;
    pull.baseRef = base;
    bringAnew(pull);
    return true;
  }

  function branchesOf(repository: string): Map<string, string> {
    const said = must(['-C', folder(repository), 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads']);
    return new Map(said.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ') as [string, string]])));
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
    if (made === null) return null;
    must(['update-ref', `refs/heads/${branch}`, made, base]);
    moves.note({ ref: `refs/heads/${branch}`, before: base, after: made, type: 'pr_merge', actor: login });
    return made;
  }

  // docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
  function enqueue(pull: Pull): ApiQueued | null {
    const into = pull.baseRef ?? state.defaultBranch;
    const base = must(['rev-parse', `refs/heads/${into}`]);
    const head = merged(base, pull, 'merge', queuer);
    if (head === null) return null;
    const branch = `gh-readonly-queue/${into}/pr-${pull.number}-${base}`;
    must(['update-ref', `refs/heads/${branch}`, head]);
    moves.record(queuer);
    const queued = { pull: pull.number, branch, head, base };
    state.queue.push(queued);
    return queued;
  }

  function land(pull: Pull, { branch, head, base }: ApiQueued): void {
    const ref = `refs/heads/${pull.baseRef ?? state.defaultBranch}`;
    must(['update-ref', ref, head, base]);
    moves.note({ ref, before: base, after: head, type: 'merge_queue_merge', actor: queuer });
    must(['update-ref', '-d', `refs/heads/${branch}`]);
    moves.record(queuer);
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

  function blob(sha: string): Buffer | null {
    const { status, stdout } = spawnSync('git', ['cat-file', 'blob', sha], { cwd: folder(), env, maxBuffer: 1 << 28 });
    return status === 0 ? stdout : null;
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

  function serve(request: IncomingMessage, response: ServerResponse, actor: Actor): void {
    const user = actor.login;
    const url = new URL(request.url ?? '', 'http://github');
    // GitHub takes an address with and without its ending
    const path = url.pathname.replace(/^(\/[^/]+\/[^/]+?)(\.git)?\//, '$1.git/');
    const cgi = {
      REFUSED_REFS: refusedTo(actor, path).join('\n'),
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
      if (path.endsWith('/git-receive-pack')) refresh(user);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  }
}
