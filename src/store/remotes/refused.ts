// A remote that nobody may ask: whoever does is told why.
import type { PlumbError } from '../../base/errors.ts';
import type { Remote } from '../remote.ts';
import { displayUrl } from './address.ts';

/** @param address shown without what may be secret in it; nothing is ever sent there */
export function refusedRemote(address: string, why: PlumbError): Remote {
  const refuse = (): Promise<never> => Promise.reject(why);
  // eslint-disable-next-line require-yield -- it has nothing to give
  const none = async function* none(): AsyncGenerator<never> {
    await refuse();
  };
  return {
    url: displayUrl(address),
    canWrite: false,
    canList: false,
    read: refuse,
    has: refuse,
    write: refuse,
    writePack: refuse,
    readPack: none,
    list: none,
    remove: refuse,
    movePack: refuse,
  };
}
