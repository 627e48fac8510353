// The pages of docs/reference, each made from what the program itself uses.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { errorTable, exitCodes, exitMeanings, type Exit } from '../../src/base/errors.ts';
import type { AnyStep, StepRegistry } from '../../src/base/step.ts';
import type { Cli } from '../../src/cli/command.ts';
import { type CommandEntry, commands, exitText } from '../../src/cli/commands.ts';
import { steps } from '../../src/cli/steps.ts';
import { actionsPage } from './actions-page.ts';
import { type Format, writtenByPeople, writtenByPlumbline } from './catalog.ts';
import { jsonSchemaOf, keyTable, schemaFile } from './json-schema.ts';

const made = 'This page is made by `npm run schemas` from the source; change it there.\n';

/** @returns path in the repository -> text, of everything that is made */
export async function makeReference(root: string): Promise<Map<string, string>> {
  const formats = [...writtenByPeople, ...writtenByPlumbline];
  return new Map([
    ...formats.map((format) => [`schemas/${format.name}.schema.json`, schemaFile(format)] as const),
    ['docs/reference/formats.md', formatsPage()],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/commands.md', await commandsPage(commands)],
    ['docs/reference/actions.md', actionsPage(root, made)],
    ['docs/reference/steps.md', await stepsPage(steps, join(root, 'templates/classifier'))],
  ]);
}

function formatsPage(): string {
  const section = (format: Format): string => {
    const schema = jsonSchemaOf(format.schema);
    return `### ${format.file.startsWith('models/') || /\.(yaml|lock)$/.test(format.file) ? `\`${format.file}\`` : format.file}\n\n${schema.description ?? ''}\n\nJSON Schema: \`schemas/${format.name}.schema.json\`\n\n${keyTable(schema)}`;
  };
  return `# Formats

${made}
An unknown key is an error. Files that Plumbline writes are canonical: same content, same bytes. The package brings a JSON Schema of each; an editor that
speaks YAML completes keys after a first line such as \`# yaml-language-server: $schema=./node_modules/plumbline/schemas/pipeline.schema.json\`.

\`params.yaml\` holds hyperparameters in whatever mapping you like; a stage reads the keys that its \`params\` name.

## Written by people

${writtenByPeople.map(section).join('\n')}
## Written by Plumbline

${writtenByPlumbline.map(section).join('\n')}`;
}

function errorsPage(): string {
  const exits = (Object.keys(exitCodes) as Exit[]).map((exit) => `| ${exitCodes[exit]} | ${exitMeanings[exit]} |`);
  const codes = Object.entries(errorTable).map(([code, [exit, meaning]]) => `| \`${code}\` | ${exitCodes[exit]} | ${meaning} |`);
  return `# Errors and exit codes

${made}
An error says what is wrong and where, and how to mend it. With \`--json\` it is one document on stdout: \`{"error": {"code", "what", "where", "mend", "details"}}\`.

## Exit codes

| exit | meaning |
| --- | --- |
${exits.join('\n')}

## Codes

| code | exit | meaning |
| --- | --- | --- |
${codes.join('\n')}
`;
}

async function commandsPage(entries: readonly CommandEntry[]): Promise<string> {
  const visible = entries.filter((entry) => entry.hidden !== true);
  const sections = await Promise.all(
    visible.map(async (entry) => {
      const helps = helpTexts(await defineCommand(entry));
      return `## plumb ${entry.name}\n\n${helps.map((help) => `\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`).join('\n')}`;
    }),
  );
  return `# Commands

${made}
Every command also takes \`-C <folder>\` (work as if started there), \`--json\` (one JSON document on stdout, errors too), \`-q, --quiet\`, \`--no-color\` and \`--debug\`.
Exit codes: [errors.md](errors.md).

${visible.map((entry) => `- [plumb ${entry.name}](#plumb-${entry.name}): ${entry.summary}`).join('\n')}

${sections.join('\n')}`;
}

/** A command as main.ts makes it, with nobody to run it. */
export async function defineCommand(entry: CommandEntry): Promise<Command> {
  const command = new Command('plumb').command(entry.name).description(entry.summary);
  // define() only describes; the action, which alone looks at the world, is never called here
  (await entry.load()).define(command, {} as Cli);
  command.addHelpText('afterAll', exitText(entry));
  return command;
}

function helpTexts(command: Command): string[] {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 110, getOutHasColors: () => false });
  command.outputHelp();
  return [text, ...command.commands.flatMap((inner) => helpTexts(inner))];
}

/** Arguments that show each step at work in the classifier template. */
const examples: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'plumb/validate': { data: 'intents', rules: 'rules/intents.yaml' },
  'plumb/drift': { data: 'intents', against: 'intents-before' },
  'plumb/pii': { data: 'intents' },
  'plumb/secrets': { data: 'intents' },
  'plumb/dups': { data: 'intents' },
  'plumb/leakage': { train: 'intents', eval: 'intents-test' },
  'plumb/code': { data: 'snippets', code: [{ column: 'code', language: 'python' }] },
  'plumb/provenance': { data: 'intents', require: ['source', 'licence'] },
  'plumb/split': { data: 'intents', by: 'hash(id)', test: 0.2, validation: 0.1 },
  'plumb/train-text': { data: 'intents' },
  'plumb/evaluate': { model: 'train.model', suite: 'evals/intents.yaml' },
};

async function stepsPage(registry: StepRegistry, project: string): Promise<string> {
  const sections = await Promise.all([...registry.values()].map(async (load) => stepSection(await load(), project)));
  return `# Built-in steps

${made}
A stage of \`pipeline.yaml\` uses a step by \`uses\`; its outputs are files in \`out/<stage>/\`, which other stages name as \`<stage>.<output>\`. The version is part of
every fingerprint: it is raised when equal inputs give other outputs.

${sections.join('\n')}`;
}

async function stepSection(step: AnyStep, project: string): Promise<string> {
  const example = examples[step.uses];
  if (example === undefined) throw new Error(`scripts/reference/pages.ts has no example of ${step.uses}`);
  const ports = await step.ports(step.with.parse(example), (path) => readFile(join(project, path), 'utf8'));
  const outputs = Object.entries(ports.outputs).map(([name, file]) => `| \`${name}\` | \`out/<stage>/${file}\` |`);
  const params = step.params === null ? 'None.\n' : keyTable(jsonSchemaOf(step.params));
  return `## ${step.uses}, version ${step.version}

${step.summary}

\`\`\`yaml
stages:
  my-stage:
    uses: ${step.uses}
    with: ${flowOf(example)}
\`\`\`

Arguments (\`with\`):

${keyTable(jsonSchemaOf(step.with))}
Hyperparameters (\`params.yaml\`):

${params}
Outputs of the example:

| output | file |
| --- | --- |
${outputs.join('\n')}
`;
}

/** YAML on one line. */
function flowOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${flowOf(inner)}`)
    .join(', ')} }`;
}
