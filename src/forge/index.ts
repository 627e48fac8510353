export type { ChangedFile, Comment, Forge, PostedComment, PullRequest, Status } from './forge.ts';
export { openGitHub, type GitHubOptions } from './github.ts';
