// `plumb demo` as a reader plays it, and the tutorials that begin with it: played once, each page is followed in a copy.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoCommand, followPage, readBlocks, readPage } from './page.ts';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));

interface Demo {
  readonly folder: string;
  readonly seconds: number;
  readonly commands: readonly { readonly command: string; readonly exit: number; readonly seconds: number }[];
  readonly swaps: readonly {
    readonly what: string;
    readonly requests: number;
    readonly lost: number;
    readonly model: string;
    readonly afterStart: number;
  }[];
  readonly report: string;
}

let room: string;
let day: string;
let demo: Demo;
let env: Record<string, string | undefined>;

function run(program: string, args: readonly string[], cwd: string): { exit: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { exit: status, stdout, stderr };
}

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'plumb-demo-test-'));
  day = join(room, 'day');
  // a machine on which nobody has told git a name
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GIT_|PLUMB_|VITEST)/.test(name));
  env = { ...Object.fromEntries(inherited), HOME: room, GIT_CONFIG_NOSYSTEM: '1', TZ: 'UTC', NO_COLOR: '1' };
  const played = run(process.execPath, [plumb, 'demo', '--json', '--keep', day], room);
  if (played.exit !== 0) throw new Error(`plumb demo ended with ${played.exit}\n${played.stdout}\n${played.stderr}`);
  demo = JSON.parse(played.stdout) as Demo;
});
afterAll(() => rm(room, { recursive: true, force: true }));

describe('the demo', () => {
  test('every command ends as the story has it: only the gate and the promotion of the bad model say no', () => {
    expect(demo.commands.length).toBeGreaterThan(25);
    expect(demo.commands.filter(({ exit }) => exit !== 0).map(({ command, exit }) => [command, exit])).toEqual([
      ['plumb gate', 1],
      ['plumb promote intents --to production', 1],
    ]);
  });

  test('the server moves three times and loses no request; the last move is the way back', () => {
    expect(demo.swaps.map(({ what, lost }) => [what, lost])).toEqual([
      ['promotion', 0],
      ['forced promotion', 0],
      ['git revert', 0],
    ]);
    for (const { requests } of demo.swaps) expect(requests).toBeGreaterThan(0);
    expect(demo.swaps[2]?.model).toBe(demo.swaps[0]?.model);
    expect(demo.swaps[1]?.model).not.toBe(demo.swaps[0]?.model);
  });

  test('the report is there and stands alone: nothing in it is loaded from elsewhere', () => {
    const html = readFileSync(demo.report, 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).toContain('better than production');
    expect(html.match(/<(?:script|img|iframe|link|source)\b[^>]*\b(?:src|href)=/gi) ?? []).toEqual([]);
    expect(html.match(/@import|url\((?!['"]?(?:#|data:))/gi) ?? []).toEqual([]);
  });

  test('the repository that it leaves is clean, on main, and holds together through all of its history', () => {
    expect(demo.folder).toBe(day);
    expect(run('git', ['status', '--porcelain'], day)).toMatchObject({ exit: 0, stdout: '' });
    expect(run('git', ['branch', '--show-current'], day).stdout).toBe('main\n');
    const verified = run(process.execPath, [plumb, 'verify', '--history', '--bytes'], day);
    expect(verified, verified.stdout).toMatchObject({ exit: 0, stdout: expect.stringContaining('4 commits') });
  });

  test('what it printed can be repeated there: commands that only look say the same again, the pipeline is all in the cache', async () => {
    const looking = demo.commands.map(({ command }) => command).filter((command) => /^plumb (history|verify|predict|diff)\b/.test(command));
    expect(looking.length).toBeGreaterThan(3);
    const markdown = [...new Set(looking), 'plumb run', 'git switch -q more-rows', 'plumb checkout', 'plumb run', 'plumb gate'].join('\n');
    const blocks = readBlocks(`\`\`\`sh\n${demoCommand}\ncd day\n${markdown}\n\`\`\`\n\`\`\`output\n3 stages: 0 ran, 3 from the cache, …\n\`\`\``);
    await inCopy(async (folder) => expect(await followPage(blocks, folder, day)).toEqual([]));
  });

  test('it leaves no server behind, and refuses a folder that is not empty', () => {
    // the server works in the folder of the day; this process does not
    const there = existsSync('/proc') ? readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && folderOf(pid) === day) : [];
    expect(there).toEqual([]);
    expect(run(process.execPath, [plumb, 'demo', '--keep', day], room)).toMatchObject({ exit: 2 });
  });
});

describe('pages that begin with the demo', () => {
  test.each(['docs/tutorial-reviewer.md', 'docs/tutorial-on-call.md', 'docs/tutorial-auditor.md'])('%s', async (page) => {
    const blocks = readBlocks(await readPage(page));
    expect(blocks[0]?.commands[0]?.text).toBe(demoCommand);
    await inCopy(async (folder) => expect(await followPage(blocks, folder, day)).toEqual([]));
  });
});

function folderOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

async function inCopy(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(room, 'page');
  await mkdir(folder);
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
