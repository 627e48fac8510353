// vendor/grammars/: the parsers of the official tree-sitter packages, compiled to WebAssembly by those who make them. The packages are 200 MB, mostly
// native builds; what is kept is the one .wasm and the licence of each.  Usage: node scripts/grammars.ts FOLDER, where FOLDER holds node_modules with
// the packages that the manifest names:  npm install --ignore-scripts --legacy-peer-deps --prefix FOLDER tree-sitter-python tree-sitter-go ...
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const vendored = fileURLToPath(new URL('../vendor/grammars', import.meta.url));
const languages = ['c', 'cpp', 'go', 'java', 'javascript', 'php', 'python', 'ruby', 'rust', 'typescript'];

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/grammars.ts FOLDER (with node_modules/tree-sitter-*)');

const grammars = languages.map((language) => {
  const name = `tree-sitter-${language}`;
  const from = join(folder, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string; license: string };
  const wasm = readFileSync(join(from, `${name}.wasm`));
  writeFileSync(join(vendored, `${language}.wasm`), wasm);
  writeFileSync(join(vendored, `${language}.LICENSE`), readFileSync(join(from, 'LICENSE')));
  const sha256 = createHash('sha256').update(wasm).digest('hex');
  return { language, package: name, version, license, file: `${language}.wasm`, bytes: wasm.length, sha256 };
});
writeFileSync(join(vendored, 'manifest.json'), `${JSON.stringify({ grammars }, null, 2)}\n`);
console.log(`${grammars.length} grammars, ${grammars.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`);
