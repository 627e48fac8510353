// Comments, reactions and commit statuses: docs.github.com/en/rest/issues/comments, reactions/reactions, commits/statuses; who may what:
// collaborators/collaborators; dispatches: actions/workflows.
import type { GitPlace } from './git.ts';
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { dateOf, invalid, missing, refusedAs, type Answer, type ApiComment, type Asked, type Routes, type State } from './state.ts';

export function commentRoutes(state: State, objects: Objects, git: GitPlace | null): Routes {
  const repository = '/repos/{owner}/{repo}';
  const write = ['issues=write', 'pull_requests=write'];
  const read = ['issues=read', 'pull_requests=read'];
  const commentOf = ({ parameters }: Asked): ApiComment | undefined => state.comments.find((one) => one.id === Number(parameters['comment_id']));
  const issueOf = ({ parameters }: Asked): number => Number(parameters['issue_number']);
  return {
    [`GET ${repository}/issues/{issue_number}/comments`]: {
      needs: read,
      answer: (asked) =>
        paged(
          asked,
          state.comments.filter((one) => one.issue === issueOf(asked)),
          objects.comment,
        ),
    },
    [`POST ${repository}/issues/{issue_number}/comments`]: { needs: write, answer: create },
    [`GET ${repository}/issues/comments/{comment_id}`]: { needs: read, answer: (asked) => shown(200, commentOf(asked)) },
    [`PATCH ${repository}/issues/comments/{comment_id}`]: { needs: write, answer: update },
    [`POST ${repository}/issues/comments/{comment_id}/reactions`]: { needs: write, answer: react },
    [`POST ${repository}/statuses/{sha}`]: { needs: ['statuses=write'], answer: createStatus },
    [`GET ${repository}/commits/{ref}/statuses`]: { needs: ['statuses=read'], answer: listStatuses },
    [`GET ${repository}/collaborators/{username}/permission`]: { needs: ['metadata=read'], answer: permission },
    [`POST ${repository}/actions/workflows/{workflow_id}/dispatches`]: { needs: ['actions=write'], answer: dispatch },
  };

  function shown(status: number, comment: ApiComment | undefined): Answer {
    return comment === undefined ? missing : { status, body: objects.comment(comment) };
  }

  /** "body is too long (maximum is 65536 characters)" */
  function textOf(body: Asked['body']): string | null {
    const text = body['body'];
    return typeof text === 'string' && text !== '' && text.length <= 65_536 ? text : null;
  }

  function create(asked: Asked): Answer {
    const text = textOf(asked.body);
    if (text === null) return invalid(state, 'body: one text of 1 to 65536 characters');
    if (![...state.pulls, ...state.issues].some((one) => one.number === issueOf(asked))) return missing;
    const comment: ApiComment = { id: 1000 + state.comments.length, issue: issueOf(asked), body: text, login: asked.actor.login, edits: 0 };
    state.comments.push(Object.assign(comment, { createdAt: dateOf(state.now()) }));
    return shown(201, comment);
  }

  function update(asked: Asked): Answer {
    const text = textOf(asked.body);
    const comment = commentOf(asked);
    if (text === null) return invalid(state, 'body: one text of 1 to 65536 characters');
    if (comment !== undefined) Object.assign(comment, { body: text, edits: comment.edits + 1, updatedAt: dateOf(state.now()) });
    return shown(200, comment);
  }

  // "A response with an HTTP 200 status means that you already added the reaction type to this issue comment."
  function react(asked: Asked): Answer {
    const comment = commentOf(asked);
    if (comment === undefined) return missing;
    const login = asked.actor.login;
    const content = asked.body['content'] as string;
    const known = state.reactions.find((one) => one.comment === comment.id && one.login === login && one.content === content);
    const reaction = known ?? { id: state.reactions.length + 1, comment: comment.id, login, content };
    if (known === undefined) state.reactions.push(reaction);
    const body = { id: reaction.id, node_id: `reaction-${reaction.id}`, user: objects.user(login), content, created_at: dateOf(state.now()) };
    return { status: known === undefined ? 201 : 200, body };
  }

  function createStatus({ parameters, body, actor }: Asked): Answer {
    const sha = parameters['sha'] ?? '';
    const { state: value, description = '', context = 'default', target_url: link } = body as Record<string, string>;
    if (!/^[0-9a-f]{40}$/.test(sha) || git?.hasCommit(sha) === false) return invalid(state, `No commit found for SHA: ${sha}`);
    if (description.length > 140) return invalid(state, 'description is too long (maximum is 140 characters)');
    if (context.length > 255) return invalid(state, 'context is too long (maximum is 255 characters)');
    if (link !== undefined && !/^https?:\/\//.test(link)) return invalid(state, 'target_url must use http(s) scheme');
    // "there is a limit of 1000 statuses per sha and context within a repository"
    const same = state.statuses.filter((one) => one.sha === sha && one.context === context);
    if (same.length >= 1000) return invalid(state, 'This SHA and context has reached the maximum number of statuses.');
    const status = { sha, context, state: value ?? '', description, ...(link === undefined ? {} : { target_url: link }), creator: actor.login };
    state.statuses.push(status);
    return { status: 201, body: objects.status(status) };
  }

  // "Statuses are returned in reverse chronological order."
  function listStatuses(asked: Asked): Answer {
    const found = state.statuses.filter((one) => one.sha === asked.parameters['ref']).toReversed();
    return paged(asked, found, objects.status);
  }

  function permission({ parameters }: Asked): Answer {
    const login = parameters['username'] ?? '';
    const role = state.permissions[login];
    return role === undefined ? missing : { status: 200, body: objects.collaborator(login, role) };
  }

  // actions/workflows#create-a-workflow-dispatch-event
  function dispatch({ parameters, body }: Asked): Answer {
    const workflow = parameters['workflow_id'] ?? '';
    const ref = String(body['ref']);
    const known = git === null ? state.workflows[workflow] : git.workflowInputs(ref, workflow);
    if (known === undefined) return missing;
    if (typeof known === 'string') return refusedAs(422, known);
    const inputs = (body['inputs'] ?? {}) as Record<string, unknown>;
    const unknown = Object.keys(inputs).filter((name) => !known.includes(name));
    if (unknown.length > 0) return refusedAs(422, `Unexpected inputs provided: ${JSON.stringify(unknown)}`);
    if (Object.values(inputs).some((one) => typeof one !== 'string')) return invalid(state, 'inputs are texts');
    const run = 5000 + state.dispatches.length;
    state.dispatches.push({ workflow, ref, inputs, run });
    if (body['return_run_details'] !== true) return { status: 204 };
    const html = `https://github.test/${state.owner}/${state.repo}/actions/runs/${run}`;
    return { status: 200, body: { workflow_run_id: run, run_url: html.replace('test/', 'test/api/v3/repos/'), html_url: html } };
  }
}
