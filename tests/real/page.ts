// A page of the docs as a script: the commands of its ```sh blocks, in order, in one shell, as a reader would type them.
//
//   ```sh       run. A line is a command; a here-document (<<'END') and a backslash at the end carry it on.
//               `# exit 1` at the end says which code the command ends with; else 0.
//               `... &` starts a server; the next command waits until the server says that it is ready. `kill %1` stops it, as by hand.
//   ```output   each line stands in what the ```sh block before it printed; `…` stands for anything, spaces count as one.
//   ```text     not run.
//
// Blocks in lists are indented. Port 8080 of a page is a free port here. `plumb` is a function of the shell: this tree's, as is `npx plumb`. `plumb demo --keep day`, with which several pages
// begin, is played once and copied.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quote } from '../../src/demo/stage.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));

export interface PageCommand {
  readonly line: number;
  readonly text: string;
  readonly exit: number;
}

export interface PageBlock {
  readonly commands: readonly PageCommand[];
  /** lines that must have been printed by these commands */
  readonly output: readonly { readonly line: number; readonly text: string }[];
}

/** The blocks of a page that are run, in order. @param section only below this heading, up to the next one of its rank; '': above the first */
export function readBlocks(markdown: string, section?: string): PageBlock[] {
  const blocks: { commands: PageCommand[]; output: { line: number; text: string }[] }[] = [];
  let fence: string | undefined;
  let within = section === undefined || section === '';
  let open: { line: number; text: string; until: string | null } | undefined;
  let indent = '';
  for (const [at, whole] of markdown.split('\n').entries()) {
    const line = at + 1;
    const text = fence !== undefined && whole.startsWith(indent) ? whole.slice(indent.length) : whole;
    if (fence === undefined) {
      if (section !== undefined && text.startsWith('## ')) within = text === `## ${section}`;
      const [, before = '', name] = /^( *)```(.*)$/.exec(text) ?? [];
      if (name !== undefined) [indent, fence] = [before, name.trim()];
      if (fence === 'sh' && within) blocks.push({ commands: [], output: [] });
    } else if (text === '```') fence = undefined;
    else if (!within) continue;
    else if (fence === 'output') blocks.at(-1)?.output.push({ line, text });
    else if (fence === 'sh') {
      open = open === undefined ? { line, text, until: null } : { ...open, text: `${open.text}\n${text}` };
      open.until ??= /<<'(\w+)'/.exec(text)?.[1] ?? null;
      if (open.until === null ? text.endsWith('\\') : text !== open.until) continue;
      if (!/^\s*(#|$)/.test(open.text)) blocks.at(-1)?.commands.push({ line: open.line, text: open.text, exit: exitOf(open.text) });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: a command that does not end`);
  return blocks;
}

function exitOf(text: string): number {
  return Number(/#.*\bexit (\d+)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? 0);
}

export const demoCommand = 'plumb demo --keep day';

/**
 * What is wrong with a page when it is followed in a folder; empty when nothing is.
 * @param demo the folder of a demo that has been played
 * @param more what the reader's environment has beside the usual: tokens and keys
 */
export async function followPage(
  blocks: readonly PageBlock[],
  folder: string,
  demo?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const port = await freePort();
  const printed = await play(script(blocks, { port, demo }), folder, more);
  const faults: string[] = [];
  for (const [at, block] of blocks.entries()) {
    const said = block.commands.map(({ line }) => printed.get(line)?.text ?? '').join('\n');
    for (const { line, text, exit } of block.commands) {
      const end = printed.get(line);
      if (end?.exit === exit) continue;
      return [...faults, `line ${line}: ${text.split('\n')[0]}\nended with ${end?.exit ?? 'nothing'}, the page says ${exit}\n${end?.text ?? ''}`];
    }
    const flat = squeeze(said);
    for (const { line, text } of block.output) {
      if (!pattern(text, port).test(flat)) faults.push(`line ${line}: block ${at + 1} does not print\n${text}\nbut\n${said}`);
    }
  }
  return faults;
}

function pattern(text: string, port: number): RegExp {
  const escaped = squeeze(text.replaceAll('8080', String(port))).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}$`, 'm');
}

function squeeze(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .join('\n');
}

const mark = '@@page';

function script(blocks: readonly PageBlock[], { port, demo }: { port: number; demo: string | undefined }): string {
  const waitForServer = `for _ in $(seq 300); do curl -sf http://127.0.0.1:${port}/readyz >/dev/null && break; sleep 0.1; done`;
  const pieces = blocks.flatMap((block) =>
    block.commands.map(({ line, text, exit }) => {
      const server = / &( *#.*)?$/.test(text);
      const command = demo !== undefined && text.startsWith(demoCommand) ? `cp -R ${quote(demo)} day` : text.replaceAll('8080', String(port));
      return `${command}\npage_exit=$?\n${server ? `${waitForServer}\n` : ''}printf '\\n${mark} %s %s\\n' ${line} $page_exit\n[ $page_exit = ${exit} ] || exit 1\n`;
    }),
  );
  const plumb = `plumb() { ${quote(process.execPath)} ${quote(join(top, 'bin', 'plumb.js'))} "$@"; }\nnpx() { "$@"; }\n`;
  // job control, so that `kill %1` means what it means at a prompt; what a page leaves running ends with it
  return `set -m\ntrap 'for job in $(jobs -p); do kill -- -$job; done 2>/dev/null' EXIT\n${plumb}exec 2>&1\n${pieces.join('')}`;
}

async function play(text: string, folder: string, more: Readonly<Record<string, string>>): Promise<Map<number, { exit: number; text: string }>> {
  const home = await mkdtemp(join(tmpdir(), 'plumb-page-home-'));
  await writeFile(join(home, '.gitconfig'), '[user]\n\tname = Reader\n\temail = reader@example.org\n');
  await writeFile(join(home, 'page.sh'), text);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GIT_|PLUMB_|NODE_OPTIONS|VITEST)/.test(name));
  // a page is followed as a person does it, also where CI runs the tests
  const person = { HOME: home, PLUMB_RUN_DOMAIN: 'laptop' };
  const env = { ...Object.fromEntries(inherited), ...person, ...more, GIT_CONFIG_NOSYSTEM: '1', GIT_PAGER: 'cat', TZ: 'UTC', NO_COLOR: '1' };
  const child = spawn('bash', [join(home, 'page.sh')], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  try {
    await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
  const printed = new Map<number, { exit: number; text: string }>();
  let said: string[] = [];
  for (const line of Buffer.concat(pieces).toString('utf8').split('\n')) {
    const [, at, exit] = new RegExp(`^${mark} (\\d+) (\\d+)$`).exec(line) ?? [];
    if (at === undefined) said.push(line);
    else {
      printed.set(Number(at), { exit: Number(exit), text: said.join('\n') });
      said = [];
    }
  }
  return printed;
}

export async function readPage(path: string): Promise<string> {
  return readFile(join(top, path), 'utf8');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
