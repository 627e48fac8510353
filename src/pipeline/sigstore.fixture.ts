// A Sigstore of one's own for tests: an issuer of identities, a certificate authority, a transparency log and a time-stamp authority, served over HTTP as
// Fulcio, Rekor and a TSA are. Certificates and time stamps are made by OpenSSL, the log by the hand of RFC 6962 with a tree of one leaf. There is no
// log of certificates. Source: github.com/sigstore/fulcio, docs/oid-info.md; rekor openapi.yaml; C2SP signed-note.md
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { canonicalJson } from '../base/canonical.ts';

const run = promisify(execFile);

/** What the forge says of a job. */
export interface Claims {
  readonly issuer: string;
  readonly repository: string;
  readonly repositoryId: string;
  readonly ref: string;
  readonly sha: string;
  /** path and ref: .github/workflows/pr.yml@refs/pull/7/merge */
  readonly workflow: string;
  readonly workflowSha: string;
  readonly event: string;
  readonly run: string;
}

export interface LocalSigstore {
  readonly url: string;
  /** trusted_root.json. @param what log: with the transparency log; until: the authority was retired then */
  root(what: { readonly log: boolean; readonly until?: string }): string;
  /** variables of a job that is what the claims say */
  jobEnv(claims: Claims): Record<string, string>;
  close(): void;
}

const der = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

export async function openLocalSigstore(): Promise<LocalSigstore> {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-sigstore-'));
  const at = (name: string): string => join(folder, name);
  const openssl = async (...words: string[]): Promise<void> => void (await run('openssl', words, { cwd: folder }));
  const newKey = (name: string): Promise<void> => openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', name);
  writeFileSync(
    at('ca.cnf'),
    '[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n[req]\ndistinguished_name=dn\n[dn]\n',
  );
  await newKey('ca.key');
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-subj',
    '/O=local/CN=authority',
    '-days',
    '1',
    '-config',
    'ca.cnf',
    '-extensions',
    'ca',
    '-out',
    'ca.pem',
  );

  /** @param lines extensions beside those that every certificate has */
  const issue = async (name: string, publicKey: string, lines: readonly string[]): Promise<void> => {
    writeFileSync(at(`${name}.pub`), publicKey);
    writeFileSync(at(`${name}.cnf`), `keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n${lines.join('\n')}\n`);
    const serial = `0x${randomBytes(8).toString('hex').replace(/^./, '1')}`;
    // the key of the request does not count: -force_pubkey
    await openssl(
      'x509',
      '-new',
      '-subj',
      `/O=local/CN=${name}`,
      '-force_pubkey',
      `${name}.pub`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-set_serial',
      serial,
      '-days',
      '1',
      '-extfile',
      `${name}.cnf`,
      '-out',
      `${name}.pem`,
    );
  };
  await newKey('stamp.key');
  await openssl('pkey', '-in', 'stamp.key', '-pubout', '-out', 'stamp.pub');
  await issue('stamp', readFileSync(at('stamp.pub'), 'utf8'), ['extendedKeyUsage=critical,timeStamping']);
  writeFileSync(at('serial'), '01\n');
  writeFileSync(
    at('tsa.cnf'),
    '[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=stamp.pem\nsigner_key=stamp.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n',
  );

  const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const logKey = log.publicKey.export({ type: 'spki', format: 'der' });
  const logId = sha256(logKey);
  const tokens = new Map<string, Claims>();
  let count = 0;

  const certificate = async (body: {
    credentials: { oidcIdentityToken: string };
    publicKeyRequest: { publicKey: { content: string } };
  }): Promise<unknown> => {
    const payload = JSON.parse(Buffer.from(body.credentials.oidcIdentityToken.split('.')[1] ?? '', 'base64url').toString()) as Claims;
    const [repository, name] = [`https://github.com/${payload.repository}`, `leaf${(count += 1)}`];
    const says: [number, string][] = [
      [8, payload.issuer],
      [12, repository],
      [13, payload.sha],
      [14, payload.ref],
      [15, payload.repositoryId],
      [18, `${repository}/${payload.workflow}`],
      [19, payload.workflowSha],
      [20, payload.event],
      [21, `${repository}${payload.run}`],
    ];
    const lines = says.map(([last, text]) => `1.3.6.1.4.1.57264.1.${last}=ASN1:UTF8String:${text}`);
    await issue(name, body.publicKeyRequest.publicKey.content, [
      'extendedKeyUsage=codeSigning',
      `subjectAltName=critical,URI:${repository}/${payload.workflow}`,
      ...lines,
    ]);
    return {
      signedCertificateEmbeddedSct: { chain: { certificates: [readFileSync(at(`${name}.pem`), 'utf8'), readFileSync(at('ca.pem'), 'utf8')] } },
    };
  };

  const entry = (proposed: { spec: { proposedContent: { envelope: string; verifiers: string[] } } }, origin: string): unknown => {
    const { envelope: text, verifiers } = proposed.spec.proposedContent;
    const envelope = JSON.parse(text) as { payload: string; signatures: { sig: string }[] };
    const hash = (bytes: Uint8Array | string): unknown => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
    const signatures = envelope.signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] }));
    const spec = { envelopeHash: hash(text), payloadHash: hash(Buffer.from(envelope.payload, 'base64')), signatures };
    const body = Buffer.from(canonicalJson({ apiVersion: '0.0.1', kind: 'dsse', spec } as never));
    const integratedTime = Math.floor(Date.now() / 1000);
    const promised = { body: body.toString('base64'), integratedTime, logIndex: 0, logID: logId.toString('hex') };
    const rootHash = sha256(Buffer.concat([Buffer.of(0), body]));
    const note = `${origin}\n1\n${rootHash.toString('base64')}\n`;
    const signed = Buffer.concat([logId.subarray(0, 4), sign('sha256', Buffer.from(note), log.privateKey)]).toString('base64');
    const inclusionProof = {
      logIndex: 0,
      treeSize: 1,
      rootHash: rootHash.toString('hex'),
      hashes: [],
      checkpoint: `${note}\n— ${origin} ${signed}\n`,
    };
    const signedEntryTimestamp = sign('sha256', Buffer.from(canonicalJson(promised)), log.privateKey).toString('base64');
    return { [rootHash.toString('hex')]: { ...promised, verification: { signedEntryTimestamp, inclusionProof } } };
  };

  const stamp = async ({ artifactHash }: { artifactHash: string }): Promise<Buffer> => {
    const name = `stamp${(count += 1)}`;
    await openssl('ts', '-query', '-digest', Buffer.from(artifactHash, 'base64').toString('hex'), '-sha256', '-cert', '-out', `${name}.tsq`);
    await openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', `${name}.tsq`, '-out', `${name}.tsr`);
    return readFileSync(at(`${name}.tsr`));
  };

  const answer = async (request: IncomingMessage, origin: string): Promise<unknown> => {
    const url = new URL(request.url ?? '', 'http://localhost');
    switch (url.pathname) {
      case '/token': {
        const claims = tokens.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
        if (claims === undefined || url.searchParams.get('audience') !== 'sigstore') return null;
        const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
        return { value: `${part({ alg: 'none' })}.${part({ sub: `repo:${claims.repository}`, ...claims })}.x` };
      }
      case '/api/v2/signingCert':
        return certificate((await json(request)) as never);
      case '/api/v1/log/entries':
        return entry((await json(request)) as never, origin);
      case '/api/v1/timestamp':
        return stamp((await json(request)) as never);
      default:
        return null;
    }
  };
  const server = createServer((request, response) => {
    answer(request, `localhost:${(server.address() as AddressInfo).port}`).then(
      (value) => {
        response.writeHead(value === null ? 401 : 201, { 'content-type': 'application/json' });
        return response.end(Buffer.isBuffer(value) ? value : JSON.stringify(value));
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;

  const chain = (...names: string[]): unknown => ({
    certificates: names.map((name) => ({ rawBytes: der(readFileSync(at(name), 'utf8')).toString('base64') })),
  });
  return {
    url,
    root: ({ log: withLog, until }) =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        certificateAuthorities: [
          { uri: url, certChain: chain('ca.pem'), validFor: { start: '2020-01-01T00:00:00Z', ...(until === undefined ? {} : { end: until }) } },
        ],
        timestampAuthorities: [{ uri: url, certChain: chain('stamp.pem', 'ca.pem'), validFor: { start: '2020-01-01T00:00:00Z' } }],
        ctlogs: [],
        tlogs: withLog
          ? [
              {
                baseUrl: url,
                hashAlgorithm: 'SHA2_256',
                publicKey: {
                  rawBytes: logKey.toString('base64'),
                  keyDetails: 'PKIX_ECDSA_P256_SHA_256',
                  validFor: { start: '2020-01-01T00:00:00Z' },
                },
                logId: { keyId: logId.toString('base64') },
              },
            ]
          : [],
      }),
    jobEnv: (claims) => {
      const token = randomBytes(8).toString('hex');
      tokens.set(token, claims);
      return { ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token };
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
