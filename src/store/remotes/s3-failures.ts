// What a failure of the S3 client means. Its error objects hold the request, so signatures and keys: nothing of them gets out but name, status and
// the words that are known to be harmless.
import { isPlumbError, type PlumbError } from '../../base/errors.ts';
import { remoteDenied, remoteFailed } from './failures.ts';

interface ClientFailure {
  readonly name: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly region: string | undefined;
}

export function describeS3Failure(error: unknown): ClientFailure {
  const { name, code, Code, $metadata, Region } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const status = (($metadata ?? {}) as Readonly<Record<string, unknown>>)['httpStatusCode'];
  const word = (value: unknown): string | undefined => (typeof value === 'string' && /^[\w.-]{1,60}$/.test(value) ? value : undefined);
  return {
    name: word(name) ?? word(Code) ?? 'an unknown failure',
    code: word(code),
    status: typeof status === 'number' ? status : undefined,
    region: word(Region),
  };
}

/** Connections that were cut or never made. */
const cut = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const passing = new Set([408, 429, 500, 502, 503, 504]);

/** May the same request do better a little later? */
export function mayPass(error: unknown): boolean {
  if (isPlumbError(error)) return false;
  const { name, code, status } = describeS3Failure(error);
  return (
    name === 'TimeoutError' ||
    name === 'RequestTimeout' ||
    name === 'SlowDown' ||
    cut.has(code ?? name) ||
    (status !== undefined && passing.has(status))
  );
}

/** 404 alone says little: a bucket that is not there has it, and with some servers a key that nobody knows. */
export function isAbsent(error: unknown): boolean {
  const { name } = describeS3Failure(error);
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** Is the range behind the end of the object? */
export function isBehindEnd(error: unknown): boolean {
  const { name, status } = describeS3Failure(error);
  return name === 'InvalidRange' || status === 416;
}

const noCredentials = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError']);
const wrongCredentials = new Set([
  'InvalidAccessKeyId',
  // versitygw's word for it
  'XAdminUserNotFound',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidClientTokenId',
  'TokenRefreshRequired',
  'InvalidIdentityToken',
]);

/** @param doing 'read packs/…': what it was at, for the sentence */
export function s3Failure(error: unknown, url: string, doing: string): unknown {
  if (isPlumbError(error) || !(error instanceof Error)) return error;
  const failure = describeS3Failure(error);
  const said = `${failure.code ?? failure.name}${failure.status === undefined ? '' : ` (${failure.status})`} when asked to ${doing}`;
  return denial(failure, url, said) ?? otherFailure(failure, error, url, said);
}

function denial({ name, status }: ClientFailure, url: string, said: string): PlumbError | null {
  if (noCredentials.has(name)) {
    return remoteDenied(
      url,
      'no AWS credentials were found, or they cannot be got',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE (then `aws sso login`), or let the job take a role by its web identity',
    );
  }
  if (wrongCredentials.has(name)) {
    const expired = name.startsWith('Expired') || name === 'TokenRefreshRequired';
    return remoteDenied(
      url,
      said,
      expired
        ? 'the session is over: log in again, or give the job a longer one'
        : 'check that the access key, its secret and the session token belong together and to this server',
    );
  }
  if (name === 'RequestTimeTooSkewed') return remoteDenied(url, said, 'set the clock of this machine');
  if (status === 401 || status === 403) {
    return remoteDenied(
      url,
      said,
      'check which account is used, and that it may s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket there (without s3:ListBucket, what is not there is refused, too), and may use the KMS key if there is one',
    );
  }
  return null;
}

function otherFailure({ name, code, region, status }: ClientFailure, error: Error, url: string, said: string): PlumbError {
  if (/region is missing/i.test(error.message))
    return remoteFailed(url, 'is in a region that nobody names', 'add ?region=... to the remote, or set AWS_REGION');
  if (name === 'NoSuchBucket') return remoteFailed(url, 'is in a bucket that is not there', 'make the bucket, or correct `remote` in plumbline.yaml');
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301) {
    return remoteFailed(url, `is in another region${region === undefined ? '' : `: ${region}`}`, `add ?region=${region ?? '...'} to the remote`);
  }
  if (code === 'ENOTFOUND')
    return remoteFailed(
      url,
      'is at a host that no name server knows',
      'check `remote` in plumbline.yaml: with a server of your own, style=path often helps',
    );
  return remoteFailed(url, `answers ${said}`);
}
