// Pull requests: docs.github.com/en/rest/pulls. With git their commits and files are those of the repository.
import type { GitPlace } from './git.ts';
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { retarget } from './pages.ts';
import type { Rules } from './rules.ts';
import { dateOf, invalid, missing, refusedAs, type Answer, type Asked, type Pull, type Routes, type State } from './state.ts';

export function pullRoutes(state: State, objects: Objects, { git, rules }: { readonly git: GitPlace | null; readonly rules: Rules }): Routes {
  const pullOf = ({ parameters }: Asked): Pull | undefined => state.pulls.find((one) => one.number === Number(parameters['pull_number']));
  const ofPull =
    (answer: (pull: Pull, asked: Asked) => Answer) =>
    (asked: Asked): Answer => {
      const pull = pullOf(asked);
      return pull === undefined ? missing : answer(pull, asked);
    };
  const read = ['pull_requests=read'];
  const repository = '/repos/{owner}/{repo}';
  return {
    [`GET ${repository}/pulls`]: { needs: read, answer: list },
    [`POST ${repository}/pulls`]: { needs: ['pull_requests=write'], answer: create },
    [`GET ${repository}/pulls/{pull_number}`]: { needs: read, answer: ofPull((pull) => ({ status: 200, body: objects.pull(pull) })) },
    [`PATCH ${repository}/pulls/{pull_number}`]: { needs: ['pull_requests=write'], answer: ofPull(update) },
    // pulls/pulls#list-pull-requests-files: "Responses include a maximum of 3000 files"
    [`GET ${repository}/pulls/{pull_number}/files`]: {
      needs: read,
      answer: ofPull((pull, asked) => paged(asked, pull.files.slice(0, 3000), objects.file)),
    },
    // pulls/pulls#list-commits-on-a-pull-request: "Lists a maximum of 250 commits for a pull request"
    [`GET ${repository}/pulls/{pull_number}/commits`]: {
      needs: read,
      answer: ofPull((pull, asked) => paged(asked, (pull.commits ?? [pull.head]).slice(0, 250), objects.commit)),
    },
    [`PUT ${repository}/pulls/{pull_number}/merge`]: { needs: ['contents=write'], answer: ofPull(merge) },
    // commits/commits#list-pull-requests-associated-with-a-commit: the merged one that brought it, else the open ones that hold it
    [`GET ${repository}/commits/{commit_sha}/pulls`]: { needs: read, answer: ofCommit },
  };

  function list(asked: Asked): Answer {
    const wanted = asked.query.get('state') ?? 'open';
    const [owner, ...ref] = (asked.query.get('head') ?? '').split(':');
    // "Filter pulls by head user or head organization and branch name in the format of user:ref-name"
    if (asked.query.has('head') && ref.length === 0) return invalid(state, `head is ${owner}, not owner:branch`);
    const base = asked.query.get('base');
    const found = state.pulls.filter((one) => {
      const from = (one.headRepository ?? `${state.owner}/`).split('/')[0];
      if (wanted !== 'all' && one.state !== wanted) return false;
      if (base !== null && (one.baseRef ?? state.defaultBranch) !== base) return false;
      return ref.length === 0 || (from === owner && (one.headRef ?? 'topic') === ref.join(':'));
    });
    return paged(asked, found.toReversed(), objects.pullInList);
  }

  function create({ body, actor }: Asked): Answer {
    const { head = '', base = '', title, body: text } = body as Record<string, string>;
    if (title === undefined && !('issue' in body)) return invalid(state, 'Validation Failed: title is missing');
    // Settings > Actions > General: off in every new repository
    if (actor.login === 'github-actions[bot]') return refusedAs(403, 'GitHub Actions is not permitted to create or approve pull requests.');
    const there = state.pulls.some(
      (one) => one.state === 'open' && (one.headRef ?? 'topic') === head && (one.baseRef ?? state.defaultBranch) === base,
    );
    if (there) return refusedAs(422, `Validation Failed: A pull request already exists for ${state.owner}:${head}.`);
    const pull = open({ head, base, title: title ?? '', author: actor.login, ...(text === undefined ? {} : { body: text }) });
    return typeof pull === 'string' ? refusedAs(422, `Validation Failed: ${pull}`) : { status: 201, body: objects.pull(pull) };
  }

  // pulls/pulls#update-a-pull-request
  function update(pull: Pull, { body, actor }: Asked): Answer {
    const text = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
    const [title, said, base, wanted] = [text('title'), text('body'), text('base'), text('state')];
    if (base !== undefined && !retarget(state, git, pull, { base, by: actor.login })) {
      return refusedAs(422, 'Validation Failed: Proposed base branch was not found');
    }
    if ((wanted === 'open' || wanted === 'closed') && pull.mergedAt === undefined) pull.state = wanted;
    if (title !== undefined) pull.title = title;
    if (said !== undefined) pull.body = said;
    return { status: 200, body: objects.pull(pull) };
  }

  function open(what: { head: string; base: string; title: string; author: string; body?: string }): Pull | string {
    if (git !== null) return git.openPull(what);
    const number = Math.max(0, ...state.pulls.map((one) => one.number)) + 1;
    const pull: Pull = {
      number,
      state: 'open',
      ...what,
      head: fakeCommit(number),
      base: fakeCommit(0),
      headRef: what.head,
      baseRef: what.base,
      files: [],
      openedAt: dateOf(state.now()),
    };
    state.pulls.push(pull);
    return pull;
  }

  // pulls/pulls#merge-a-pull-request
  function merge(pull: Pull, { body, actor }: Asked): Answer {
    const method = (body['merge_method'] ?? 'merge') as 'merge' | 'squash' | 'rebase';
    if (body['sha'] === undefined) return invalid(state, 'a merge that does not say of what: sha is missing');
    if (pull.state !== 'open') return refusedAs(405, 'Pull Request is not mergeable');
    // "sha: SHA that pull request head must match to allow merge."
    if (body['sha'] !== pull.head) return refusedAs(409, 'Head branch was modified. Review and try the merge again.');
    const against = pull.blocked ?? rules.against(pull, actor);
    if (against !== null) return refusedAs(405, against);
    const made = git === null ? fakeCommit(pull.number + 1_000_000) : git.merge(pull, method, actor.login);
    if (made === null) return refusedAs(405, 'Pull Request is not mergeable');
    Object.assign(pull, { state: 'closed', mergedAt: dateOf(state.now()), mergedBy: actor.login, mergeCommit: made });
    return { status: 200, body: { sha: made, merged: true, message: 'Pull Request successfully merged' } };
  }

  function ofCommit(asked: Asked): Answer {
    const sha = asked.parameters['commit_sha'] ?? '';
    if (!/^[0-9a-f]{40}$/.test(sha)) return invalid(state, `No commit found for SHA: ${sha}`);
    const holds = (one: Pull): boolean => one.mergeCommit === sha || one.head === sha || (one.commits ?? []).includes(sha);
    const merged = state.pulls.filter((one) => one.mergedAt !== undefined && holds(one));
    return paged(asked, merged.length > 0 ? merged : state.pulls.filter(holds), objects.pullInList);
  }
}

const fakeCommit = (number: number): string => number.toString(16).padStart(40, '0');
