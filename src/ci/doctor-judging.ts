// What the parts of the doctor judge with: the settings, and the policy of the main branch.
import type { ForgeSettings } from '../forge/settings.ts';
import { readCodeowners } from '../registry/codeowners.ts';
import type { Policy } from '../registry/schema.ts';

export interface Judging {
  readonly settings: ForgeSettings;
  /** of the main branch, as the forge has it; null: not there, or not understood */
  readonly policy: Policy | null;
  /** of the project in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
}

/** The account that every job of GitHub Actions speaks with: binding a check to it binds it to no workflow. */
export const actionsApp = 15_368;

export function checkContext({ policy }: Judging): string {
  return policy?.check.context ?? 'plumb/promotion';
}

/** The App that alone should set the check; null: policy.yaml does not say, or names the one of all jobs. */
export function checkApp({ policy }: Judging): number | null {
  const app = policy?.check.app ?? null;
  return app === actionsApp ? null : app;
}

/** Files that decide who may promote: whoever changes one of them unseen needs no promotion. */
export function decidingFiles({ settings, prefix }: Judging): string[] {
  const folder = settings.forge === 'github' ? '.github/workflows' : '.gitea/workflows';
  const workflows = (settings.workflows ?? []).map((one) => one.path);
  const path = settings.codeowners?.path ?? null;
  // one that nobody has written yet, too
  return [`${folder}/new.yml`, ...workflows, `${prefix}policy.yaml`, ...(path === null ? [] : [path])];
}

/** By CODEOWNERS of the main branch; where who owns a path is not clear, nobody does. */
export function isOwned({ settings }: Judging, path: string): boolean {
  return ownership(settings)(path);
}

function ownership({ codeowners, forge }: ForgeSettings): (path: string) => boolean {
  const find = readCodeowners(codeowners?.text ?? '', forge);
  return (path) => {
    const found = find(path);
    return found.kind === 'owners' && found.owners.length > 0;
  };
}

/** Does CODEOWNERS name somebody for each of the files that decide? */
export function ownersCover(judging: Judging): boolean {
  return (judging.settings.codeowners?.path ?? null) !== null && decidingFiles(judging).every(ownership(judging.settings));
}

export function apiPath(settings: ForgeSettings): string {
  const [owner = '', repo = ''] = settings.repository.split('/');
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}`;
}

/** "a, b and c" */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
