// What a pull request changes, and files as commits have them. Source: docs.github.com/en/rest/pulls/pulls, repos/contents, git/blobs
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { PlumbError } from '../base/errors.ts';
import type { ChangedFile, Forge } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { isTreePath, noCommit, noFile } from './refusals.ts';
import { failureOf } from './session.ts';

/** What GitHub lists of a pull request at most: "List pull requests files" and "List commits". */
const mostFiles = 3000;
const mostCommits = 250;

type FileData = RestEndpointMethodTypes['pulls']['listFiles']['response']['data'][number];

type Parts = Pick<Forge, 'changedFiles' | 'commits' | 'fileAt'>;

export function openFiles({ session, rest, repository }: GitHubPlace): Parts {
  const { entries } = session;
  return { changedFiles, commits, fileAt };

  async function changedFiles(pullRequest: number): Promise<readonly ChangedFile[]> {
    const { data } = await rest.pulls.get({ ...repository, pull_number: pullRequest });
    if (data.changed_files > mostFiles) throw tooMany(pullRequest, 'files', data.changed_files, mostFiles);
    const ask = (page: number) => rest.pulls.listFiles({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const files = await Array.fromAsync(entries<FileData>('the list of files', ask));
    // a push in between, or a cap that we do not know of
    if (files.length < data.changed_files) throw tooMany(pullRequest, 'files', data.changed_files, files.length);
    return files.map((file) => ({ path: file.filename, change: file.status, previousPath: file.previous_filename ?? null }));
  }

  async function commits(pullRequest: number): Promise<readonly string[]> {
    const { data } = await rest.pulls.get({ ...repository, pull_number: pullRequest });
    if (data.commits > mostCommits) throw tooMany(pullRequest, 'commits', data.commits, mostCommits);
    const ask = (page: number) => rest.pulls.listCommits({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const found = await Array.fromAsync(entries<{ sha: string }>('the list of commits', ask), (one) => one.sha);
    if (found.length < data.commits) throw tooMany(pullRequest, 'commits', data.commits, found.length);
    return found;
  }

  /**
   * As an object, not raw: raw, a directory comes as a list that could be a file, and the client decodes what is no text. An object names its kind, holds
   * up to 1 MB, and names the blob of more (up to 100 MB). A link to a file of the same commit is followed, which GitHub does not tell.
   */
  async function fileAt(commit: string, path: string): Promise<Uint8Array | null> {
    if (!isTreePath(path)) return null;
    const found = await contentsAt(commit, path);
    if (found === null) return null;
    if (found.type !== 'file') throw noFile(path, commit, found.type);
    if (found.encoding === 'base64' && found.content !== undefined) return Buffer.from(found.content, 'base64');
    // blobs come in base64 always
    return Buffer.from((await rest.git.getBlob({ ...repository, file_sha: found.sha })).data.content, 'base64');
  }

  async function contentsAt(commit: string, path: string): Promise<ContentData | null> {
    try {
      const headers = { accept: 'application/vnd.github.object+json' };
      const { data } = await rest.repos.getContent({ ...repository, path, ref: commit, headers });
      // the type of the other media types
      return data as unknown as ContentData;
    } catch (error) {
      if (failureOf(error)?.status !== 404) throw error;
      await demandCommit(commit);
      return null;
    }
  }

  /** A path that is not there and a commit that is not there are both 404. */
  async function demandCommit(commit: string): Promise<void> {
    try {
      await rest.git.getCommit({ ...repository, commit_sha: commit });
    } catch (error) {
      if ([404, 422].includes(failureOf(error)?.status ?? 0)) throw noCommit('GitHub', commit);
      throw error;
    }
  }
}

/** "application/vnd.github.object+json": the same shape for whatever is there. */
interface ContentData {
  readonly type: 'file' | 'dir' | 'symlink' | 'submodule';
  readonly sha: string;
  readonly content?: string;
  /** 'none' above 1 MB */
  readonly encoding?: string;
}

function tooMany(pullRequest: number, what: 'files' | 'commits', number: number, listed: number): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `pull request ${pullRequest} has ${number} ${what}, GitHub lists ${listed}`,
    mend: `make it smaller, or read its ${what} from git`,
  });
}
