// How long what nobody names any more stays: policy.yaml of the main branch says it. A branch cannot shorten it.
import { parseYaml } from '../base/config.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { policySchema } from '../registry/schema.ts';

export interface Retention {
  /** null: for ever */
  readonly pointerDays: number | null;
  readonly runDays: number;
}

/** Of a project without a policy: pointers for ever, runs for a month. */
const usual: Retention = { pointerDays: null, runDays: 30 };

/** The commit of the main branch, here or as it was fetched last. */
export async function mainCommit({ git, config }: Pick<Project, 'git' | 'config'>): Promise<string | null> {
  return (await git.resolve(`refs/heads/${config.main}`)) ?? git.resolve(`refs/remotes/origin/${config.main}`);
}

/** @throws PlumbError CONFIG_INVALID: what cannot be understood lets nothing go */
export async function readRetention(project: Project): Promise<Retention> {
  const { git, prefix, readText } = project;
  const main = await mainCommit(project);
  const bytes = main === null ? null : await git.readBlob(main, prefix + files.policy);
  const text = bytes === null ? await readText(files.policy) : Buffer.from(bytes).toString('utf8');
  if (text === undefined) return usual;
  const { retention } = await parseYaml(text, files.policy, policySchema);
  return { pointerDays: retention.pointers === 'forever' ? null : daysOf(retention.pointers), runDays: daysOf(retention.runs) };
}

function daysOf(text: string): number {
  return Number.parseInt(text, 10);
}
