#!/usr/bin/env node
// Plain JavaScript that an old Node parses: it finds a Node that can run us, then the compiled code (an installed
// package) or the source (a clone of the repository, where Node 24 strips the types and the compile cache keeps the result).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';

if (Number(process.versions.node.split('.')[0]) < 24) {
  const bundled = findNode();
  if (bundled === undefined) {
    console.error(`plumb needs Node 24 or newer; this is Node ${process.versions.node}.\n  Mend: npm install --save-dev node@24, then npx plumb.`);
    process.exit(6);
  }
  process.exit(await under(bundled));
}
// what streams through (a million files, gigabytes of rows) is young for a moment: a small nursery keeps the peak of memory down by a fifth
setFlagsFromString('--semi-space-growth-factor=1');
module.enableCompileCache?.();
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));

/** The npm package `node`, wherever npm put it for us. */
function findNode() {
  try {
    const found = new URL('bin/node', pathToFileURL(module.createRequire(import.meta.url).resolve('node/package.json')));
    return existsSync(found) ? fileURLToPath(found) : undefined;
  } catch {
    return undefined;
  }
}

/** Runs this file again under another Node; signals go on to it, and its end is ours. */
function under(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // ctrl-C of a terminal reaches both of us: the child decides what it means
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
