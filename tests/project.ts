// A project in a real git repository, and the real plumb as a child process: what the stories and attacks of this folder play on.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Digest } from '../src/base/digest.ts';
import { forms } from '../src/store/pack/pack.ts';
import { openPackFile, type PackFile } from '../src/store/pack/reader.ts';
import { createPack } from '../src/store/pack/writer.ts';

/** A Node that runs plumb without a second process in between: whoever kills it kills plumb. */
export const node: string =
  Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
export const plumbFile: string = fileURLToPath(new URL('../bin/plumb.js', import.meta.url));

export interface Answer {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** what --json said, or {} */
  readonly json: Record<string, unknown>;
  /** code of its error */
  readonly code: string | undefined;
}

export interface PlumbOptions {
  /** default: with --json */
  readonly text?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** folder below the project to start in */
  readonly cwd?: string;
  /** told when it has started */
  readonly started?: (child: import('node:child_process').ChildProcess) => void;
}

/** A folder of its own for one test: repository, remote, home. `using` removes it. */
export class TestProject {
  readonly top: string;
  /** work tree and project */
  readonly root: string;
  readonly remote: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(top: string) {
    this.top = top;
    this.root = join(top, 'repo');
    this.remote = join(top, 'remote');
    this.env = {
      PATH: process.env['PATH'],
      HOME: top,
      TZ: 'UTC',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
      TMPDIR: tmpdir(),
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'plumb-test-compile-cache'),
    };
  }

  /** @param files of the first commit, beside plumbline.yaml and .gitignore */
  static create(files: Readonly<Record<string, string>> = {}, options: { readonly remote?: boolean } = {}): TestProject {
    const project = new TestProject(realpathSync(mkdtempSync(join(tmpdir(), 'plumb-test-'))));
    mkdirSync(project.root);
    project.git('init', '-q', '-b', 'main', '--template=');
    project.write('plumbline.yaml', `version: 1\n${options.remote === true ? 'remote: ../remote\n' : ''}`);
    project.write('.gitignore', '.plumb/\nout/\n.plumb-tmp-*\n');
    for (const [path, text] of Object.entries(files)) project.write(path, text);
    project.git('add', '.');
    project.git('commit', '-qm', 'the first');
    return project;
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }

  /** The same project, cache and all, in a folder of its own: a new one, or an empty one that is given. */
  copy(at: string = mkdtempSync(join(tmpdir(), 'plumb-test-'))): TestProject {
    const other = new TestProject(realpathSync(at));
    cpSync(this.root, other.root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    if (existsSync(this.remote)) cpSync(this.remote, other.remote, { recursive: true });
    return other;
  }

  git(...words: string[]): string {
    return execFileSync('git', words, { cwd: this.root, env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  write(path: string, bytes: string | Uint8Array): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), bytes);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  plumb(words: readonly string[], options: PlumbOptions = {}): Promise<Answer> {
    const child = spawn(node, [plumbFile, ...(options.text === true ? [] : ['--json']), ...words], {
      cwd: join(this.root, options.cwd ?? ''),
      env: { ...this.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    options.started?.(child);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      // 'close' would wait for whoever inherited the pipes; a killed plumb may leave git a moment longer
      child.once('exit', (exit, signal) => {
        const done = (): void => resolve({ exit, signal, stdout, stderr, ...answerOf(stdout) });
        if (signal === null) child.once('close', done);
        else done();
      });
    });
  }

  /** Runs plumb and expects it to end well. */
  async done(...words: string[]): Promise<Record<string, unknown>> {
    const answer = await this.plumb(words);
    if (answer.exit !== 0) throw new Error(`plumb ${words.join(' ')} ended with ${answer.exit}: ${answer.stdout}${answer.stderr}`);
    return answer.json;
  }

  /** Objects of the cache, as paths. */
  objects(root: string = this.path('.plumb/cache')): string[] {
    return filesBelow(join(root, 'objects')).map((path) => join(root, 'objects', path));
  }

  objectPath(digest: unknown, root: string = this.path('.plumb/cache')): string {
    const hex = String(digest).replace('sha256:', '');
    return join(root, 'objects', hex.slice(0, 2), hex.slice(2));
  }

  /** Changes one byte of an object of the cache, as a failing disk does: of its file, and where it lies in a pack. */
  damage(digest: unknown): void {
    const path = this.objectPath(digest);
    if (existsSync(path)) flipByte(path, Math.floor(lstatSync(path).size / 2));
    for (const [pack, entry] of packsWith(this.path('.plumb/cache/packs'), digest)) {
      const { frame, offset, length } = pack.index.locationAt(entry);
      flipByte(pack.path, pack.index.frameAt(frame).offset + offset + Math.floor(length / 2));
    }
  }

  /** Takes an object out of the cache, and nothing else. */
  lose(digest: unknown): void {
    rmSync(this.objectPath(digest), { force: true });
    for (const [pack] of packsWith(this.path('.plumb/cache/packs'), digest)) {
      const rest = createPack(`${pack.path}-rest`, { compress: false });
      for (const { digest: other, stored } of pack.objects())
        if (other !== digest) rest.add({ digest: other, bytes: stored.length, form: forms.bytes, role: 'data' }, stored);
      const made = rest.finish();
      renameSync(`${pack.path}-rest`, join(dirname(pack.path), `${made.digest.slice(7)}.pack`));
      rmSync(pack.path);
    }
  }

  /** Takes the packs away in which the remote has an object. */
  loseRemotely(digest: unknown): void {
    for (const [pack] of packsWith(join(this.remote, 'packs'), digest)) rmSync(pack.path);
  }

  /** All that users see and git knows: files with their digests (but .git and .plumb), the index, HEAD, what git calls changed. */
  snapshot(): Record<string, string> {
    const files = filesBelow(this.root, (name) => name === '.git' || name === '.plumb');
    return {
      ...Object.fromEntries(files.map((path) => [path, describeFile(this.path(path))])),
      '(index)': this.git('ls-files', '--stage'),
      '(status)': this.git('status', '--porcelain', '-uall'),
      '(tree)': this.git('rev-parse', 'HEAD^{tree}'),
      '(commits)': this.git('rev-list', '--count', '--all'),
    };
  }
}

function* packsWith(folder: string, digest: unknown): Generator<readonly [PackFile, number]> {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const pack = openPackFile(join(folder, name));
    const entry = pack.index.find(digest as Digest);
    if (entry !== -1) yield [pack, entry];
    pack.close();
  }
}

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
}

function answerOf(stdout: string): { json: Record<string, unknown>; code: string | undefined } {
  try {
    const json = JSON.parse(stdout) as Record<string, unknown>;
    return { json, code: (json['error'] as { code?: string } | undefined)?.code };
  } catch {
    return { json: {}, code: undefined };
  }
}

/** Files and links below a folder, relative to it, sorted. */
export function filesBelow(folder: string, skip: (name: string) => boolean = () => false): string[] {
  const found: string[] = [];
  const walk = (prefix: string): void => {
    for (const entry of existsSync(join(folder, prefix)) ? readdirSync(join(folder, prefix), { withFileTypes: true }) : []) {
      if (prefix === '' && skip(entry.name)) continue;
      if (entry.isDirectory()) walk(`${prefix}${entry.name}/`);
      else found.push(prefix + entry.name);
    }
  };
  walk('');
  return found.toSorted();
}

function describeFile(path: string): string {
  const facts = lstatSync(path);
  if (facts.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  if (!facts.isFile()) return 'special';
  return `${(facts.mode & 0o777).toString(8)} ${sha256(readFileSync(path))}`;
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
