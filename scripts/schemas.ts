// Writes schemas/*.schema.json and docs/reference/*.md from the source. tests/formats.test.ts fails when they differ from it.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeReference } from './reference/pages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = await makeReference(root);
for (const [path, text] of pages) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
for (const name of await readdir(join(root, 'schemas'))) {
  if (!pages.has(`schemas/${name}`)) await rm(join(root, 'schemas', name));
}
console.log(`${pages.size} files are as the source says`);
