// `npm run check`: what tools can hold, in one command, the same here and in CI. All of them run, whichever fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Tool {
  /** a command of node_modules/.bin */
  readonly name: string;
  /** what it is called in the list, when its name says too little */
  readonly title?: string;
  readonly args: readonly string[];
  /** what to do when it fails */
  readonly mend: string;
}

const tools: readonly Tool[] = [
  { name: 'tsc', args: ['--noEmit'], mend: 'correct the types' },
  {
    name: 'oxlint',
    args: ['--type-aware', '--deny-warnings'],
    mend: 'correct the code; a rule that is wrong for us is turned off in .oxlintrc.json, with a reason in the commit',
  },
  { name: 'oxfmt', args: ['--check', 'src', 'tests', 'scripts', 'actions', 'bin'], mend: 'npm run format' },
  { name: 'knip', args: [], mend: 'take out what nobody uses' },
  { name: 'node', title: 'bundles', args: ['scripts/bundle-actions.ts', '--check'], mend: 'npm run bundle' },
  {
    name: 'node',
    title: 'workflows',
    args: ['scripts/lint-workflows.ts'],
    mend: 'correct the workflow; an action is pinned by the commit of its tag',
  },
  {
    name: 'node',
    title: 'zizmor',
    args: ['scripts/zizmor.ts'],
    mend: 'correct the workflow or the action; what is meant so gets a comment `# zizmor: ignore[<audit>]` and the reason above it',
  },
  {
    name: 'node',
    title: 'data',
    args: ['bin/plumb.js', 'status', '--check'],
    mend: 'the example data is not what datasets.lock says: `plumb diff`, then `plumb add` it, or restore it from git',
  },
  { name: 'vitest', args: ['run', 'tests/architecture.test.ts', 'tests/formats.test.ts'], mend: 'see docs/architecture.md; npm run schemas' },
];

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns the exit code; output comes through whole, but only of a tool that fails */
function runTool(tool: Tool): Promise<{ code: number; output: string; seconds: number }> {
  const started = performance.now();
  const child = spawn(`${root}node_modules/.bin/${tool.name}`, tool.args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve) => {
    const end = (code: number): void => resolve({ code, output: Buffer.concat(pieces).toString(), seconds: (performance.now() - started) / 1000 });
    child.on('error', (error) => {
      pieces.push(Buffer.from(error.message));
      end(127);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

/** Of a tool that this machine cannot have; in CI no tool says so. */
const skippedCode = 77;

let failed = 0;
let skipped = 0;
for (const tool of tools) {
  const { code, output, seconds } = await runTool(tool);
  const word = code === 0 ? 'ok  ' : code === skippedCode ? 'SKIP' : 'FAIL';
  console.log(`${word}  ${(tool.title ?? tool.name).padEnd(9)} ${seconds.toFixed(1)} s`);
  if (code === 0) continue;
  if (code === skippedCode) {
    skipped += 1;
    console.log(output.trimEnd());
    continue;
  }
  failed += 1;
  console.log(`${output.trimEnd()}\n  mend: ${tool.mend}\n`);
}
console.log(
  failed === 0 ? `all tools agree${skipped === 0 ? '' : `, but ${skipped} did not run`}` : `${failed} of ${tools.length} tools found something`,
);
process.exitCode = failed === 0 ? 0 : 1;
