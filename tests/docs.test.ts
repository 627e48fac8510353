// What the docs say about the tree is so: links lead somewhere, every page is found from the README, pictures stay small. Commands are run by tests/real/.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs')];

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${folder}/${path}`)
    .toSorted();
}

interface Link {
  readonly page: string;
  /** relative to the repository */
  readonly path: string;
  readonly anchor: string | undefined;
}

function linksOf(page: string): Link[] {
  const text = read(page).replaceAll(/^```[^]*?^```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { page, path: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** As forges name them. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ +(.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const links = pages.flatMap(linksOf);

test('every link between pages leads to a file that is there, and to a heading of it', () => {
  expect(links.length).toBeGreaterThan(40);
  const broken = links.filter(
    ({ path, anchor }) => !existsSync(join(root, path)) || (anchor !== undefined && path.endsWith('.md') && !anchorsOf(path).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

test('every page is found from the README', () => {
  const found = new Set(['README.md']);
  for (const page of found) for (const link of links) if (link.page === page && pages.includes(link.path)) found.add(link.path);
  expect(pages.filter((page) => !found.has(page))).toEqual([]);
});

test('pictures are shown on some page and stay under 200 kB', () => {
  const pictures = readdirSync(join(root, 'docs/pictures')).map((name) => `docs/pictures/${name}`);
  expect(pictures.length).toBeGreaterThan(0);
  for (const picture of pictures) {
    expect(links.map(({ path }) => path)).toContain(picture);
    expect(statSync(join(root, picture)).size, picture).toBeLessThan(200_000);
  }
});

test('files of the tree that pages name in code are there', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:src|tests|templates|bench|scripts|schemas|bin|docs)\/[\w./-]*[\w/])`/g)].map(([, path = '']) => ({ page, path })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
});

test('a page with commands that are run as a script is followed by a test, each of its sections', () => {
  const tests = ['docs', 'demo', 'docs-forge'].map((name) => read(`tests/real/${name}.test.ts`)).join('\n');
  const sections = pages.flatMap((page) => sectionsWithCommands(page).map((section) => ({ page, section })));
  expect(sections.length).toBeGreaterThan(20);
  // of these CI itself runs what is there: a clone of Plumbline, and its checks
  const ofCi = (page: string, section: string): boolean => page === 'CONTRIBUTING.md' || (page === 'README.md' && section === '');
  // pages that are followed from top to bottom, and those of which a test names the sections
  const bySection = ['README.md', 'docs/github.md', 'docs/deploy.md'];
  const isFollowed = ({ page, section }: { page: string; section: string }): boolean =>
    bySection.includes(page) ? section === '' || tests.includes(`'${section}'`) : tests.includes(`'${page}'`);
  expect(sections.filter((one) => !ofCi(one.page, one.section) && !isFollowed(one))).toEqual([]);
});

/** Headings of the second rank below which there is a ```sh block; '' above the first. */
function sectionsWithCommands(page: string): string[] {
  return read(page)
    .split(/^## /m)
    .map((text, at) => ({ title: at === 0 ? '' : (text.split('\n')[0] ?? ''), text }))
    .filter(({ text }) => /^ *```sh$/m.test(text))
    .map(({ title }) => title);
}
