export type { Annotation, Check, Comment, Forge, Permission, PullRequest, ReadComment, Status } from './forge.ts';
export { loginOf } from './login.ts';
export { openForge } from './open.ts';
export { openSettings } from './settings-open.ts';
