import { PlumbError } from '../base/errors.ts';
import type { Git } from './git.ts';
import type { Environment } from './process.ts';
import type { Repository } from './repository.ts';

export async function createIsomorphicGit(_repository: Repository, _env: Environment): Promise<Git> {
  throw new PlumbError('GIT_UNSUPPORTED', { what: 'there is no git command on PATH', mend: 'install git' });
}
