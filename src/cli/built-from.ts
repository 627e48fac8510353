import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openGit } from '../git/open.ts';
import type { Cli } from './command.ts';

/**
 * The commit of Plumbline that this program is: what `scripts/build.ts` wrote down when it was compiled, or HEAD of the clone that it runs from.
 * @returns null where neither says so
 */
export async function builtFrom(env: Cli['env']): Promise<string | null> {
  const written = await readFile(new URL('../built-from.json', import.meta.url), 'utf8').catch(() => null);
  if (written !== null) return (JSON.parse(written) as { commit: string | null }).commit;
  const top = fileURLToPath(new URL('../..', import.meta.url));
  // an installed package lies in somebody else's repository
  const git = await openGit(top, env).catch(() => null);
  const own = git !== null && git.workTree !== null && resolve(git.workTree) === resolve(top);
  return own ? git.resolve('HEAD') : null;
}
