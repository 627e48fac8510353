// Issues, and what happened to them and to pull requests: docs.github.com/en/rest/issues/issues and issues/events
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { dateOf, invalid, missing, type Answer, type ApiIssue, type Asked, type Routes, type State } from './state.ts';

export function issueRoutes(state: State, objects: Objects): Routes {
  const repository = '/repos/{owner}/{repo}';
  const issueOf = ({ parameters }: Asked): ApiIssue | undefined => state.issues.find((one) => one.number === Number(parameters['issue_number']));
  return {
    [`GET ${repository}/issues`]: { needs: ['issues=read'], answer: list },
    [`POST ${repository}/issues`]: { needs: ['issues=write'], answer: create },
    [`GET ${repository}/issues/{issue_number}`]: { needs: ['issues=read'], answer: (asked) => shown(200, issueOf(asked)) },
    [`PATCH ${repository}/issues/{issue_number}`]: { needs: ['issues=write'], answer: update },
    [`GET ${repository}/issues/{issue_number}/events`]: { needs: ['issues=read', 'pull_requests=read'], answer: events },
  };

  function shown(status: number, issue: ApiIssue | undefined): Answer {
    return issue === undefined ? missing : { status, body: objects.issue(issue) };
  }

  /** "GitHub's REST API considers every pull request an issue": they are in this list, with the key pull_request. */
  function list(asked: Asked): Answer {
    const { query } = asked;
    const wanted = query.get('state') ?? 'open';
    const creator = query.get('creator');
    const labels = (query.get('labels') ?? '').split(',').filter((one) => one !== '');
    const pulls = state.pulls.map((one) => ({ ...asIssue(one), pull: true }));
    const found = [...state.issues.map((one) => ({ ...one, pull: false })), ...pulls].filter(
      (one) =>
        (wanted === 'all' || one.state === wanted) &&
        (creator === null || one.login === creator) &&
        labels.every((label) => one.labels.includes(label)),
    );
    return paged(
      asked,
      found.toSorted((a, b) => b.number - a.number),
      (one) => objects.issue(one, one.pull),
    );
  }

  function asIssue({ number, author = 'ann', title = '', body = '', labels = [], ...pull }: State['pulls'][number]): ApiIssue {
    return { number, login: author, title, body, state: pull.state, labels, edits: 0, createdAt: pull.openedAt ?? dateOf(state.now()) };
  }

  function create({ body, actor }: Asked): Answer {
    const { title, body: text = '', labels = [] } = body as { title: unknown; body?: string; labels?: readonly string[] };
    if (typeof title !== 'string' || title === '' || title.length > 256) return invalid(state, 'title is too long (maximum is 256 characters)');
    if (text.length > 65_536) return invalid(state, 'body is too long (maximum is 65536 characters)');
    const number = Math.max(0, ...[...state.issues, ...state.pulls].map((one) => one.number)) + 1;
    const issue: ApiIssue = { number, login: actor.login, title, body: text, state: 'open', labels, edits: 0, createdAt: dateOf(state.now()) };
    state.issues.push(issue);
    return shown(201, issue);
  }

  function update(asked: Asked): Answer {
    const issue = issueOf(asked);
    if (issue === undefined) return missing;
    const { title = issue.title, body = issue.body, state: now = issue.state } = asked.body as Partial<ApiIssue>;
    if (title.length > 256 || body.length > 65_536) return invalid(state, 'title or body is too long');
    Object.assign(issue, { title, body, state: now, edits: issue.edits + 1 });
    return shown(200, issue);
  }

  // the oldest first
  function events(asked: Asked): Answer {
    const number = Number(asked.parameters['issue_number']);
    if (![...state.pulls, ...state.issues].some((one) => one.number === number)) return missing;
    return paged(
      asked,
      state.issueEvents.filter((one) => one.issue === number),
      objects.issueEvent,
    );
  }
}
