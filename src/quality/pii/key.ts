// The key of hashes and stand-ins: equal values give equal answers, and nobody without it can try values until one fits. It comes from the environment;
// pii.yaml holds a check of it, so that a stage of another key has another fingerprint and never runs with the wrong one.
import { createHmac } from 'node:crypto';
import { PlumbError } from '../../base/errors.ts';
import type { PiiConfig } from './config.ts';

export interface PiiKey {
  /** 32 bytes that only this key gives for this use of this text */
  bytes(use: string, text: string): Buffer;
}

const fewest = 16;

export function keyOf(secret: string): PiiKey {
  return { bytes: (use, text) => createHmac('sha256', secret).update(`${use}\0${text}`).digest() };
}

/** @returns 12 hexadecimal characters */
export function keyCheck(secret: string): string {
  return keyOf(secret).bytes('check', '').toString('hex').slice(0, 12);
}

/** A secret that is too short could be found out by trying. @throws PlumbError PII_KEY */
export function requireSecret(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const secret = env[name] ?? '';
  if (secret.length >= fewest) return secret;
  throw new PlumbError('PII_KEY', {
    what: secret === '' ? `the key of personal data is not there: ${name} is not set` : `${name} has fewer than ${fewest} characters`,
    mend: `make one with \`openssl rand -hex 32\`, keep it where the team keeps secrets, and set ${name}`,
  });
}

/**
 * @param isNeeded something is hashed or gets a stand-in. A key that is named must be there all the same: outputs never depend on who runs
 * @returns null: pii.yaml names no key
 * @throws PlumbError PII_KEY: it is not there, or it is another one
 */
export function openKey(config: PiiConfig, env: Readonly<Record<string, string | undefined>>, isNeeded: boolean, file: string): PiiKey | null {
  if (config.key === undefined) {
    if (!isNeeded) return null;
    throw new PlumbError('PII_KEY', {
      what: `${file} asks for hashes or stand-ins and names no key`,
      where: { file, path: 'key' },
      mend: 'set PLUMB_PII_KEY, run `plumb pii --key-check`, and write what it says under `key`',
    });
  }
  const secret = requireSecret(env, config.key.env);
  if (keyCheck(secret) === config.key.check) return keyOf(secret);
  throw new PlumbError('PII_KEY', {
    what: `the key in ${config.key.env} is not the one that ${file} was written for`,
    where: { file, path: 'key.check' },
    mend: 'set the right key; if it was changed on purpose, write the answer of `plumb pii --key-check` into the file',
  });
}

/** Of a value that is personal data: 16 hexadecimal characters, for findings and hashes. */
export function valueHash(key: PiiKey, entity: string, value: string): string {
  return key.bytes(`value ${entity}`, normal(value)).toString('hex').slice(0, 16);
}

/** One person however written: letters' case, blanks and the form of characters do not count. */
export function normal(value: string): string {
  return value.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}
