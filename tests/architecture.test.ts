import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { Cli } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function filesBelow(folder: string, end: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(end))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .toSorted();
}

const sources = filesBelow('src', '.ts');
const documents = ['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')].filter((path) => existsSync(join(root, path)));

/** The folders of src in the order of the table in docs/architecture.md. */
const order = [...read('docs/architecture.md').matchAll(/^\| `([a-z]+)\/` \|/gm)].map((match) => match[1] ?? '');

interface Edge {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Imports, types and import() too, from one folder of src into another. Tests may look anywhere. */
function importEdges(): Edge[] {
  return sources
    .filter((file) => !/\.(test|contract|fixture)\.ts$/.test(file))
    .flatMap((file) => {
      const from = file.split('/')[1] ?? '';
      const named = [...read(file).matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g)].map((match) =>
        posix.join(dirname(file), match[1] ?? ''),
      );
      return named.map((path) => ({ file, from, to: path.split('/')[1] ?? '' })).filter((edge) => edge.from !== edge.to);
    });
}

describe('folders', () => {
  test('the table of docs/architecture.md names every folder of src', () => {
    const folders = readdirSync(join(root, 'src')).toSorted();
    expect(order.toSorted()).toEqual(folders);
  });

  test('an import only points up the list', () => {
    const edges = importEdges();
    expect(edges.length).toBeGreaterThan(20);
    expect(edges.filter(({ from, to }) => order.indexOf(to) === -1 || order.indexOf(to) > order.indexOf(from))).toEqual([]);
  });

  test('zod is imported where formats are, and nowhere on the way to --help', () => {
    const light = [
      'src/base/errors.ts',
      'src/base/names.ts',
      'src/base/progress.ts',
      'src/cli/command.ts',
      'src/cli/commands.ts',
      'src/cli/main.ts',
      'src/cli/version.ts',
    ];
    const heavy =
      /^import (?!type\b).*'(?:zod|yaml|js-yaml|isomorphic-git|onnxruntime-node|fastify|@observablehq\/plot|linkedom|hyparquet)'|^import (?!type\b).*schema\.ts'/m;
    expect(heavy.test(read('src/datasets/schema.ts'))).toBe(true);
    expect(light.filter((path) => heavy.test(read(path)))).toEqual([]);
  });
});

describe('files', () => {
  test('names are nouns in kebab-case; nothing is called utils', () => {
    expect(sources.length).toBeGreaterThan(50);
    const form = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|fixture|reference|bench))?\.ts$/;
    const empty = /^(utils?|helpers?|common|shared|misc|lib|types)$/;
    const wrong = sources.filter((path) => {
      const [name = '', ...folders] = path.split('/').toReversed();
      return !form.test(name) || [name.split('.')[0] ?? '', ...folders].some((word) => empty.test(word) || /-(utils?|helpers?)$/.test(word));
    });
    expect(wrong).toEqual([]);
  });

  test('a file over 400 lines says why in its first line', () => {
    const long = sources.filter((path) => read(path).split('\n').length > 401);
    expect(long.filter((path) => !/^\/\/.*\b(long|lines)\b/i.test(read(path)))).toEqual([]);
  });
});

/** Text in backticks and targets of links that name files of this repository. */
function pathsIn(document: string): string[] {
  const text = read(document).replaceAll(/```[\s\S]*?```/g, '');
  const ours = ['src', 'docs', 'tests', 'scripts', 'templates', 'schemas', 'bench', 'actions', 'bin', '.ci'];
  const quoted = [...text.matchAll(/`([^`\s]+)`/g)].flatMap((match) => {
    const path = match[1] ?? '';
    if (/[*<>{}$…]/.test(path) || !path.includes('/')) return [];
    const first = path.split('/')[0] ?? '';
    if (ours.includes(first)) return [path];
    return order.includes(first) && /^[a-z./-]+$/.test(path) ? [`src/${path}`] : [];
  });
  const linked = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => posix.join(dirname(document), match[1] ?? ''));
  return [...quoted, ...linked];
}

describe('documents', () => {
  test('every path that they name is there', () => {
    const named = documents.flatMap((document) => pathsIn(document).map((path) => ({ document, path })));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('every command in their sh blocks exists, with its options', async () => {
    const lines = documents.flatMap((document) => shellLines(read(document)).map((line) => ({ document, line })));
    const uses = lines.filter(({ line }) => /^(npx )?plumb\b/.test(line));
    const known = await knownOptions();
    const wrong = uses.filter(({ line }) => !isKnown(line.replace(/^npx /, '').split(/\s+/).slice(1), known));
    expect(wrong).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const npm = lines.flatMap(({ line }) => [...line.matchAll(/^npm run ([\w:-]+)/g)].map((match) => match[1] ?? ''));
    expect(npm.filter((name) => !(name in scripts))).toEqual([]);
  });
});

/** Command lines of ```sh blocks, `$ ` and comments taken off, one a command. */
function shellLines(text: string): string[] {
  return [...text.matchAll(/```(?:sh|shell|bash|console)\n([\s\S]*?)```/g)].flatMap((match) =>
    (match[1] ?? '')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) =>
        line
          .replace(/^\s*\$ /, '')
          .replace(/\s+#.*$/, '')
          .trim(),
      )
      .flatMap((line) => line.split(/\s*&&\s*/)),
  );
}

async function knownOptions(): Promise<Map<string, Set<string>>> {
  const general = ['-C', '--json', '-q', '--quiet', '--no-color', '--debug', '--help', '-h'];
  const entries = await Promise.all(
    commands.map(async (entry) => {
      const command = new Command(entry.name);
      (await entry.load()).define(command, {} as Cli);
      const all = [command, ...command.commands].flatMap((one) => one.options);
      return [entry.name, new Set([...general, ...all.flatMap((option) => [option.long ?? '', option.short ?? ''])])] as const;
    }),
  );
  return new Map(entries);
}

function isKnown(words: readonly string[], known: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const [name = ''] = words;
  if (name.startsWith('-')) return ['--help', '--version', '-V', '-h', '-C'].includes(name);
  const options = known.get(name);
  return options !== undefined && words.slice(1).every((word) => !/^--?[A-Za-z]/.test(word) || options.has(word.split('=')[0] ?? ''));
}
