// actions/*/main.ts -> actions/*/dist/: GitHub runs an action from a checkout and installs nothing, so all that it needs is in one committed
// file. `--check` makes the bundles again and compares: what is committed is what the source says, byte for byte.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages in CommonJS call `require` for Node's own modules; an ES module has none. */
const banner = "import { createRequire as nodeRequire } from 'node:module';\nconst require = nodeRequire(import.meta.url);";

/** A bundle has no package.json above it. */
const ownVersion: Plugin = {
  name: 'own version',
  setup({ onLoad }) {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    onLoad({ filter: /[/\\]src[/\\]cli[/\\]version\.ts$/ }, () => ({ contents: `export const version = ${JSON.stringify(version)};` }));
  },
};

/** @param from working folder: where a bundle is made must not change it */
async function bundleAction(action: string, from: string): Promise<Map<string, Buffer>> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, 'actions', action, 'main.ts')],
    absWorkingDir: from,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // the licences are in the file beside it, whole
    legalComments: 'none',
    // native: no action runs a model or judges rows with DuckDB, but what reads a pipeline can name the code that does
    external: ['onnxruntime-node', '@duckdb/node-api'],
    banner: { js: banner },
    plugins: [ownVersion],
    tsconfigRaw: {},
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${action}`);
  const inputs = Object.keys(metafile.inputs).map((path) => relative(root, resolve(from, path)).split(sep).join('/'));
  return new Map([
    [`actions/${action}/dist/index.js`, Buffer.from(file.contents)],
    [`actions/${action}/dist/licenses.txt`, Buffer.from(licencesOf(inputs))],
  ]);
}

/** The packages that are in a bundle, each with its licence, sorted. */
function licencesOf(inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<string, string>;
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(\.md|\.txt)?$/i.test(entry));
    const text = file === undefined ? `${license} (the package holds no licence file)` : readFileSync(join(root, folder, file), 'utf8');
    return `${name} ${version}\n${license}\n\n${text.replaceAll('\r\n', '\n').trim()}\n`;
  });
  return [...new Set(texts)].toSorted((a, b) => (a < b ? -1 : 1)).join(`\n${'-'.repeat(80)}\n\n`);
}

async function bundleAll(from: string): Promise<Map<string, Buffer>> {
  const actions = readdirSync(join(root, 'actions')).filter((name) => existsSync(join(root, 'actions', name, 'main.ts')));
  const bundles = await Promise.all(actions.toSorted().map((action) => bundleAction(action, from)));
  return new Map(bundles.flatMap((files) => [...files]));
}

const made = await bundleAll(root);
if (made.size === 0) throw new Error('there is no action to bundle');
if (process.argv.includes('--check')) {
  const again = await bundleAll(tmpdir());
  const same = (path: string, bytes: Buffer | undefined): boolean => bytes !== undefined && made.get(path)?.equals(bytes) === true;
  const committed = (path: string): Buffer | undefined => (existsSync(join(root, path)) ? readFileSync(join(root, path)) : undefined);
  const moving = [...made.keys()].filter((path) => !same(path, again.get(path)));
  const stale = [...made.keys()].filter((path) => !same(path, committed(path)));
  for (const path of moving) console.error(`${path}: made twice, from two folders, it differs`);
  for (const path of stale) console.error(`${path}: not what the source makes`);
  process.exitCode = moving.length + stale.length === 0 ? 0 : 1;
} else {
  for (const [path, bytes] of made) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
    console.log(`${path}  ${(bytes.length / 1024).toFixed(0)} KiB`);
  }
}
