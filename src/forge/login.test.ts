import { expect, test } from 'vitest';
import { startGitHub } from '../../tests/github-api/start.ts';
import { loginOf } from './login.ts';

const world = { fetch: globalThis.fetch, pause: async () => undefined, nowMs: () => 0, random: () => 0 };

test('the token of a person tells whose it is; that of an App or a job tells nobody; one that is not valid is refused', async () => {
  const github = await startGitHub({ token: 'github_pat_OfAnn', login: 'ann' });
  try {
    github.actors['ghs_OfAnApp'] = { login: 'plumb[bot]', can: 'write' };
    const ask = (token: string) => loginOf('github', { ...world, apiUrl: github.url, token });
    expect(await ask('github_pat_OfAnn')).toBe('ann');
    expect(await ask('ghs_OfAnApp')).toBeNull();
    await expect(ask('none')).rejects.toMatchObject({ code: 'FORGE_DENIED' });
    expect(github.violations).toEqual([]);
  } finally {
    await github.close();
  }
});
