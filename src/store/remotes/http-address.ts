// http(s)://host/path, and the token for it.
import { badAddress, parseAddress } from './address.ts';
import { isLoopback } from './oci-address.ts';

export interface HttpAddress {
  /** without a slash at its end */
  readonly url: string;
  readonly base: URL;
  /** '': none. To be sent to the origin of `base` alone */
  readonly token: string;
}

/** @param env PLUMB_HTTP_TOKEN @throws PlumbError CONFIG_INVALID */
export function parseHttpAddress(address: string, env: Readonly<Record<string, string | undefined>>): HttpAddress {
  const base = parseAddress(address);
  if (base.search !== '') throw badAddress('the remote on a web server has a part behind ?', 'take it away: a token belongs into PLUMB_HTTP_TOKEN');
  const token = env['PLUMB_HTTP_TOKEN'] ?? '';
  if (token !== '' && base.protocol === 'http:' && !isLoopback(base.hostname)) {
    throw badAddress('PLUMB_HTTP_TOKEN would go over the network in the clear', 'write the remote with https://, or unset the token');
  }
  // a header of another form is the client's error, which repeats it
  if (!/^[\x21-\x7e]*$/.test(token))
    throw badAddress('PLUMB_HTTP_TOKEN holds characters that no token has', 'set it anew, without spaces and line ends');
  return { url: base.origin + base.pathname.replace(/\/+$/, ''), base, token };
}
