import type { Forge, ForgeOptions } from './forge.ts';
import { openGitea } from './gitea.ts';
import { openGitHub } from './github.ts';

/** The adapter of a kind of forge; Forgejo speaks as Gitea does. Nothing is asked before the first call. */
export function openForge(kind: Forge['kind'], options: ForgeOptions): Forge {
  return kind === 'gitea' ? openGitea(options) : openGitHub(options);
}
