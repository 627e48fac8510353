import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findLogin as find, type FoundLogin } from './oci-login.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'plumb-login-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
});

const findLogin = (registry: string, from: Parameters<typeof find>[1]): Promise<FoundLogin> => find({ registry, heard: false }, from);

function dockerConfig(config: object | string, folder = join(home, '.docker')): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
}

/** A program that keeps passwords, as docker starts it. */
function helper(name: string, script: string): { PATH: string } {
  const folder = join(home, 'bin');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, `docker-credential-${name}`), 0o755);
  return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
}

const auth = (user: string, password: string): { auth: string } => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });

describe('the login of a registry', () => {
  test('from our own variables before all others', async () => {
    dockerConfig({ auths: { 'ghcr.io': auth('docker', 'x') } });
    const env = { PLUMB_REGISTRY_USER: 'me', PLUMB_REGISTRY_PASSWORD: 'mine', GITHUB_TOKEN: 'job' };
    expect(await findLogin('ghcr.io', { env, home })).toEqual({ login: { user: 'me', password: 'mine' }, from: 'PLUMB_REGISTRY_PASSWORD' });
  });

  test("the job's token is for GitHub's registry, and for no other", async () => {
    const env = { GITHUB_TOKEN: 'job', GITHUB_ACTOR: 'octocat', PLUMB_REGISTRY_PASSWORD: '' };
    expect(await findLogin('ghcr.io', { env, home })).toEqual({ login: { user: 'octocat', password: 'job' }, from: 'GITHUB_TOKEN' });
    for (const registry of ['ghcr.io.evil.example', 'evil.example', 'ghcr.io:444', 'GHCR.io']) {
      expect((await findLogin(registry, { env, home })).login).toBe(null);
    }
  });

  test('where others may hear it, only the one that was given for this', async () => {
    dockerConfig({ auths: { 'ghcr.io': auth('docker', 'x') } });
    const heard = { registry: 'ghcr.io', heard: true };
    expect((await find(heard, { env: { GITHUB_TOKEN: 'job' }, home })).login).toBe(null);
    expect((await find(heard, { env: { PLUMB_REGISTRY_PASSWORD: 'mine' }, home })).login).toEqual({ user: '', password: 'mine' });
  });

  test('from what docker login left, however the registry is written there', async () => {
    for (const key of ['registry.example:5000', 'https://registry.example:5000', 'https://registry.example:5000/v2/']) {
      dockerConfig({ auths: { 'other.example': auth('a', 'b'), [key]: auth('me', 'pass:word') } });
      expect((await findLogin('registry.example:5000', { env: {}, home })).login).toEqual({ user: 'me', password: 'pass:word' });
      expect((await findLogin('registry.example', { env: {}, home })).login).toBe(null);
    }
  });

  test('from the folder that DOCKER_CONFIG names', async () => {
    dockerConfig({ auths: { 'r.example': auth('a', 'b') } }, join(home, 'elsewhere'));
    expect((await findLogin('r.example', { env: { DOCKER_CONFIG: join(home, 'elsewhere') }, home })).login).toEqual({ user: 'a', password: 'b' });
    expect(await findLogin('r.example', { env: {}, home })).toEqual({
      login: null,
      from: expect.stringContaining(join(home, '.docker', 'config.json')),
    });
  });

  test('from a program that keeps passwords: the one of the registry before the one of all', async () => {
    const env = helper('mine', `cat > "${home}/asked"; echo '{"ServerURL":"r.example","Username":"kept","Secret":"s3cret"}'`);
    helper('other', 'exit 1');
    dockerConfig({ credsStore: 'other', credHelpers: { 'r.example': 'mine' }, auths: { 'r.example': {} } });
    expect(await findLogin('r.example', { env, home })).toEqual({ login: { user: 'kept', password: 's3cret' }, from: 'docker-credential-mine' });
    expect(readFileSync(join(home, 'asked'), 'utf8')).toBe('r.example');
    dockerConfig({ credsStore: 'mine', auths: { 'https://r.example/v1/': {} } });
    expect((await findLogin('r.example', { env, home })).login).toEqual({ user: 'kept', password: 's3cret' });
    // asked by the name under which docker keeps it
    expect(readFileSync(join(home, 'asked'), 'utf8')).toBe('https://r.example/v1/');
  });

  test('a program that fails, is not there or answers nonsense is no login, and says nothing of what it said', async () => {
    const scripts = {
      no: 'echo "credentials not found"; exit 1',
      odd: 'echo "s3cret"',
      half: `echo '{"Username":"x"}'`,
      much: 'yes s3cret',
      early: 'exit 0',
    };
    for (const [name, script] of Object.entries(scripts)) {
      const env = helper(name, script);
      dockerConfig({ credsStore: name });
      const found = await findLogin('r.example', { env, home });
      expect(found).toEqual({ login: null, from: expect.stringContaining(`docker-credential-${name}`) });
      expect(found.from).not.toContain('s3cret');
    }
    dockerConfig({ credsStore: 'desktop' });
    expect(await findLogin('r.example', { env: { PATH: home }, home })).toEqual({
      login: null,
      from: 'no login: docker-credential-desktop is not on this machine',
    });
    // the login in the file is still good where the program has none
    dockerConfig({ credsStore: 'desktop', auths: { 'r.example': auth('a', 'b') } });
    expect((await findLogin('r.example', { env: { PATH: home }, home })).login).toEqual({ user: 'a', password: 'b' });
  });

  test('the name of a program is no path and no command', async () => {
    for (const name of ['../evil', 'x;touch /tmp/evil', '-x', 'a/b', '$(x)']) {
      dockerConfig({ credsStore: name });
      expect((await findLogin('r.example', { env: { PATH: home }, home })).from).toContain('the name of the helper');
    }
  });

  test('a file that is broken is nobody logged in', async () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"auths":null}',
      '{"auths":{"r.example":{"auth":"%%"}}}',
      '{"auths":{"r.example":1},"credHelpers":3}',
      '{"auths":{"r.example":{"auth":""}}}',
    ]) {
      dockerConfig(text);
      expect((await findLogin('r.example', { env: { PATH: home }, home })).login).toBe(null);
    }
  });
});
