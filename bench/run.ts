// `npm run bench`: what docs/benchmarks.md shows, measured in one run on this machine. Prints Markdown; ratios travel between machines, seconds do not.
// Usage: node bench/run.ts [--python PYTHON] [--only start,status,pipeline,demo,train,serve,audit]
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const plumb = fileURLToPath(new URL('../bin/plumb.js', import.meta.url));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({ options: { python: { type: 'string' }, only: { type: 'string' } } });
const wanted = options.only?.split(',');
const env = {
  ...process.env,
  PLUMB_RUN_DOMAIN: 'laptop',
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@example.org',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@example.org',
};

const parts: Record<string, () => Promise<string>> = {
  start: measureStart,
  status: measureStatus,
  pipeline: measurePipeline,
  demo: measureDemo,
  train: measureTrain,
  serve: measureServe,
  audit: measureAudit,
};

console.log(
  `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start, ${new Date().toISOString().slice(0, 10)}\n`,
);
for (const [name, measure] of Object.entries(parts)) {
  if (wanted !== undefined && !wanted.includes(name)) continue;
  console.log(await measure());
}

/** Whole processes, from start to exit, in ms: least and median of some runs, the first of which is not counted. */
async function timed(words: readonly string[], cwd: string, runs = 15): Promise<{ least: number; median: number }> {
  const times: number[] = [];
  for (let at = 0; at <= runs; at += 1) {
    const started = performance.now();
    await run(process.execPath, [...words], { cwd, env, maxBuffer: 1 << 26 });
    if (at > 0) times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { least: times[0] ?? NaN, median: times[Math.floor(times.length / 2)] ?? NaN };
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(cell < 10 ? 1 : 0) : cell)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function git(folder: string, ...words: string[]): Promise<void> {
  await run('git', words, { cwd: folder, env });
}

function measureStart(): Promise<string> {
  return withFolder(async (folder) => {
    const bare = await timed(['-e', '0'], folder);
    const rows: (string | number)[][] = [['`node -e 0` (the floor)', bare.least, bare.median, '']];
    for (const words of [['--version'], ['--help'], ['run', '--help']]) {
      const { least, median } = await timed([plumb, ...words], folder);
      rows.push([`\`plumb ${words.join(' ')}\``, least, median, words.length === 1 ? '100' : '']);
    }
    return `## Start\n\n${table(['whole process, ms', 'least', 'median', 'target'], rows)}`;
  });
}

function measureStatus(): Promise<string> {
  return withFolder(async (folder) => {
    await git(folder, 'init', '--quiet', '--initial-branch', 'main');
    await run(process.execPath, [plumb, 'init'], { cwd: folder, env });
    const empty = await timed([plumb, 'status'], folder);
    for (let at = 0; at < 10; at += 1) {
      await writeFile(
        join(folder, `d${at}.jsonl`),
        Array.from({ length: 10_000 }, (_, row) => JSON.stringify({ id: row, text: `row ${row} of ${at}` })).join('\n'),
      );
      await run(process.execPath, [plumb, 'add', `d${at}.jsonl`, '--key', 'id'], { cwd: folder, env });
    }
    await git(folder, 'add', '--all');
    await git(folder, 'commit', '--quiet', '--message', 'data');
    // a stamp is trusted when the file was at rest for two seconds
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await run(process.execPath, [plumb, 'status'], { cwd: folder, env });
    const ten = await timed([plumb, 'status'], folder);
    return `## Status\n\n${table(
      ['whole process, ms', 'least', 'median', 'target'],
      [
        ['no data set', empty.least, empty.median, ''],
        ['10 data sets of 10,000 rows, unchanged', ten.least, ten.median, '150'],
      ],
    )}`;
  });
}

function measurePipeline(): Promise<string> {
  return withFolder(async (folder) => {
    await git(folder, 'init', '--quiet', '--initial-branch', 'main');
    await run(process.execPath, [plumb, 'init'], { cwd: folder, env });
    const stages = Array.from(
      { length: 100 },
      (_, at) => `  s${at}: { cmd: "echo ${at} > s${at}.txt", deps: [${at === 0 ? 'seed.txt' : `s${at - 1}.txt`}], outs: [s${at}.txt] }`,
    );
    await writeFile(join(folder, 'pipeline.yaml'), `version: 1\nstages:\n${stages.join('\n')}\n`);
    await writeFile(join(folder, 'seed.txt'), 'seed\n');
    await git(folder, 'add', '--all');
    await git(folder, 'commit', '--quiet', '--message', 'pipeline');
    const started = performance.now();
    await run(process.execPath, [plumb, 'run'], { cwd: folder, env });
    const cold = performance.now() - started;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await run(process.execPath, [plumb, 'run'], { cwd: folder, env });
    const noOp = await timed([plumb, 'run'], folder);
    return `## Pipeline of 100 stages in a row\n\n${table(
      ['whole process, ms', 'least', 'median', 'target'],
      [
        ['first run: 100 shells', cold, cold, ''],
        ['nothing changed', noOp.least, noOp.median, '200'],
      ],
    )}`;
  });
}

function measureDemo(): Promise<string> {
  return withFolder(async (folder) => {
    const { stdout } = await run(process.execPath, [plumb, 'demo', '--json', '--keep', join(folder, 'demo')], { env, maxBuffer: 1 << 26 });
    const demo = JSON.parse(stdout) as {
      seconds: number;
      commands: { command: string; seconds: number }[];
      swaps: { what: string; afterStart: number; afterCommand: number; requests: number; lost: number }[];
    };
    const commands = demo.commands.filter((one) => one.seconds >= 0.2).map((one) => [`\`${one.command.slice(0, 70)}\``, one.seconds.toFixed(2)]);
    const swaps = demo.swaps.map((swap) => [swap.what, swap.afterStart.toFixed(2), swap.afterCommand.toFixed(2), `${swap.lost} of ${swap.requests}`]);
    return [
      `## The demo: ${demo.seconds.toFixed(0)} s in all (target: 180)\n`,
      table(['command over 0.2 s', 's'], commands),
      table(['swap', 's from the command', 's from its end', 'requests lost'], swaps),
    ].join('\n');
  });
}

async function measureTrain(): Promise<string> {
  const words = [here('./train/bench.ts'), ...(options.python === undefined ? [] : ['--python', options.python])];
  return `## Training and prediction in process, Banking77\n\n${(await run(process.execPath, words, { env, maxBuffer: 1 << 26 })).stdout}`;
}

async function measureServe(): Promise<string> {
  return `## Serving\n\n${(await run(process.execPath, [here('./serve/swap.ts')], { env, maxBuffer: 1 << 26 })).stdout}`;
}

async function measureAudit(): Promise<string> {
  return (await run(process.execPath, [here('./audit/thousand.ts')], { env, maxBuffer: 1 << 26 })).stdout;
}
