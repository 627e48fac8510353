export type { Comment, Forge, Status } from './forge.ts';
export { openGitHub } from './github.ts';
