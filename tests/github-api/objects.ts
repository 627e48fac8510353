// GitHub's objects, whole: what a description demands is there, though most of it is addresses that nobody asks for.
import { named, type Frame, type Json } from './frame.ts';
import { repositoryObjects } from './objects-repository.ts';
import { workObjects } from './objects-work.ts';
import { dateOf, noCommit, type ApiCheckRun, type ApiComment, type ApiReview, type ApiStatus, type Pull, type State } from './state.ts';

export interface Places {
  /** http://127.0.0.1:<port>/api/v3 */
  readonly api: string;
  /** of the pages that people see */
  readonly web: string;
}

export function objectsOf(state: State, { api, web }: Places) {
  const full = `${state.owner}/${state.repo}`;
  const here = `${api}/repos/${full}`;
  const page = `${web}/${full}`;

  function user(login: string, bot = login.endsWith('[bot]')): Json {
    const at = `${api}/users/${encodeURIComponent(login)}`;
    const lists = ['followers', 'following', 'gists', 'starred', 'subscriptions', 'organizations', 'repos', 'events', 'received_events'];
    return {
      login,
      ...named('user', login),
      avatar_url: `${web}/avatars/${encodeURIComponent(login)}`,
      gravatar_id: '',
      url: at,
      html_url: `${web}/${encodeURIComponent(login)}`,
      ...Object.fromEntries(lists.map((name) => [`${name}_url`, `${at}/${name}`])),
      type: bot ? 'Bot' : 'User',
      site_admin: false,
    };
  }

  function repository(name: string = full): Json {
    const [owner = '', repo = ''] = name.split('/');
    const at = `${api}/repos/${name}`;
    return {
      ...named('repository', name),
      name: repo,
      full_name: name,
      license: null,
      owner: user(owner),
      private: true,
      html_url: `${web}/${name}`,
      description: null,
      fork: name !== full,
      url: at,
      ...Object.fromEntries(repositoryLists.map((list) => [`${list}_url`, `${at}/${list.replaceAll('_', '/')}`])),
      git_url: `git://github.test/${name}.git`,
      ssh_url: `git@github.test:${name}.git`,
      clone_url: `${web}/${name}.git`,
      svn_url: `${web}/${name}`,
      mirror_url: null,
      homepage: null,
      language: null,
      ...Object.fromEntries(['forks', 'stargazers', 'watchers', 'open_issues'].map((count) => [`${count}_count`, 0])),
      forks: 0,
      watchers: 0,
      open_issues: 0,
      size: 0,
      default_branch: state.defaultBranch,
      ...Object.fromEntries(['issues', 'projects', 'wiki', 'pages', 'downloads'].map((part) => [`has_${part}`, true])),
      archived: false,
      disabled: false,
      ...dates(),
      pushed_at: dateOf(state.now()),
    };
  }

  /** As a list shows it. */
  function pullInList(pull: Pull): Json {
    const at = `${here}/pulls/${pull.number}`;
    const html = `${page}/pull/${pull.number}`;
    const from = pull.headRepository === undefined ? full : pull.headRepository;
    const headRef = pull.headRef ?? 'topic';
    const baseRef = pull.baseRef ?? state.defaultBranch;
    const owner = from?.split('/')[0] ?? 'gone';
    const links = {
      self: at,
      html,
      issue: `${here}/issues/${pull.number}`,
      comments: `${here}/issues/${pull.number}/comments`,
      review_comments: `${at}/comments`,
      review_comment: `${here}/pulls/comments{/number}`,
      commits: `${at}/commits`,
      statuses: `${here}/statuses/${pull.head}`,
    };
    return {
      url: at,
      ...named('pull', `${pull.number}`),
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      ...Object.fromEntries(Object.entries(links).map(([name, link]) => [`${name}_url`, link])),
      _links: Object.fromEntries(Object.entries(links).map(([name, link]) => [name, { href: link }])),
      number: pull.number,
      state: pull.state,
      locked: false,
      title: pull.title ?? `pull request ${pull.number}`,
      user: user(pull.author ?? 'ann'),
      body: pull.body ?? null,
      labels: (pull.labels ?? []).map((name) => ({
        ...named('label', name),
        url: `${here}/labels/${encodeURIComponent(name)}`,
        name,
        description: '',
        color: 'ededed',
        default: false,
      })),
      milestone: null,
      ...dates(),
      ...(pull.openedAt === undefined ? {} : { created_at: pull.openedAt }),
      closed_at: pull.state === 'closed' ? (pull.mergedAt ?? dateOf(state.now())) : null,
      merged_at: pull.mergedAt ?? null,
      // of an open one a trial merge, which GitHub makes for itself
      merge_commit_sha: pull.mergeCommit ?? noCommit,
      assignee: null,
      head: { label: `${owner}:${headRef}`, ref: headRef, sha: pull.head, user: user(owner), repo: from === null ? null : repository(from) },
      base: { label: `${state.owner}:${baseRef}`, ref: baseRef, sha: pull.base, user: user(state.owner), repo: repository() },
      author_association: 'CONTRIBUTOR',
      auto_merge: null,
      draft: false,
    };
  }

  function wholePull(one: Pull): Json {
    const merged = one.mergedAt !== undefined;
    return {
      ...pullInList(one),
      merged,
      mergeable: merged ? null : one.blocked === undefined,
      mergeable_state: one.blocked === undefined ? 'clean' : 'blocked',
      merged_by: merged ? user(one.mergedBy ?? 'github-actions[bot]') : null,
      comments: state.comments.filter(({ issue }) => issue === one.number).length,
      review_comments: 0,
      maintainer_can_modify: false,
      commits: one.commits?.length ?? 1,
      additions: 0,
      deletions: 0,
      changed_files: one.changedFiles ?? one.files.length,
    };
  }

  function file(one: Pull['files'][number]): Json {
    const path = one.filename.split('/').map(encodeURIComponent).join('/');
    const links = { blob_url: `${page}/blob/x/${path}`, raw_url: `${page}/raw/x/${path}`, contents_url: `${here}/contents/${path}` };
    return { sha: noCommit, additions: 1, deletions: 0, changes: 1, ...links, ...one };
  }

  function commit(sha: string): Json {
    const at = `${here}/commits/${sha}`;
    const person = { name: 'Ann', email: 'ann@github.test', date: dateOf(state.now()) };
    const tree = { sha: noCommit, url: `${here}/git/trees/${noCommit}` };
    return {
      url: at,
      sha,
      node_id: `commit-${sha}`,
      html_url: `${page}/commit/${sha}`,
      comments_url: `${at}/comments`,
      commit: { url: `${here}/git/commits/${sha}`, author: person, committer: person, message: 'a change', comment_count: 0, tree },
      author: user('ann'),
      committer: user('ann'),
      parents: [],
    };
  }

  function comment(one: ApiComment): Json {
    const created = one.createdAt ?? dateOf(state.now());
    return {
      id: one.id,
      node_id: `comment-${one.id}`,
      url: `${here}/issues/comments/${one.id}`,
      html_url: `${page}/pull/${one.issue}#issuecomment-${one.id}`,
      issue_url: `${here}/issues/${one.issue}`,
      body: one.body,
      user: user(one.login),
      author_association: 'CONTRIBUTOR',
      created_at: created,
      updated_at: one.updatedAt ?? created,
    };
  }

  function review(one: ApiReview): Json {
    const html = `${page}/pull/${one.pull}#pullrequestreview-${one.id}`;
    const at = `${here}/pulls/${one.pull}`;
    return {
      id: one.id,
      node_id: `review-${one.id}`,
      user: one.login === null ? null : user(one.login, one.bot ?? one.login.endsWith('[bot]')),
      body: one.body ?? '',
      state: one.state,
      html_url: html,
      pull_request_url: at,
      _links: { html: { href: html }, pull_request: { href: at } },
      ...(one.state === 'PENDING' ? {} : { submitted_at: one.submittedAt ?? dateOf(state.now()) }),
      commit_id: one.commit,
      author_association: 'MEMBER',
    };
  }

  function status(one: ApiStatus): Json {
    return {
      url: `${here}/statuses/${one.sha}`,
      avatar_url: null,
      id: state.statuses.indexOf(one) + 1,
      node_id: `status-${state.statuses.indexOf(one)}`,
      state: one.state,
      description: one.description,
      target_url: one.target_url ?? null,
      context: one.context,
      ...dates(),
      creator: user(one.creator ?? 'github-actions[bot]'),
    };
  }

  function checkRun(one: ApiCheckRun): Json {
    const at = `${here}/check-runs/${one.id}`;
    return {
      id: one.id,
      node_id: `check-${one.id}`,
      head_sha: one.sha,
      external_id: one.externalId,
      url: at,
      html_url: `${page}/runs/${one.id}`,
      details_url: one.link,
      status: one.status,
      conclusion: one.conclusion,
      started_at: dateOf(state.now()),
      completed_at: one.status === 'completed' ? dateOf(state.now()) : null,
      output: {
        title: one.title,
        summary: one.summary,
        text: one.text,
        annotations_count: one.annotations.length,
        annotations_url: `${at}/annotations`,
      },
      name: one.name,
      check_suite: { id: 1 },
      app: app(one.app),
      pull_requests: [],
    };
  }

  function app(slug = 'github-actions'): Json {
    const names = { slug, owner: user('github'), name: slug === 'github-actions' ? 'GitHub Actions' : slug, description: null };
    return {
      id: state.apps[slug] ?? named('app', slug).id,
      node_id: named('app', slug).node_id,
      ...names,
      external_url: web,
      html_url: `${web}/apps/${slug}`,
      ...dates(),
      permissions: {},
      events: [],
    };
  }

  function collaborator(login: string, role: string): Json {
    const [name = '', below = name] = role.split(':');
    // "The `permission` attribute provides the legacy base roles of admin, write, read, and none, where the maintain role is mapped to write
    // and the triage role is mapped to read." docs.github.com/en/rest/collaborators/collaborators
    const permission = below === 'maintain' ? 'write' : below === 'triage' ? 'read' : below;
    return {
      permission,
      role_name: name,
      user: { ...user(login), role_name: name, permissions: { pull: true, push: permission !== 'read', admin: below === 'admin' } },
    };
  }

  function dates(): Json {
    return { created_at: dateOf(state.now()), updated_at: dateOf(state.now()) };
  }

  const frame: Frame = { state, api, here, page, user, repository };
  const own = { user, repository, pullInList, pull: wholePull, file, commit, comment, review, status, checkRun, collaborator, app };
  return { ...own, ...repositoryObjects(frame), ...workObjects(frame) };
}

export type Objects = ReturnType<typeof objectsOf>;

const repositoryLists = (
  'archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits ' +
  'git_refs git_tags issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses ' +
  'subscribers subscription tags teams trees hooks'
).split(' ');
