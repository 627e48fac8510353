#!/usr/bin/env node
// Plain JavaScript that an old Node parses: it finds a Node that can run us, then the compiled code (an installed
// package) or the source (a clone of the repository, where Node 24 strips the types and the compile cache keeps the result).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

if (Number(process.versions.node.split('.')[0]) < 24) {
  const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(bundled)) {
    console.error(`plumb needs Node 24 or newer; this is Node ${process.versions.node}.\n  Mend: npm install --save-dev node@24, then npx plumb.`);
    process.exit(6);
  }
  const run = spawnSync(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(run.status ?? 1);
}
module.enableCompileCache?.();
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
