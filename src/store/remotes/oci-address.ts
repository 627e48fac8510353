// oci://ghcr.io/owner/name: which registry, which repository in it, and whether it is spoken to in the clear.
import { badAddress, displayUrl, parseAddress } from './address.ts';

export interface OciAddress {
  /** as it is shown and kept */
  readonly url: string;
  /** where requests go: https://host[:port] */
  readonly origin: string;
  /** host[:port], as logins name it */
  readonly registry: string;
  /** no TLS, over a network: others may hear what is said */
  readonly heard: boolean;
  /** the repository in the registry */
  readonly name: string;
}

const namePart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const nameForm = new RegExp(`^${namePart}(?:/${namePart})*$`);

/**
 * @param address oci://host[:port]/name. A loopback host is spoken to without TLS; oci+http:// says so of any other
 * @throws PlumbError CONFIG_INVALID
 * Source of the form of a name: OCI distribution spec 1.1, "Pulling manifests"
 */
export function parseOciAddress(address: string): OciAddress {
  const { protocol, host, pathname, search } = parseAddress(address);
  // an address of no web scheme keeps its host as it was written; here it is as a browser would have it
  const loopback = isLoopback(URL.parse(`http://${host}`)?.hostname ?? '');
  const heard = protocol === 'oci+http:' && !loopback;
  const registry = URL.parse(`${heard || loopback ? 'http' : 'https'}://${host}`);
  const name = pathname.slice(1);
  if (registry === null || !nameForm.test(name) || name.length > 255 || search !== '') {
    const onlyCase = search === '' && nameForm.test(name.toLowerCase());
    throw badAddress(
      `the remote ${displayUrl(address)} names no repository of a registry`,
      onlyCase ? `write it in lower case: ${name.toLowerCase()}` : 'write it like oci://ghcr.io/owner/name, without a tag',
    );
  }
  return { url: `${protocol}//${registry.host}/${name}`, origin: registry.origin, registry: registry.host, heard, name };
}

/** Is it this machine, whatever a name server says? @param hostname as URL has it */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
