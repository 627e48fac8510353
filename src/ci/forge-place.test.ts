import { describe, expect, test } from 'vitest';
import { PlumbError } from '../base/errors.ts';
import { decideForge, decideToken, refuseTokenOfJob, type ForgeWish } from './forge-place.ts';

const job = {
  GITHUB_ACTIONS: 'true',
  GITHUB_REPOSITORY: 'o/r',
  GITHUB_API_URL: 'https://api.github.com',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_RUN_ID: '42',
};
const place = (origin: string | null, more: Partial<ForgeWish> = {}): ReturnType<typeof decideForge> => decideForge({ env: {}, origin, ...more });
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof PlumbError) return error.code;
    throw error;
  }
  return 'none';
};

describe('where the forge is', () => {
  const github = { kind: 'github', apiUrl: 'https://api.github.com', serverUrl: 'https://github.com', owner: 'o', repo: 'r', runUrl: null };

  test.each([
    'https://github.com/o/r.git',
    'https://github.com/o/r',
    'https://x-access-token:ghs_secret@github.com/o/r.git/',
    'git@github.com:o/r.git',
    'ssh://git@github.com/o/r.git',
    'ssh://git@ssh.github.com:443/o/r.git',
  ])('%s is on github.com', (origin) => {
    expect(place(origin)).toEqual(github);
  });

  test('a server of somebody says by plumbline.yaml or by --forge what it is', () => {
    const origin = 'https://git.example.org/o/r.git';
    expect(codeOf(() => place(origin))).toBe('FORGE_UNKNOWN');
    expect(place(origin, { kind: 'gitea' })).toMatchObject({
      kind: 'gitea',
      apiUrl: 'https://git.example.org/api/v1',
      serverUrl: 'https://git.example.org',
    });
    expect(place('http://127.0.0.1:3000/gitea/o/r.git', { kind: 'gitea' }).apiUrl).toBe('http://127.0.0.1:3000/gitea/api/v1');
    expect(place(origin, { config: { kind: 'github' } }).apiUrl).toBe('https://git.example.org/api/v3');
    expect(place('git@acme.ghe.com:o/r.git').apiUrl).toBe('https://api.acme.ghe.com');
  });

  test('T25: plumbline.yaml of a branch cannot lead the token to another server', () => {
    const wish = { config: { kind: 'gitea', api: 'https://evil.example/api/v1' } } as const;
    expect(codeOf(() => place('https://git.example.org/o/r.git', wish))).toBe('FORGE_UNKNOWN');
    expect(codeOf(() => place('https://github.com/o/r.git', { config: { kind: 'github', api: 'https://api.github.com.evil.example' } }))).toBe(
      'FORGE_UNKNOWN',
    );
    // nor in the clear, for whoever listens on the way
    for (const origin of ['https://github.com/o/r.git', 'git@github.com:o/r.git'])
      expect(codeOf(() => place(origin, { config: { kind: 'github', api: 'http://api.github.com' } }))).toBe('FORGE_UNKNOWN');
    const own = { config: { kind: 'gitea', api: 'https://git.example.org/api/v1' } } as const;
    expect(place('git@git.example.org:o/r.git', own).apiUrl).toBe('https://git.example.org/api/v1');
    expect(place('git@ssh.example.org:o/r.git', { ...own, env: { PLUMB_FORGE_API: 'https://git.example.org/api/v1' } }).apiUrl).toBe(
      'https://git.example.org/api/v1',
    );
  });

  test('in a job its environment counts, whatever origin says', () => {
    expect(place('https://evil.example/x/y.git', { env: job })).toEqual({ ...github, runUrl: 'https://github.com/o/r/actions/runs/42' });
    const gitea = {
      ...job,
      GITEA_ACTIONS: 'true',
      GITHUB_API_URL: 'https://git.example.org/api/v1',
      GITHUB_SERVER_URL: 'https://git.example.org',
      GITHUB_RUN_NUMBER: '7',
    };
    expect(place(null, { env: gitea })).toMatchObject({ kind: 'gitea', runUrl: 'https://git.example.org/o/r/actions/runs/7' });
    expect(codeOf(() => place(null, { env: { ...job, GITHUB_REPOSITORY: '../r' } }))).toBe('FORGE_UNKNOWN');
  });

  test.each(['/srv/git/r.git', '../r', 'file:///srv/r.git', 'https://github.com/r', 'https://github.com/../..', ''])(
    '%j is on no forge',
    (origin) => {
      expect(codeOf(() => place(origin))).toBe('FORGE_UNKNOWN');
    },
  );

  test('what is shown holds no credential of the address', () => {
    expect(JSON.stringify(place('https://user:hunter2@git.example.org/o/r.git', { kind: 'gitea' }))).not.toContain('hunter2');
  });
});

describe('the token', () => {
  test('ours comes before those that jobs bring along; none is an error', () => {
    expect(decideToken({ PLUMB_FORGE_TOKEN: 'a', GITHUB_TOKEN: 'b' })).toEqual({ secret: 'a', from: 'PLUMB_FORGE_TOKEN', ofJob: false });
    expect(decideToken({ PLUMB_FORGE_TOKEN: ' ', GITEA_TOKEN: 'c' })).toEqual({ secret: 'c', from: 'GITEA_TOKEN', ofJob: false });
    expect(codeOf(() => decideToken({}))).toBe('FORGE_TOKEN');
  });

  test.each([
    [{ GITHUB_TOKEN: 'ghs_1' }, true],
    [{ PLUMB_FORGE_TOKEN: 'ghs_1' }, false],
    [{ PLUMB_FORGE_TOKEN: 'ghs_1', GITHUB_TOKEN: 'ghs_1' }, true],
    [{ PLUMB_FORGE_TOKEN: 'ghs_1', GITHUB_TOKEN: 'ghs_2' }, false],
    [{ GITHUB_TOKEN: 'github_pat_1' }, false],
    [{ GITHUB_TOKEN: 'ghp_1' }, false],
  ])('in a job, %j may be its own: %s', (env, ofJob) => {
    const token = decideToken({ ...job, ...env });
    expect(token.ofJob).toBe(ofJob);
    expect(codeOf(() => refuseTokenOfJob(token, 'github'))).toBe(ofJob ? 'FORGE_TOKEN' : 'none');
  });

  test('on a laptop no token is that of a job', () => {
    expect(decideToken({ GITHUB_TOKEN: 'ghs_1' }).ofJob).toBe(false);
  });
});
