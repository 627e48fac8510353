// Which remote a job on a pull request uses: the one that the base names. The branch may write another one into its plumbline.yaml; were it asked, the
// credentials of the job (PLUMB_REGISTRY_PASSWORD, PLUMB_HTTP_TOKEN, AWS_*, what the machine is logged in to) would go to a host of the branch's choice.
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { parseYaml } from '../base/config.ts';
import type { Git } from '../git/git.ts';
import { findBaseCommit } from './base-commit.ts';
import type { ProjectConfig } from './config.ts';
import { files } from './layout.ts';
import { domainOf, readJobEvent, type Environment, type TrustDomain } from './trust-domain.ts';

export interface BoundConfig {
  readonly config: ProjectConfig;
  /** why no remote is asked */
  readonly refused?: PlumbError;
}

/** On a laptop, and in jobs of the main branch: as the work tree has it. */
export async function bindRemote(
  config: ProjectConfig,
  world: { readonly git: Git; readonly prefix: string; readonly env: Environment },
): Promise<BoundConfig> {
  const { git, prefix, env } = world;
  const domain = domainOrNull(env);
  if (domain === null || domain.kind === 'laptop' || domain.kind === 'trusted') return { config };
  const commit = await findBaseCommit({ git, env, domain, main: config.main });
  const base = commit === null ? undefined : await configAt(git, prefix + files.config, commit);
  const { remote, untrusted, repository, ...rest } = config;
  if (base?.remote !== undefined)
    return {
      config: {
        ...rest,
        remote: base.remote,
        ...(base.untrusted === undefined ? {} : { untrusted: base.untrusted }),
        ...(base.repository === undefined ? {} : { repository: base.repository }),
      },
    };
  return remote === undefined ? { config } : { config, refused: noBase(commit === null) };
}

/** A job that is not understood has no runs to share, and says so when it asks for them. */
function domainOrNull(env: Environment): TrustDomain | null {
  try {
    return domainOf(env, () => readJobEvent(env));
  } catch (error) {
    if (isPlumbError(error, 'RUN_DOMAIN')) return null;
    throw error;
  }
}

/** undefined: there was none, or none that can be read */
async function configAt(git: Git, path: string, commit: string): Promise<ProjectConfig | undefined> {
  const bytes = await git.readBlob(commit, path);
  if (bytes === null) return undefined;
  const { projectConfigSchema } = await import('./config.ts');
  return parseYaml(Buffer.from(bytes).toString('utf8'), files.config, projectConfigSchema).catch(() => undefined);
}

function noBase(isMissing: boolean): PlumbError {
  return new PlumbError('REMOTE_OF_BRANCH', {
    what: isMissing
      ? `this clone lacks the base of the pull request, whose ${files.config} says which remote this job may ask`
      : `${files.config} of the base names no remote, and this job asks none that only the pull request names`,
    where: { file: files.config },
    mend: isMissing
      ? 'let the checkout of the workflow bring it: `fetch-depth: 0`'
      : 'bring the remote to the base branch first, in a pull request of its own',
  });
}
