// oci://ghcr.io/owner/name: which registry, which repository in it, and whether it is spoken to in the clear.
import { PlumbError } from '../../base/errors.ts';

export interface OciAddress {
  /** as it is shown and kept: oci://host[:port]/name */
  readonly url: string;
  /** where requests go: https://host[:port] */
  readonly origin: string;
  /** host[:port], as logins name it */
  readonly registry: string;
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
  const found = /^(oci|oci\+http):\/\/([^/?#]+)\/([^?#]+)$/.exec(address);
  const [, scheme = '', host = '', name = ''] = found ?? [];
  if (host.includes('@'))
    throw invalid(shown(address), 'it holds a user', 'give user and password in PLUMB_REGISTRY_USER and PLUMB_REGISTRY_PASSWORD');
  const base = found === null ? null : URL.parse(`http://${host}`);
  if (base === null || base.pathname !== '/')
    throw invalid(shown(address), 'it has another form', 'write oci://host/name, for example oci://ghcr.io/owner/data');
  if (!nameForm.test(name) || name.length > 255) {
    const mend = nameForm.test(name.toLowerCase())
      ? `write it in lower case: ${name.toLowerCase()}`
      : 'letters a-z, digits and . _ - between them; no tag';
    throw invalid(shown(address), `"${name}" is no name of a repository in a registry`, mend);
  }
  const loopback = isLoopback(base.hostname);
  const clear = scheme === 'oci+http' || loopback;
  return {
    url: `${clear && !loopback ? 'oci+http' : 'oci'}://${base.host}/${name}`,
    origin: `${clear ? 'http' : 'https'}://${base.host}`,
    registry: base.host,
    name,
  };
}

/** Is it this machine, whatever a name server says? @param hostname as URL has it */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Without what stands before an @: it may be a password. */
function shown(address: string): string {
  return address.replace(/\/\/[^/]*@/, '//').slice(0, 200);
}

function invalid(address: string, why: string, mend: string): PlumbError {
  return new PlumbError('CONFIG_INVALID', { what: `${address} is no address of a registry: ${why}`, mend });
}
