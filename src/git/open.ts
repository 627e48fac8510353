import { PlumbError } from '../base/errors.ts';
import { createCommandGit } from './command.ts';
import type { Git } from './git.ts';
import { findGitProgram, type Environment } from './process.ts';
import { findRepository } from './repository.ts';

export type How = Git['how'];

/**
 * Opens the repository that a folder belongs to, without starting a process: a few small reads.
 * The git command answers where it is on PATH, else isomorphic-git; PLUMB_GIT=isomorphic (or command) in the environment decides otherwise.
 * @param cwd absolute; the repository of this folder or the nearest above it, whatever GIT_DIR says
 * @throws PlumbError NO_GIT_REPOSITORY, GIT_UNSUPPORTED
 */
export async function openGit(cwd: string, env: Environment, options: { readonly how?: How } = {}): Promise<Git> {
  const repository = await findRepository(cwd);
  const wanted = options.how ?? howOf(env);
  const program = wanted === 'isomorphic' ? null : findGitProgram(env);
  if (program !== null) return createCommandGit(repository, program, env);
  if (wanted === 'command') {
    throw new PlumbError('GIT_UNSUPPORTED', { what: 'there is no git command on PATH', mend: 'install git, or set PLUMB_GIT=isomorphic' });
  }
  const { createIsomorphicGit } = await import('./isomorphic.ts');
  return createIsomorphicGit(repository, env);
}

function howOf(env: Environment): How | undefined {
  const text = env['PLUMB_GIT'];
  if (text === undefined || text === '') return undefined;
  if (text === 'command' || text === 'isomorphic') return text;
  throw new PlumbError('USAGE', { what: `PLUMB_GIT is "${text}"`, mend: 'set it to command or isomorphic, or take it away' });
}
