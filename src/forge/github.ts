// GitHub and GitHub Enterprise Server, by their REST interface: one file a theme, put together here.
import type { Forge, ForgeOptions } from './forge.ts';
import { openChecks } from './github-checks.ts';
import { openDeployments } from './github-deployments.ts';
import { openFiles } from './github-files.ts';
import { commentOf, openGitHubConversation, openGitHubIssues } from './github-issues.ts';
import { openPeople } from './github-people.ts';
import { openPlace } from './github-place.ts';
import { openPulls } from './github-pulls.ts';
import { openPushes } from './github-pushes.ts';
import { openReviews } from './github-reviews.ts';
import { openRuns } from './github-runs.ts';
import { openStatuses } from './github-statuses.ts';

/** Nothing is asked before the first call. */
export function openGitHub(options: ForgeOptions): Forge {
  const place = openPlace(options);
  const { session, rest, repository } = place;
  const { told } = session;
  const [pulls, files, runs, people, statuses] = [openPulls(place), openFiles(place), openRuns(place), openPeople(place), openStatuses(place)];
  const [reviews, pushes, conversation] = [openReviews(place), openPushes(place), openGitHubConversation(place)];
  const issues = openGitHubIssues(place, conversation);
  return {
    kind: 'github',
    get requests() {
      return session.requests;
    },
    checks: openChecks(session, repository),
    deployments: openDeployments(place),
    findPullRequest: (by) => told(pulls.findPullRequest(by)),
    pullRequestsOfCommit: (commit) => told(pulls.pullRequestsOfCommit(commit)),
    changedFiles: (pullRequest) => told(files.changedFiles(pullRequest)),
    commits: (pullRequest) => told(files.commits(pullRequest)),
    fileAt: (commit, path) => told(files.fileAt(commit, path)),
    reviews: (pullRequest) => told(reviews(pullRequest)),
    pushes: (branch) => told(pushes(branch)),
    retargetedAt: (pullRequest) => told(pulls.retargetedAt(pullRequest)),
    upsertComment: (pullRequest, comment) => told(conversation.upsert(pullRequest, comment)),
    findComment: (pullRequest, marker) => told(conversation.find(pullRequest, marker)),
    readComment: (id) => told(rest.issues.getComment({ ...repository, comment_id: id }).then(({ data }) => commentOf(data))),
    reply: (to, body) => told(conversation.reply(to, body)),
    answered: (...asked) => told(conversation.answered(...asked)),
    // answered with what is there when we reacted so before
    react: (comment, reaction) =>
      told(rest.reactions.createForIssueComment({ ...repository, comment_id: comment, content: reaction }).then(() => undefined)),
    upsertIssue: (issue) => told(issues.upsert(issue)),
    closeIssue: (marker, why) => told(issues.close(marker, why)),
    permissionOf: (login) => told(people.permissionOf(login)),
    isMember: (login, team) => told(people.isMember(login, team)),
    setStatus: (commit, status) => told(statuses.setStatus(commit, status)),
    statuses: (commit) => told(statuses.statuses(commit)),
    openPullRequest: (wanted) => told(pulls.openPullRequest(wanted)),
    updatePullRequest: (pullRequest, text) => told(pulls.updatePullRequest(pullRequest, text)),
    merge: (pullRequest, how) => told(pulls.merge(pullRequest, how)),
    dispatch: (what) => told(runs.dispatch(what)),
    runsOfWorkflow: (file, between) => told(runs.runsOfWorkflow(file, between)),
    workflowRun: (id) => told(runs.workflowRun(id)),
  };
}
