import type { Forge, ForgeOptions } from './forge.ts';
import { openGiteaSettings } from './gitea-settings.ts';
import { openGitHubSettings } from './github-settings.ts';
import type { SettingsPort } from './settings.ts';

/** Nothing is asked before the first call. */
export function openSettings(kind: Forge['kind'], options: ForgeOptions): SettingsPort {
  return kind === 'gitea' ? openGiteaSettings(options) : openGitHubSettings(options);
}
