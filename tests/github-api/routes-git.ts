// What is in the repository and who moved its branches: docs.github.com/en/rest/repos/repos (activities), repos/contents, git/refs, git/commits, git/blobs
import type { GitPlace } from './git.ts';
import type { Objects } from './objects.ts';
import { pagedByCursor } from './paged.ts';
import { invalid, missing, refusedAs, type Answer, type Asked, type Routes, type State } from './state.ts';

const megabyte = 1024 * 1024;

interface Entry {
  readonly mode: string;
  readonly sha: string;
  readonly path: string;
}

export function gitRoutes(state: State, objects: Objects, git: GitPlace | null): Routes {
  const repository = '/repos/{owner}/{repo}';
  const full = `${state.owner}/${state.repo}`;
  const needs = ['contents=read'];
  return {
    [`GET ${repository}/activity`]: { needs, forks: true, answer: activity },
    [`GET ${repository}/git/ref/{ref}`]: { needs, forks: true, answer: readRef },
    [`GET ${repository}/git/commits/{commit_sha}`]: { needs, answer: readCommit },
    [`GET ${repository}/git/blobs/{file_sha}`]: { needs, answer: readBlob },
    [`GET ${repository}/contents/{path}`]: { needs, answer: contents },
  };

  // "direction: default desc"; "The `ref` for a branch can be formatted either as `refs/heads/BRANCH_NAME` or `BRANCH_NAME`"
  function activity(asked: Asked): Answer {
    const { query, parameters } = asked;
    const ref = query.get('ref')?.replace(/^(refs\/heads\/)?/, 'refs/heads/');
    const of = `${parameters['owner']}/${parameters['repo']}`;
    const found = state.activities.filter((one) => one.repository === of && (ref === undefined || one.ref === ref));
    return pagedByCursor(asked, query.get('direction') === 'asc' ? found : found.toReversed(), objects.activity);
  }

  function readRef({ parameters }: Asked): Answer {
    const [kind, ...name] = (parameters['ref'] ?? '').split('/');
    if (kind !== 'heads' && kind !== 'tags') return invalid(state, `ref is ${parameters['ref']}: heads/<branch> or tags/<tag>`);
    const ref = `refs/${kind}/${name.join('/')}`;
    const sha = git === null ? state.refs[ref] : git.ask(`${parameters['owner']}/${parameters['repo']}`, 'rev-parse', '--verify', '-q', ref);
    return sha === null || sha === undefined ? missing : { status: 200, body: objects.ref(ref, sha) };
  }

  function readCommit({ parameters }: Asked): Answer {
    const sha = parameters['commit_sha'] ?? '';
    const said = /^[0-9a-f]{40}$/.test(sha) ? (git?.ask(full, 'show', '-s', '--format=%T %P', sha) ?? null) : null;
    if (said === null) return missing;
    const [tree = '', ...parents] = said.split(' ').filter((one) => one !== '');
    return { status: 200, body: objects.gitCommit(sha, tree, parents) };
  }

  function readBlob({ parameters }: Asked): Answer {
    const bytes = git?.blob(parameters['file_sha'] ?? '') ?? null;
    return bytes === null ? missing : { status: 200, body: objects.blob(parameters['file_sha'] ?? '', bytes) };
  }

  function contents({ parameters, query, accept }: Asked): Answer {
    const ref = query.get('ref') ?? state.defaultBranch;
    const path = (parameters['path'] ?? '').replace(/\/$/, '');
    const commit = git?.ask(full, 'rev-parse', '--verify', '-q', `${ref}^{commit}`) ?? null;
    if (git === null || commit === null) return refusedAs(404, `No commit found for the ref ${ref}`);
    const entry = entryAt(git, commit, path);
    if (entry === null) return missing;
    const list = entry.mode === '040000' ? entriesOf(git, commit, `${path}/`) : [];
    const asObject = accept === 'application/vnd.github.object+json';
    if (entry.mode === '040000' && !asObject) return { status: 200, body: list.map((one) => objects.content(one, typeOf(one), null)) };
    const followed = entry.mode === '120000' ? linked(git, commit, entry) : entry;
    const body = objects.content({ ...followed, path }, typeOf(followed), bytesOf(git, followed, asObject), asObject ? list : null);
    return { status: 200, body, ...(asObject ? { media: 'application/vnd.github.object' } : {}) };
  }

  /** "Between 1-100 MB: ... the `content` field will be an empty string and the `encoding` field will be "none"." */
  function bytesOf(place: GitPlace, { mode, sha }: Entry, asObject: boolean): Buffer | 'none' | null {
    if (!mode.startsWith('100')) return null;
    const bytes = place.blob(sha) ?? Buffer.alloc(0);
    return bytes.length > megabyte && asObject ? 'none' : bytes;
  }

  /** "If the content is a symlink and the symlink's target is a normal file in the repository, then the API responds with the content of the file". */
  function linked(place: GitPlace, commit: string, entry: Entry): Entry {
    const target = place.blob(entry.sha)?.toString() ?? '';
    const path = new URL(target, `file:///${entry.path}`).pathname.slice(1);
    const found = entryAt(place, commit, path);
    return found !== null && found.mode.startsWith('100') ? found : entry;
  }

  function entryAt(place: GitPlace, commit: string, path: string): Entry | null {
    return path === '' ? { mode: '040000', sha: commit, path } : (entriesOf(place, commit, path)[0] ?? null);
  }

  function entriesOf(place: GitPlace, commit: string, path: string): Entry[] {
    const said = place.ask(full, 'ls-tree', '-z', commit, '--', path) ?? '';
    return said.split('\0').flatMap((line) => {
      const [, mode, sha, name] = /^(\d+) \w+ ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
      return mode === undefined || sha === undefined || name === undefined ? [] : [{ mode, sha, path: name }];
    });
  }

  /** "When listing the contents of a directory, submodules have their "type" specified as "file"": not as we ask. */
  function typeOf({ mode }: Entry): string {
    return ({ '040000': 'dir', '120000': 'symlink', '160000': 'submodule' } as Record<string, string>)[mode] ?? 'file';
  }
}
