// s3://bucket/prefix?region=..&endpoint=..&style=..&sse=..&kms_key=..&part_size=..
import { badAddress, parseAddress, readParameters } from './address.ts';

export interface S3Address {
  /** for people and for the place of what is kept about it: with the endpoint, for a bucket of that name may be elsewhere, too */
  readonly url: string;
  readonly bucket: string;
  /** '' or ends in / */
  readonly prefix: string;
  readonly region: string | undefined;
  /** http(s)://host[:port]; undefined: AWS, or what AWS_ENDPOINT_URL_S3 says */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly encryption: Encryption;
  /** a pack above this is sent in parts */
  readonly wholeUpToBytes: number;
  readonly partBytes: number;
}

/** As the requests name it. */
export interface Encryption {
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms' | 'aws:kms:dsse';
  readonly SSEKMSKeyId?: string;
}

const parameters = ['region', 'endpoint', 'style', 'sse', 'kms_key', 'part_size'] as const;
const mebibyte = 1 << 20;

/** @throws PlumbError CONFIG_INVALID */
export function parseS3Address(address: string): S3Address {
  const url = parseAddress(address);
  const given = readParameters(url, parameters);
  const bucket = url.host;
  // Source: AWS, "General purpose bucket naming rules"; a capital or _ is in names of before 2018 and of other servers
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket))
    throw badAddress(`"${bucket}" is no name of a bucket`, 'write the remote as s3://bucket/prefix');
  const prefix = readPrefix(url.pathname);
  const endpoint = given.endpoint === undefined ? undefined : readEndpoint(given.endpoint);
  return {
    url: `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}${endpoint === undefined ? '' : `?endpoint=${endpoint}`}`,
    bucket,
    prefix,
    region: given.region,
    endpoint,
    pathStyle: oneOf('style', given.style ?? (endpoint === undefined ? 'virtual' : 'path'), ['path', 'virtual']) === 'path',
    encryption: readEncryption(given.sse, given.kms_key),
    ...readPartSize(given.part_size),
  };
}

function readPrefix(pathname: string): string {
  let path: string;
  try {
    path = decodeURIComponent(pathname).replace(/^\/|\/$/g, '');
  } catch {
    throw badAddress('the prefix of the remote is not encoded as addresses are', 'write a % as %25');
  }
  if (path === '') return '';
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || /[\p{Cc}\\]/u.test(path) || path.length > 512) {
    throw badAddress(`"${path.slice(0, 80)}" is no prefix for a remote`, 'use words between single slashes');
  }
  return `${path}/`;
}

function readEndpoint(text: string): string {
  const url = URL.parse(text);
  if (
    url === null ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw badAddress('the endpoint of the remote is not of the form http(s)://host:port', 'write it without user, password and query');
  }
  return url.pathname === '/' ? url.origin : url.origin + url.pathname.replace(/\/$/, '');
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw badAddress(`${name}=${value.slice(0, 40)} of the remote is not known`, `known are ${known.join(', ')}`);
}

function readEncryption(sse: string | undefined, key: string | undefined): Encryption {
  if (sse === undefined && key === undefined) return {};
  const kind = oneOf('sse', sse ?? 'aws:kms', ['AES256', 'aws:kms', 'aws:kms:dsse']);
  if (key === undefined) return { ServerSideEncryption: kind };
  if (kind === 'AES256') throw badAddress('the remote says sse=AES256 and kms_key', 'take kms_key away, or write sse=aws:kms');
  return { ServerSideEncryption: kind, SSEKMSKeyId: key };
}

/** Up to 100 MiB in one request, above it in parts of 16 MiB, three of which are in memory at a time; or as the address says. */
function readPartSize(text: string | undefined): { wholeUpToBytes: number; partBytes: number } {
  if (text === undefined) return { wholeUpToBytes: 100 * mebibyte, partBytes: 16 * mebibyte };
  const [, amount, unit] = /^(\d{1,12})(MiB)?$/.exec(text) ?? [];
  const bytes = Number(amount) * (unit === undefined ? 1 : mebibyte);
  // the least that S3 takes, and the most that leaves the memory of a transfer bounded
  if (!(bytes >= 5 * mebibyte && bytes <= 64 * mebibyte))
    throw badAddress(`part_size=${text.slice(0, 40)} of the remote is not from 5MiB to 64MiB`, 'write it like part_size=16MiB');
  return { wholeUpToBytes: bytes, partBytes: bytes };
}
