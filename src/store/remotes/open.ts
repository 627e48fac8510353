// The remote that plumbline.yaml names. An address is read and checked at once; what speaks to it (and its clients) is loaded with the first request,
// so that a command that needs no remote does not pay for one.
import { resolve } from 'node:path';
import { didYouMean } from '../../base/names.ts';
import type { Remote } from '../remote.ts';
import { badAddress, displayUrl, schemeOf } from './address.ts';
import { openFolderRemote } from './folder.ts';
import { parseHttpAddress } from './http-address.ts';
import { parseOciAddress } from './oci-address.ts';
import { parseS3Address } from './s3-address.ts';

export { displayUrl };

export interface RemoteWorld {
  /** absolute path of the project: a folder is relative to it */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Nothing is asked and nothing is made before the first use.
 * @param address a path, s3://bucket/prefix, oci://registry/owner/name, or http(s)://host/path
 * @throws PlumbError CONFIG_INVALID; an address that holds a password is not repeated
 */
export function openRemote(address: string, { root, env }: RemoteWorld): Remote {
  const scheme = schemeOf(address);
  switch (scheme) {
    case null:
      return openFolderRemote(resolve(root, address));
    case 's3': {
      const { url } = parseS3Address(address);
      return later({ url, canWrite: true, canList: true }, async () => (await import('./s3.ts')).openS3Remote(address, env));
    }
    case 'oci':
    case 'oci+http': {
      const { url } = parseOciAddress(address);
      return later({ url, canWrite: true, canList: true, dropsPacks: true }, async () => (await import('./oci.ts')).openOciRemote(address, { env }));
    }
    case 'http':
    case 'https': {
      const { url } = parseHttpAddress(address, env);
      return later({ url, canWrite: false, canList: false }, async () => (await import('./http.ts')).openHttpRemote(address, { env }));
    }
    default:
      throw badAddress(
        `the remote is an address of an unknown kind (${scheme.slice(0, 40)}://...).${didYouMean(scheme, ['s3', 'oci', 'https'])}`,
        'name a folder, s3://bucket/prefix, oci://registry/owner/name, or https://host/path (to read)',
      );
  }
}

type Facts = Pick<Remote, 'url' | 'canWrite' | 'canList' | 'dropsPacks'>;

/** A remote that is opened by its first use. */
function later(facts: Facts, open: () => Promise<Remote>): Remote {
  let opened: Promise<Remote> | undefined;
  const remote = (): Promise<Remote> => (opened ??= open());
  return {
    ...facts,
    read: async (...asked) => (await remote()).read(...asked),
    has: async (...asked) => (await remote()).has(...asked),
    write: async (...asked) => (await remote()).write(...asked),
    writePack: async (...asked) => (await remote()).writePack(...asked),
    readPack: async function* readPack(...asked) {
      yield* (await remote()).readPack(...asked);
    },
    list: async function* list(...asked) {
      yield* (await remote()).list(...asked);
    },
    remove: async (...asked) => (await remote()).remove(...asked),
    movePack: async (...asked) => (await remote()).movePack(...asked),
  };
}
