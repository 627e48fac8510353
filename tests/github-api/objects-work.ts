// GitHub's objects of what people and jobs do: runs, issues, teams, deployments.
import { named, type Frame, type Json } from './frame.ts';
import { teamNumber } from './rules.ts';
import { dateOf, noCommit, type ApiDeployment, type ApiIssue, type ApiIssueEvent, type ApiWorkflowRun } from './state.ts';

export function workObjects({ state, api, here, page, user, repository }: Frame) {
  const web = new URL(page).origin;
  return { run, issue, issueEvent, team, membership, deployment, deploymentState, self };

  /** Whoever asks, as everybody may see him. */
  function self(login: string): Json {
    const untold = ['name', 'company', 'blog', 'location', 'email', 'hireable', 'bio'].map((name) => [name, null]);
    const counts = ['public_repos', 'public_gists', 'followers', 'following'].map((name) => [name, 0]);
    const since = '2026-01-01T00:00:00Z';
    return { ...user(login), ...Object.fromEntries([...untold, ...counts]), user_view_type: 'public', created_at: since, updated_at: since };
  }

  /** "created_at" of the first attempt, everything else of the last. */
  function run({ id, file, event, branch, sha, attempts }: ApiWorkflowRun): Json {
    const at = `${here}/actions/runs/${id}`;
    const last = attempts.at(-1);
    const links = ['jobs', 'logs', 'artifacts', 'cancel', 'rerun'].map((name) => [`${name}_url`, `${at}/${name}`]);
    const person = { name: 'Ann', email: 'ann@github.test' };
    const workflow = named('workflow', file).id;
    return {
      id,
      name: file,
      node_id: `run-${id}`,
      head_branch: branch,
      head_sha: sha,
      path: file,
      run_number: id,
      run_attempt: attempts.length,
      event,
      display_title: file,
      status: last?.endedAt === null ? 'in_progress' : 'completed',
      conclusion: last?.endedAt === null ? null : 'success',
      workflow_id: workflow,
      url: at,
      html_url: `${page}/actions/runs/${id}`,
      pull_requests: [],
      created_at: attempts[0]?.startedAt,
      run_started_at: last?.startedAt,
      updated_at: last?.endedAt ?? dateOf(state.now()),
      actor: user(attempts[0]?.by ?? ''),
      triggering_actor: user(last?.by ?? ''),
      ...Object.fromEntries(links),
      check_suite_url: `${here}/check-suites/${id}`,
      workflow_url: `${here}/actions/workflows/${workflow}`,
      head_commit: { id: sha, tree_id: noCommit, message: 'a change', timestamp: dateOf(state.now()), author: person, committer: person },
      repository: repository(),
      head_repository: repository(),
    };
  }

  /** @param isPull one is an issue, too */
  function issue(one: ApiIssue, isPull = false): Json {
    const at = `${here}/issues/${one.number}`;
    const html = `${page}/${isPull ? 'pull' : 'issues'}/${one.number}`;
    const links = ['labels', 'comments', 'events'].map((name) => [`${name}_url`, `${at}/${name}`]);
    return {
      ...named('issue', `${one.number}`),
      url: at,
      repository_url: here,
      ...Object.fromEntries(links),
      html_url: html,
      number: one.number,
      state: one.state,
      title: one.title,
      body: one.body,
      user: user(one.login),
      labels: one.labels.map((name) => ({ ...named('label', name), url: `${here}/labels/${encodeURIComponent(name)}`, name, color: 'ededed' })),
      assignee: null,
      milestone: null,
      locked: false,
      comments: state.comments.filter((comment) => comment.issue === one.number).length,
      closed_at: one.state === 'closed' ? dateOf(state.now()) : null,
      created_at: one.createdAt,
      updated_at: dateOf(state.now()),
      author_association: 'NONE',
      ...(isPull
        ? { pull_request: { url: `${here}/pulls/${one.number}`, html_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch` } }
        : {}),
    };
  }

  function issueEvent({ id, event, actor, at }: ApiIssueEvent): Json {
    const common = { url: `${here}/issues/events/${id}`, actor: user(actor), event, commit_id: null, commit_url: null, created_at: at };
    return { id, node_id: `event-${id}`, ...common, performed_via_github_app: null };
  }

  function team(name: string): Json {
    const [org = '', slug = ''] = name.split('/');
    const at = `${api}/orgs/${org}/teams/${slug}`;
    return {
      id: teamNumber(name),
      node_id: `team-${name}`,
      url: at,
      html_url: `${web}/orgs/${org}/teams/${slug}`,
      name: slug,
      slug,
      description: null,
      privacy: 'closed',
      permission: 'pull',
      type: 'organization',
      members_url: `${at}/members{/member}`,
      repositories_url: `${at}/repos`,
      members_count: Object.keys(state.teams[name]?.members ?? {}).length,
      repos_count: 1,
      created_at: dateOf(state.now()),
      updated_at: dateOf(state.now()),
      organization: organization(org),
    };
  }

  function organization(login: string): Json {
    const at = `${api}/orgs/${login}`;
    const lists = ['repos', 'events', 'hooks', 'issues', 'members', 'public_members'].map((name) => [`${name}_url`, `${at}/${name}`]);
    return {
      login,
      ...named('user', login),
      url: at,
      ...Object.fromEntries(lists),
      avatar_url: `${web}/avatars/${login}`,
      description: null,
      html_url: `${web}/${login}`,
      has_organization_projects: true,
      has_repository_projects: true,
      public_repos: 0,
      public_gists: 0,
      followers: 0,
      following: 0,
      type: 'Organization',
      created_at: dateOf(state.now()),
      updated_at: dateOf(state.now()),
      archived_at: null,
    };
  }

  function membership(name: string, login: string, standing: 'active' | 'pending'): Json {
    const [org = '', slug = ''] = name.split('/');
    return { url: `${api}/orgs/${org}/teams/${slug}/memberships/${encodeURIComponent(login)}`, role: 'member', state: standing };
  }

  function deployment(one: ApiDeployment): Json {
    const at = `${here}/deployments/${one.id}`;
    return {
      url: at,
      id: one.id,
      node_id: `deployment-${one.id}`,
      sha: one.sha,
      ref: one.sha,
      task: one.task,
      payload: one.payload,
      original_environment: one.environment,
      environment: one.environment,
      description: one.description,
      creator: user(one.creator),
      created_at: one.at,
      updated_at: one.at,
      statuses_url: `${at}/statuses`,
      repository_url: here,
      transient_environment: false,
      production_environment: one.production,
    };
  }

  function deploymentState(of: ApiDeployment, { id, state: value, description, link, creator }: ApiDeployment['states'][number]): Json {
    const at = `${here}/deployments/${of.id}`;
    return {
      url: `${at}/statuses/${id}`,
      id,
      node_id: `deployment-status-${id}`,
      state: value,
      creator: user(creator),
      description,
      environment: of.environment,
      target_url: link,
      log_url: link,
      created_at: dateOf(state.now()),
      updated_at: dateOf(state.now()),
      deployment_url: at,
      repository_url: here,
    };
  }
}
