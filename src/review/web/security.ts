// Who may speak to the page's server: the browser window that was given the token, and nobody else on this machine or on the web.
import { timingSafeEqual, hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * @param port of the server
 * @returns why a request is refused; null: it is not
 */
export function refusalOf(
  headers: IncomingHttpHeaders,
  { port, token, api }: { readonly port: number; readonly token: string; readonly api: boolean },
): string | null {
  // a name of somebody else's that leads to this machine (DNS rebinding) still stands in Host
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (headers.host === undefined || !hosts.includes(headers.host.toLowerCase())) return 'the header Host names another machine';
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host.toLowerCase()}`) return 'the request comes from another page';
  const site = headers['sec-fetch-site'];
  if (api && site !== undefined && site !== 'same-origin') return 'the request comes from another page';
  if (api && !isSame(headers.authorization ?? '', `Bearer ${token}`))
    return 'the token is missing or wrong: open the address that the terminal shows';
  return null;
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
