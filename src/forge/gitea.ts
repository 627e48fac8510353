// Gitea and Forgejo, by their REST interface: GitHub's in its bones, and different in enough places. It has no check runs and keeps no deployments. One
// file a theme, put together here.
import type { Forge, ForgeOptions } from './forge.ts';
import { openFiles } from './gitea-files.ts';
import { commentOf, openGiteaConversation, openGiteaIssues } from './gitea-issues.ts';
import { openPeople } from './gitea-people.ts';
import { openPlace } from './gitea-place.ts';
import { openPulls } from './gitea-pulls.ts';
import { openPushes } from './gitea-pushes.ts';
import { openReviews } from './gitea-reviews.ts';
import { openRuns } from './gitea-runs.ts';
import { openStatuses } from './gitea-statuses.ts';

/** Nothing is asked before the first call. */
export function openGitea(options: ForgeOptions): Forge {
  const place = openPlace(options);
  const { session, ask } = place;
  const { told } = session;
  const [pulls, runs, people, statuses] = [openPulls(place), openRuns(place), openPeople(place), openStatuses(place)];
  const [reviews, pushes, fileAt, conversation] = [openReviews(place), openPushes(place), openFiles(place), openGiteaConversation(place)];
  const issues = openGiteaIssues(place, conversation);
  return {
    kind: 'gitea',
    get requests() {
      return session.requests;
    },
    checks: null,
    deployments: null,
    findPullRequest: (by) => told(pulls.findPullRequest(by)),
    pullRequestsOfCommit: (commit) => told(pulls.pullRequestsOfCommit(commit)),
    changedFiles: (pullRequest) => told(pulls.changedFiles(pullRequest)),
    commits: (pullRequest) => told(pulls.commits(pullRequest)),
    fileAt: (commit, path) => told(fileAt(commit, path)),
    reviews: (pullRequest) => told(reviews(pullRequest)),
    pushes: (branch) => told(pushes(branch)),
    retargetedAt: (pullRequest) => told(pulls.retargetedAt(pullRequest)),
    upsertComment: (pullRequest, comment) => told(conversation.upsert(pullRequest, comment)),
    findComment: (pullRequest, marker) => told(conversation.find(pullRequest, marker)),
    readComment: (id) => told(ask('GET', '/issues/comments/{id}', { id }).then(({ data }) => commentOf(data))),
    reply: (to, body) => told(conversation.reply(to, body)),
    answered: (...asked) => told(conversation.answered(...asked)),
    react: (comment, reaction) => told(ask('POST', '/issues/comments/{comment}/reactions', { comment, content: reaction }).then(() => undefined)),
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
