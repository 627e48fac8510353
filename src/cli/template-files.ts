// The files that `plumb init` begins with: of a template, and the workflows of a forge.
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';

const templates = fileURLToPath(new URL('../../templates', import.meta.url));

/** Beside the templates: what each of them may have for a forge. */
const forgesFolder = 'forges';
export const forges = ['github', 'gitea'] as const;
export type ForgeName = (typeof forges)[number];

/** Stands in the workflows of the package where the commit of its own actions belongs. */
const pin = '0'.repeat(40);

export interface TemplateFile {
  /** relative to the project, '/' between names */
  readonly path: string;
  readonly bytes: Buffer;
}

/** @throws PlumbError TEMPLATE_UNKNOWN */
export async function readTemplate(name: string): Promise<TemplateFile[]> {
  const known = (await readdir(templates)).filter((one) => one !== forgesFolder).toSorted(byCodeUnit);
  if (!known.includes(name)) {
    throw new PlumbError('TEMPLATE_UNKNOWN', {
      what: `there is no template "${name}".${didYouMean(name, known)}`,
      mend: `templates: ${known.join(', ')}`,
    });
  }
  return readFolder(join(templates, name));
}

/**
 * The workflows of a forge, for a repository whose project is at its top.
 * @param commit of Plumbline's own actions: a tag could be moved; null: not known, and the workflows name a commit that is none
 * @param main the branch that is merged into
 */
export async function readWorkflows(forge: ForgeName, { commit, main }: { commit: string | null; main: string }): Promise<TemplateFile[]> {
  const files = await readFolder(join(templates, forgesFolder, forge));
  // JSON text is YAML, whatever a branch is called
  const branches = `branches: [${/^[A-Za-z][\w./-]*$/.test(main) ? main : JSON.stringify(main)}]`;
  return files.map(({ path, bytes }) => {
    const text = bytes
      .toString('utf8')
      .replaceAll(pin, commit ?? pin)
      .replaceAll('branches: [main]', () => branches);
    return { path, bytes: Buffer.from(text) };
  });
}

async function readFolder(folder: string): Promise<TemplateFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return Promise.all(
    // `gitignore` has no dot in the package, for npm leaves .gitignore out
    paths.toSorted(byCodeUnit).map(async (path) => ({ path: path === 'gitignore' ? '.gitignore' : path, bytes: await readFile(join(folder, path)) })),
  );
}
