// src/ -> dist/, plain JavaScript with declarations: Node strips no types under node_modules, so the package ships compiled.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(/package\.json$/, 'bin/tsc');

rmSync(`${root}dist`, { recursive: true, force: true });
const run = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
process.exitCode = run.status ?? 1;

// what `plumb init` writes into workflows: the commit whose actions belong to this package
const head = spawnSync('git', ['rev-parse', '--verify', 'HEAD'], { cwd: root, encoding: 'utf8' });
if (run.status === 0) writeFileSync(`${root}dist/built-from.json`, `${JSON.stringify({ commit: head.status === 0 ? head.stdout.trim() : null })}\n`);
