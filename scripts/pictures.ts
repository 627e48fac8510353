// Makes the pictures of docs/github.md again: comment and HTML report of a pull request with 200 more rows and another learning rate.
// A project of the classifier template is made in a temporary folder and run, with few epochs (about 15 s of CPU). GitHub's own Markdown
// program and a browser draw what `plumb ci report` writes. Only times and commits differ from one making to the next.
// Usage: node scripts/pictures.ts. It wants cmark-gfm, pngquant, a font with emoji (Debian: fonts-noto-color-emoji) and chromium, or what $CHROMIUM names.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'plumbline-pictures-'));
const project = join(folder, 'intents');
const largestBytes = 150_000;

/** Someone's name, and nothing of the configuration of whoever runs this. */
const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

/** @throws Error when the program is not there or fails; what it says goes to our stderr */
function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { cwd: project, env: environment, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
}

const git = (...args: string[]): string => run('git', args);
const plumb = (...args: string[]): string => run(process.execPath, [join(root, 'bin', 'plumb.js'), ...args]);

function setParameter(name: string, value: number): void {
  const path = join(project, 'params.yaml');
  const before = readFileSync(path, 'utf8');
  const after = before.replace(new RegExp(`^( *${name}: ).*$`, 'm'), `$1${value}`);
  if (after === before) throw new Error(`params.yaml of the template has no ${name} other than ${value}`);
  writeFileSync(path, after);
}

function commit(message: string): void {
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
}

function trainProduction(): void {
  mkdirSync(project);
  git('init', '--quiet', '--initial-branch', 'main');
  plumb('init', '--template', 'classifier');
  setParameter('epochs', 6);
  for (const name of ['intents', 'intents-test']) plumb('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
  commit('The first version');
  plumb('run');
  plumb('promote', 'intents', '--to', 'production');
}

function trainBranch(): void {
  git('switch', '--quiet', '--create', 'more-rows');
  const rows = (name: string): string[] =>
    readFileSync(join(project, 'data', name), 'utf8')
      .trimEnd()
      .split('\n');
  const more = [...rows('intents.jsonl'), ...rows('held-back.jsonl').slice(0, 200)];
  writeFileSync(join(project, 'data', 'intents.jsonl'), `${more.join('\n')}\n`);
  setParameter('learning_rate', 1);
  plumb('add', 'data/intents.jsonl');
  commit('200 more rows, smaller steps');
  plumb('run');
}

/** Sizes and colours in the manner of code hosts, none of their marks. */
const style = `
  body { margin: 16px; font: 14px/1.5 'Liberation Sans', Arial, sans-serif; color: #1f2328; background: #fff }
  main { border: 1px solid #d1d9e0; border-radius: 6px; padding: 16px }
  h2 { margin: 0 0 16px; font-size: 21px; line-height: 1.25; padding-bottom: 6px; border-bottom: 1px solid #d1d9e0 }
  h3 { margin: 24px 0 16px; font-size: 17.5px; line-height: 1.25 }
  p, table, details { margin: 0 0 16px }
  table { border-collapse: collapse; display: block; overflow: auto }
  th, td { border: 1px solid #d1d9e0; padding: 6px 13px }
  tr:nth-child(2n) td { background: #f6f8fa }
  code { font: 85% 'Liberation Mono', monospace; background: #eff1f3; border-radius: 6px; padding: .2em .4em }
`;

function renderComment(markdown: string): string {
  const extensions = ['table', 'autolink', 'strikethrough', 'tasklist'].flatMap((name) => ['--extension', name]);
  const body = run('cmark-gfm', ['--unsafe', ...extensions], markdown);
  return `<!doctype html><meta charset="utf-8"><title>comment</title><style>${style}</style><main>${body}</main>`;
}

function photograph(page: string, picture: string, size: { readonly width: number; readonly height: number }): void {
  const path = join(root, 'docs', 'pictures', picture);
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  run(process.env['CHROMIUM'] ?? 'chromium', [
    ...asRoot,
    '--headless',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--hide-scrollbars',
    '--log-level=3',
    `--user-data-dir=${join(folder, 'browser')}`,
    `--window-size=${size.width},${size.height}`,
    `--screenshot=${path}`,
    pathToFileURL(page).href,
  ]);
  run('pngquant', ['--force', '--strip', '--output', path, '64', path]);
  const { size: sizeBytes } = statSync(path);
  if (sizeBytes > largestBytes) throw new Error(`${picture} has ${sizeBytes} bytes, more than ${largestBytes}: choose a lower picture`);
  console.log(`docs/pictures/${picture}: ${size.width} x ${size.height}, ${sizeBytes} bytes`);
}

try {
  trainProduction();
  trainBranch();
  const report = join(folder, 'report.html');
  const comment = join(folder, 'comment.html');
  writeFileSync(comment, renderComment(plumb('ci', 'report', '--stdout', '--html', report)));
  photograph(comment, 'github-comment.png', { width: 900, height: 2050 });
  photograph(report, 'github-report.png', { width: 1100, height: 1340 });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
