// `remote:` of plumbline.yaml where it is an address. It is committed, and shown in messages: whoever is let in must not be in it.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';

export function badAddress(what: string, mend: string): PlumbError {
  return new PlumbError('CONFIG_INVALID', { what, where: { file: 'plumbline.yaml', path: 'remote' }, mend });
}

/** 's3' of 's3://bucket'; null for the path of a folder. */
export function schemeOf(address: string): string | null {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(address)?.[1]?.toLowerCase() ?? null;
}

/** An address for people: without user, password, query and fragment. A path stays as it is. */
export function displayUrl(address: string): string {
  if (schemeOf(address) === null) return address;
  const [scheme = '', rest = ''] = address.split(/:\/\/(.*)/s);
  // a password that nobody encoded may hold any of / ? # =, so all before the last @ goes
  const bare = rest.slice(rest.lastIndexOf('@') + 1).replace(/[?#].*$/s, '');
  return `${scheme}://${bare}`;
}

/** @throws PlumbError CONFIG_INVALID, without repeating more than `displayUrl` shows */
export function parseAddress(address: string): URL {
  const url = URL.parse(address);
  if (url === null || url.hostname === '') throw badAddress(`the remote ${displayUrl(address)} is no address`, 'write it like s3://bucket/prefix');
  if (url.username !== '' || url.password !== '' || (address.split('?')[0] ?? '').includes('@')) {
    throw badAddress(
      `the remote ${displayUrl(address)} is written with a user or a password`,
      'take them out of the address, and out of git: they come from the environment',
    );
  }
  // URL takes these away without a word
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(address.replace(/[?#].*$/s, '')))
    throw badAddress(`the remote ${displayUrl(address)} has . or .. in its path`, 'write the path as it is');
  if (url.hash !== '') throw badAddress(`the remote ${displayUrl(address)} has a part behind #`, 'take it away');
  return url;
}

/** Parameters of an address, each at most once. @throws PlumbError CONFIG_INVALID */
export function readParameters<Name extends string>(url: URL, known: readonly Name[]): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  const shown = displayUrl(url.href);
  for (const [name, value] of url.searchParams) {
    const match = known.find((candidate) => candidate === name);
    if (match === undefined) {
      // letters are a misspelling; anything else may be a key that was pasted
      const said = /^[a-z_-]{1,24}$/i.test(name) ? `"${name}"` : 'one of another form';
      const secret = /secret|token|passw|signature|credential|access/i.test(name);
      throw badAddress(
        `the remote ${shown} has an unknown parameter: ${said}.${didYouMean(name, known)}`,
        secret ? 'credentials never stand in the address: they come from the environment' : `known are ${known.join(', ')}`,
      );
    }
    if (found[match] !== undefined) throw badAddress(`the remote ${shown} says ${match} twice`, 'keep one of them');
    if (value === '') throw badAddress(`the remote ${shown} has no value for ${match}`, `write ${match}=..., or take it away`);
    found[match] = value;
  }
  return found;
}
