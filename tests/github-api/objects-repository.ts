// GitHub's objects of what is in a repository.
import { named, type Frame, type Json } from './frame.ts';
import { dateOf, type ApiActivity } from './state.ts';

export function repositoryObjects({ state, here, page, user }: Frame) {
  return { activity, ref, gitCommit, blob, content };

  function activity({ id, ref: name, before, after, type, actor, at }: ApiActivity): Json {
    const who = actor === null ? null : user(actor);
    return { id, node_id: `activity-${id}`, before, after, ref: name, timestamp: at, activity_type: type, actor: who };
  }

  function ref(name: string, sha: string): Json {
    const object = { type: 'commit', sha, url: `${here}/git/commits/${sha}` };
    return { ref: name, node_id: named('ref', name).node_id, url: `${here}/git/${name}`, object };
  }

  function gitCommit(sha: string, tree: string, parents: readonly string[]): Json {
    const at = (commit: string): string => `${here}/git/commits/${commit}`;
    const person = { name: 'Ann', email: 'ann@github.test', date: dateOf(state.now()) };
    return {
      sha,
      node_id: `commit-${sha}`,
      url: at(sha),
      html_url: `${page}/commit/${sha}`,
      author: person,
      committer: person,
      tree: { sha: tree, url: `${here}/git/trees/${tree}` },
      message: 'a change',
      parents: parents.map((one) => ({ sha: one, url: at(one), html_url: `${page}/commit/${one}` })),
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    };
  }

  function blob(sha: string, bytes: Buffer): Json {
    const at = `${here}/git/blobs/${sha}`;
    return { sha, node_id: `blob-${sha}`, url: at, size: bytes.length, content: bytes.toString('base64'), encoding: 'base64' };
  }

  /** @param bytes 'none': too many to be sent @param list of a directory, as one object */
  function content(
    { path, sha }: { readonly path: string; readonly sha: string },
    type: string,
    bytes: Buffer | 'none' | null,
    list: readonly { readonly path: string; readonly sha: string; readonly mode: string }[] | null = null,
  ): Json {
    const url = `${here}/contents/${path.split('/').map(encodeURIComponent).join('/')}`;
    const html = `${page}/blob/x/${path.split('/').map(encodeURIComponent).join('/')}`;
    const git = `${here}/git/${type === 'dir' ? 'trees' : 'blobs'}/${sha}`;
    const said = bytes === null ? {} : bytes === 'none' ? { content: '', encoding: 'none' } : { content: lines(bytes), encoding: 'base64' };
    return {
      type,
      size: bytes === null || bytes === 'none' ? 0 : bytes.length,
      name: path.split('/').at(-1) ?? '',
      path,
      sha,
      url,
      git_url: git,
      html_url: html,
      download_url: type === 'file' ? html : null,
      _links: { git, html, self: url },
      ...said,
      ...(type === 'symlink' ? { target: '?' } : {}),
      ...(list === null || type !== 'dir' ? {} : { entries: list.map((one) => content(one, one.mode === '040000' ? 'dir' : 'file', null)) }),
    };
  }

  /** In lines of 60, as GitHub sends it. */
  function lines(bytes: Buffer): string {
    return bytes.toString('base64').replaceAll(/.{60}/g, '$&\n');
  }
}
