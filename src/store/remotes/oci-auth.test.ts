import { assert, property, record, string, stringMatching, uniqueArray } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOciAddress } from './oci-address.ts';
import { Authorizer, challengesIn, type AuthorizerParts } from './oci-auth.ts';
import { askedWait } from './retry.ts';

const { signal } = new AbortController();

describe('challenges', () => {
  const facts = (header: string): object[] => challengesIn(header).map(({ scheme, facts: map }) => ({ scheme, ...Object.fromEntries(map) }));

  test('as registries write them', () => {
    expect(facts('Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push"')).toEqual([
      { scheme: 'bearer', realm: 'https://ghcr.io/token', service: 'ghcr.io', scope: 'repository:a/b:pull,push' },
    ]);
    expect(facts('Basic realm="a \\"quoted\\" realm", BEARER Realm = "x" , service=plain, error="invalid_token"')).toEqual([
      { scheme: 'basic', realm: 'a "quoted" realm' },
      { scheme: 'bearer', realm: 'x', service: 'plain', error: 'invalid_token' },
    ]);
    expect(facts('Negotiate')).toEqual([{ scheme: 'negotiate' }]);
    expect(facts('')).toEqual([]);
  });

  test('what is quoted comes back, and no text is too strange', () => {
    const word = stringMatching(/^[a-z]{1,8}$/);
    assert(
      property(word, uniqueArray(record({ name: word, value: string() }), { selector: ({ name }) => name }), (scheme, pairs) => {
        const header = `${scheme} ${pairs.map(({ name, value }) => `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`).join(', ')}`;
        expect(facts(header)).toEqual([
          Object.fromEntries([...pairs.map(({ name, value }) => [name, value.replaceAll('\n', '\n')]), ['scheme', scheme]]),
        ]);
      }),
    );
    assert(property(string({ maxLength: 2000 }), (header) => void challengesIn(header)));
    const started = performance.now();
    challengesIn(`Bearer realm="${'\\'.repeat(100_000)}`);
    challengesIn('a '.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('the login', () => {
  function authorizer(
    address: string,
    value: unknown = { token: 't' },
  ): { auth: Authorizer; asked: { url: string; authorization: string | null }[] } {
    const asked: { url: string; authorization: string | null }[] = [];
    const parts: AuthorizerParts = {
      address: parseOciAddress(address),
      findLogin: async () => ({ login: { user: 'me', password: 'secret' }, from: 'a test' }),
      ask: async (url, authorization) => {
        asked.push({ url: url.href, authorization });
        return { status: 200, value };
      },
      now: () => 0,
    };
    return { auth: new Authorizer(parts), asked };
  }
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;

  test('goes to the service that the registry names, over TLS', async () => {
    const { auth, asked } = authorizer('oci://registry.example/a/b');
    expect(await auth.header('pull', signal)).toBe(null);
    expect(await auth.learn('Bearer realm="https://auth.example/token?x=1",service="s"', 'pull', null)).toBe(true);
    expect(await auth.header('pull', signal)).toBe('Bearer t');
    expect(await auth.header('pull', signal)).toBe('Bearer t');
    expect(asked).toEqual([{ url: 'https://auth.example/token?x=1&service=s&scope=repository%3Aa%2Fb%3Apull', authorization: basic }]);
    expect(auth.withoutSecrets(`secret ${basic} t`)).toBe('*** Basic *** ***');
  });

  test('never goes where anyone may listen, nor into this machine', async () => {
    for (const realm of [
      'http://auth.example/token',
      'http://127.0.0.1/token',
      'http://169.254.169.254/x',
      'file:///x',
      'https://u:p@auth.example/',
      '',
    ]) {
      const { auth, asked } = authorizer('oci://registry.example/a/b');
      await expect(auth.learn(`Bearer realm="${realm}"`, 'pull', null)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_DENIED' }));
      expect(asked).toEqual([]);
    }
  });

  test('is of no use where the answer holds no token', async () => {
    for (const value of [undefined, null, 1, {}, { token: '' }, { token: 'a\r\nb: c' }, { token: ['x'] }, { token: 'x'.repeat(70_000) }]) {
      const { auth } = authorizer('oci://registry.example/a/b', [value]);
      await auth.learn('Bearer realm="https://auth.example/"', 'pull', null);
      await expect(auth.header('pull', signal)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_FAILED' }));
    }
  });

  test('an unknown scheme is nothing to try again for', async () => {
    const { auth } = authorizer('oci://registry.example/a/b');
    for (const header of [null, '', 'Negotiate', 'Digest realm="x"', 'realm="https://auth.example/"', ',,='])
      expect(await auth.learn(header, 'pull', null)).toBe(false);
  });
});

describe('how long an answer asks us to wait', () => {
  test('in seconds, as a date, in words', () => {
    expect(askedWait('3', '', 0)).toBe(3000);
    expect(askedWait('Thu, 01 Jan 1970 00:01:00 GMT', '', 10_000)).toBe(50_000);
    expect(askedWait('Thu, 01 Jan 1970 00:01:00 GMT', '', 100_000)).toBe(0);
    expect(askedWait(null, 'TOOMANYREQUESTS: retry-after: 318.966µs, allowed: 44000/minute', 0)).toBeCloseTo(0.318966);
    expect(askedWait(null, 'retry-after: 2m', 0)).toBe(120_000);
    expect(askedWait('soon', 'later', 0)).toBe(null);
    expect(askedWait('-5', '', 0)).toBe(0);
  });
});
