// The remote that plumbline.yaml names. What each kind needs beyond this file (the S3 client, HTTP) is loaded with its first request.
import { resolve } from 'node:path';
import { didYouMean } from '../../base/names.ts';
import type { Remote } from '../remote.ts';
import { badAddress, displayUrl, schemeOf } from './address.ts';
import { openFolderRemote } from './folder.ts';
import { openHttpRemote } from './http.ts';
import { openOciRemote } from './oci.ts';
import { openS3Remote } from './s3.ts';

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
export function openRemote(address: string, world: RemoteWorld): Remote {
  const scheme = schemeOf(address);
  switch (scheme) {
    case null:
      return openFolderRemote(resolve(world.root, address));
    case 's3':
      return openS3Remote(address, world.env);
    case 'oci':
    case 'oci+http':
      return openOciRemote(address, { env: world.env });
    case 'http':
    case 'https':
      return openHttpRemote(address, { env: world.env });
    default:
      throw badAddress(
        `the remote is an address of an unknown kind (${scheme.slice(0, 40)}://...).${didYouMean(scheme, ['s3', 'oci', 'https'])}`,
        'name a folder, s3://bucket/prefix, oci://registry/owner/name, or https://host/path (to read)',
      );
  }
}
