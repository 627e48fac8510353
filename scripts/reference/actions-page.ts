// docs/reference/actions.md, from action.yml of every action. GitHub has no key for the permissions that an action needs: they stand in a comment of
// the file, `# permission <scope>: <level> - <what for>` a line, or `# permission none`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

export interface ActionMetadata {
  readonly name: string;
  readonly description: string;
  readonly inputs?: Readonly<Record<string, { readonly description: string; readonly default?: string; readonly required?: boolean }>>;
  readonly outputs?: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string };
}

interface Permission {
  readonly scope: string;
  readonly level: string;
  readonly reason: string;
}

/** Folders of the actions: '.' for the one at the root, 'actions/plan' and so on, sorted. */
export function actionFolders(root: string): string[] {
  const below = readdirSync(join(root, 'actions')).map((name) => `actions/${name}`);
  return ['.', ...below.toSorted()].filter((folder) => existsSync(join(root, folder, 'action.yml')));
}

/** @throws Error for an action that does not say which permissions it needs */
export function permissionsOf(folder: string, text: string): Permission[] {
  const lines = [...text.matchAll(/^# permission (.*)$/gm)].map((match) => match[1] ?? '');
  if (lines.length === 1 && lines[0] === 'none') return [];
  const parsed = lines.map((line) => /^([a-z-]+): (read|write) - (.+)$/.exec(line));
  if (parsed.length === 0 || parsed.includes(null))
    throw new Error(`${folder}/action.yml: write "# permission none", or a line "# permission <scope>: <read or write> - <what for>" for each`);
  return parsed.flatMap((match) => (match === null ? [] : [{ scope: match[1] ?? '', level: match[2] ?? '', reason: match[3] ?? '' }]));
}

export function actionsPage(root: string, made: string): string {
  const sections = actionFolders(root).map((folder) => {
    const text = readFileSync(join(root, folder, 'action.yml'), 'utf8');
    return section(folder, load(text) as ActionMetadata, permissionsOf(folder, text));
  });
  return `# Actions

${made}
What each action for GitHub and Gitea takes, gives and may do. How they are put together is in [on GitHub](../github.md); \`plumb init\` writes the workflows.
An action is named by the commit of this repository that you trust: \`uses: plumbline/plumbline/actions/plan@<commit>\`.

${sections.join('\n')}`;
}

function section(folder: string, { name, description, inputs = {}, outputs = {}, runs }: ActionMetadata, permissions: readonly Permission[]): string {
  const uses = folder === '.' ? 'plumbline/plumbline' : `plumbline/plumbline/${folder}`;
  const how = runs.using === 'composite' ? 'Composite: installs Plumbline on the runner.' : 'One bundled file: installs nothing.';
  const needs = permissions.map(({ scope, level, reason }) => `| \`${scope}: ${level}\` | ${cell(reason)} |`);
  const takes = Object.entries(inputs).map(([key, input]) => {
    const value = input.required === true ? '*required*' : input.default === undefined || input.default === '' ? '' : `\`${input.default}\``;
    return `| \`${key}\` | ${value} | ${cell(input.description)} |`;
  });
  const gives = Object.entries(outputs).map(([key, output]) => `| \`${key}\` | ${cell(output.description)} |`);
  return [
    `## ${name}\n\n\`uses: ${uses}@<commit>\`\n\n${description.trim()}\n\n${how}\n`,
    table('Permissions', ['permission', 'for'], needs, 'Permissions: none.'),
    table('Inputs', ['input', 'default', ''], takes, 'No inputs.'),
    table('Outputs', ['output', ''], gives, 'No outputs.'),
  ].join('\n');
}

function table(title: string, heads: readonly string[], rows: readonly string[], none: string): string {
  if (rows.length === 0) return `${none}\n`;
  return `### ${title}\n\n| ${heads.join(' | ')} |\n|${' --- |'.repeat(heads.length)}\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
