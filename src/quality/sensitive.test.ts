import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskSensitive } from './sensitive.ts';

// put together here, so that no scanner takes this file for a leak
const of = (...parts: string[]): string => parts.join('');
const random = 'q7Xw2ZpL9vKd4RtY8mNb3HsJ6cFg1TaE0uPi5oWk';

describe('what must not leave', () => {
  const cases: [text: string, masked: string][] = [
    [of('key AK', 'IAIOSFODNN7EXAMPLE, see'), 'key [secret: AWS key], see'],
    [of('gh', 'p_', random.slice(0, 36)), '[secret: GitHub token]'],
    [of('github', '_pat_', random), '[secret: GitHub token]'],
    [of('gl', 'pat-', random.slice(0, 20)), '[secret: GitLab token]'],
    [of('xo', 'xb-123456789012-', random), '[secret: Slack token]'],
    [of('sk', '_live_', random), '[secret: Stripe key]'],
    [of('AI', 'za', random.slice(0, 35)), '[secret: Google key]'],
    [of('sk', '-ant-api03-', random), '[secret: Anthropic key]'],
    [of('sk', '-proj-', random), '[secret: OpenAI key]'],
    [of('h', 'f_', 'abcdefghijklmnopqrstuvwxyzABCDEFGH'), '[secret: Hugging Face token]'],
    [of('my token is ey', 'JhbGciOiJIUzI1NiJ9.ey', 'JzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN'), 'my token is [secret: JWT]'],
    [of('-----BEGIN RSA PRIV', 'ATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY----- then'), '[secret: private key] then'],
    [of('-----BEGIN PRIV', 'ATE KEY-----\\nMIIEvQ and it was cut'), '[secret: private key]'],
    [`postgres://app:${random}@db.example/x`, 'postgres://[secret: credentials]@db.example/x'],
    [`Authorization: Bearer ${random}`, 'Authorization: Bearer [secret]'],
    [`{"api_key":"${random}","n":1}`, '{"api_key":"[secret]","n":1}'],
    [`{\\"token\\": \\"${random}\\"}`, '{\\"token\\": \\"[secret]\\"}'],
    [`CLIENT_SECRET=${random} next`, 'CLIENT_SECRET=[secret] next'],
    ['password: Sommer2024 please', 'password: [secret] please'],
    ['write to jane.doe+x@mail.example.co.uk.', 'write to [e-mail].'],
    ['jörg@münchen.de or <A@B.io>', '[e-mail] or <[e-mail]>'],
    ['my card 4111 1111 1111 1111 12/27', 'my card [card number] 12/27'],
    ['5500-0000-0000-0004, 378282246310005, 3782 822463 10005', '[card number], [card number], [card number]'],
    ['1234 4111 1111 1111 1111', '1234 [card number]'],
    ['DE89 3704 0044 0532 0130 00 GB29NWBK60161331926819 and', '[IBAN] [IBAN] and'],
    ['de89370400440532013000', '[IBAN]'],
    ['call +49 (30) 901820-12 or +1-202-555-0143', 'call [phone number] or [phone number]'],
    ['+33.6.12.34.56.78', '[phone number]'],
  ];
  test.each(cases)('%s', (text, masked) => expect(maskSensitive(text)).toBe(masked));

  test('a random value under a name that says what it is', () => {
    expect(maskSensitive(random, 'db.password')).toBe('[secret]');
    expect(maskSensitive(random, 'clientSecret')).toBe('[secret]');
    expect(maskSensitive(random, 'text')).toBe(random);
    // a column of tokens, as linguists have them
    expect(maskSensitive('playing', 'token')).toBe('playing');
    expect(maskSensitive('internationalization', 'token')).toBe('internationalization');
  });
});

describe('what a reviewer must be able to read', () => {
  const texts = [
    'Why was I charged £1.50 twice on 2024-01-15T10:20:30Z?',
    'sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
    '6dcb09b5b57875f334f61aebed695e2e4193db5e',
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    'order 4111111111111112, 4111 1111 1111 1112 and 1700000000000',
    '0.4111111111111111 and 4.111111111111111',
    'id_4111111111111111 r4111111111111111',
    'ask @octocat, npm install left-pad@1.3.0, logo@2x.png, git@github.com:o/r.git',
    'a@b, user@localhost, x @ y.com',
    'accuracy +0.48 points, +12,000 rows, +1234567.89012, C++ 20, 1 + 2000000000',
    '+10.48 -1.42 +11.25 and +10.48 11.42 12.45',
    'DE89 3704 0044 0532 0130 01 and DE89',
    'version 10.0.12.4, 192.168.0.1',
    'I forgot my password: what should I do? passwords: several',
    'password: forgotten, token: s3-eu-west-1-bucket, secret: train-2024-intents-classifier-v2',
    'the basic understanding of a bearer of bad news; basic internationalization',
    'sk-learn-pipeline-with-a-very-long-name and task-management-of-every-kind',
    'https://user@host.example/path and http://host:8080/a@b',
    'token: ${{ secrets.TOKEN }}, api_key: $API_KEY_OF_STAGING, password=********',
    'eyJ is how a JWT begins, AKIA an AWS key, ghp_ a token',
    'learning_rate: 0.0001234567890123, seed: 12345678901234567890',
  ];
  test.each(texts)('%s', (text) => expect(maskSensitive(text)).toBe(text));
});

test('masking twice is masking once, and text around stays', () => {
  const secrets = [
    'jane@example.com',
    '4111 1111 1111 1111',
    of('AK', 'IAIOSFODNN7EXAMPLE'),
    `password=${random}`,
    '+1-202-555-0143',
    'DE89370400440532013000',
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...secrets), fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 8 }), (parts) => {
      const once = maskSensitive(parts.join(' '));
      expect(maskSensitive(once)).toBe(once);
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...secrets), fc.string({ unit: fc.constantFrom(' ', '\n', '(', ')', '"', '!', ';') }), (secret, around) => {
      expect(maskSensitive(`${around} ${secret} ${around}`)).not.toContain(secret);
    }),
  );
});

test('ten times the text takes no more than about ten times as long, whatever it is', () => {
  const units = [
    'a',
    '1',
    '+1',
    '+1 ',
    '4111 ',
    'eyJ',
    'eyJaaaaaaaa.',
    '-----BEGIN PRIVATE KEY',
    'a@',
    'a@b.',
    'token=',
    'token="',
    'tokena1',
    'password: ',
    '://',
    '://a:',
    'DE89',
    'DE89 ',
    'AKIA',
    'bearer ',
    'SG.',
    '\\n',
  ];
  const seconds = (text: string): number => {
    const before = process.cpuUsage();
    maskSensitive(text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  for (const unit of units) {
    const text = (length: number): string => unit.repeat(Math.ceil(length / unit.length));
    seconds(text(10_000));
    // a quadratic search would need over a minute for it
    expect({ unit, quick: seconds(text(300_000)) < 2 }).toEqual({ unit, quick: true });
  }
});
