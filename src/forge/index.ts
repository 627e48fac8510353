export type {
  Annotation,
  ChangedFile,
  Check,
  Checks,
  Comment,
  Dispatch,
  Forge,
  ForgeOptions,
  Merge,
  NewPullRequest,
  Permission,
  PostedComment,
  PullRequest,
  Reaction,
  ReadComment,
  Review,
  Status,
} from './forge.ts';
export { openForge } from './open.ts';
export { openGitHub } from './github.ts';
