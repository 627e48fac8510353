// The world of reconcile: this clone and its origin, the forge, the store, and with what records are signed.
import { setTimeout as pause } from 'node:timers/promises';
import { digestOf } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { decideForge } from '../ci/forge-place.ts';
import type { ReconcileWorld } from '../ci/reconcile.ts';
import type { Draft } from '../ci/reconcile-draft.ts';
import { openMoveTrust } from '../ci/move-trust.ts';
import { policyInForce } from '../ci/reconcile-policy.ts';
import { appendTo, lookAt, refOf, type OriginPlace } from '../ci/reconcile-sight.ts';
import type { Forge } from '../forge/index.ts';
import { addressOfRemote } from '../git/publish.ts';
import { publicText, readSigningKey } from '../pipeline/attestation.ts';
import { files } from '../project/layout.ts';
import { openSigner, type LogSigner } from '../registry/audit-append.ts';
import type { Decision } from '../registry/audit-record.ts';
import { signersOf } from '../registry/audit-signers.ts';
import { logState } from '../registry/audit-state.ts';
import { parsePolicyText } from '../registry/chain.ts';
import { gitPolicies, type DecisionLog } from '../registry/decision-log.ts';
import { judgeMove } from '../registry/judge-move.ts';
import type { MoveTrust } from '../registry/move-input.ts';
import { openMoveStore } from '../registry/move-store.ts';
import type { Policy } from '../registry/schema.ts';
import { openPlace } from '../serve/place.ts';
import type { Cli } from './command.ts';
import { openForgeOf } from './open-forge.ts';
import { tokenForGit } from './origin-token.ts';
import type { ReconcileOptions } from './reconcile.ts';

export interface OpenWorld {
  readonly world: ReconcileWorld;
  readonly place: OriginPlace;
  /** null: nobody is asked */
  readonly forge: Forge | null;
  /** SHA-256 of the address of origin; null: there is none */
  readonly origin: string | null;
  /** page of the run of CI; null: it is none */
  readonly runUrl: string | null;
}

/** @throws PlumbError FORGE_TOKEN, FORGE_UNKNOWN, NOT_A_PROJECT, GIT_UNSUPPORTED */
export async function openWorld(options: ReconcileOptions, cli: Cli): Promise<OpenWorld> {
  // neither git nor a remote of the store has a use for the key
  const { PLUMB_AUDIT_SIGNING_KEY: _, ...env } = cli.env;
  const opened = await openPlace({ cwd: cli.cwd, env }, undefined);
  const { clone: git, prefix, config, store } = opened;
  const address = await addressOfRemote(git, 'origin');
  if (address === null && options.offline !== true) cli.note('there is no origin: this clone is all that is looked at, and no forge is asked');
  const open = options.offline === true || address === null ? null : await openForge({ git, config }, options, cli);
  const forge = open?.forge ?? null;
  const remote = address === null ? null : { remote: 'origin', token: tokenForGit(cli.env, address) };
  const base = { git, prefix, branch: config.main, remote };
  const place = { ...base, logBranch: await logBranchOf(base), pin: options.auditKey ?? (cli.env['PLUMB_AUDIT_KEY'] || undefined) };
  const runUrl = open?.place.runUrl ?? null;
  let known: DecisionLog | null = null;
  // opened for each decision: what was not merged a minute ago may be now
  const trust = (): MoveTrust => openMoveTrust({ git, forge, silence: 'error', main: config.main, remote });
  const world: ReconcileWorld = {
    git,
    prefix,
    branch: config.main,
    logBranch: place.logBranch,
    pin: place.pin,
    repository: repositoryOf(cli, address),
    forge,
    now: () => cli.now(),
    pause: (ms) => pause(ms, undefined, { signal: cli.signal }),
    look: async () => {
      cli.signal.throwIfAborted();
      const sight = await lookAt(place, known);
      known = sight.log ?? known;
      return sight;
    },
    judge: (input) => judgeMove({ ...input, git, prefix, store: openMoveStore(store), trust: trust(), now: cli.now() }),
    append: async (log, draft) => {
      cli.signal.throwIfAborted();
      const after = options.dryRun === true ? imagine(log, draft, place) : await sign(log, draft, place, { env: cli.env, runUrl });
      known = after ?? known;
      return after;
    },
  };
  return { world, place, forge, origin: address === null ? null : digestOf(address), runUrl };
}

async function openForge(
  project: Parameters<typeof openForgeOf>[0],
  options: ReconcileOptions,
  cli: Cli,
): Promise<Awaited<ReturnType<typeof openForgeOf>>> {
  try {
    return await openForgeOf(project, { ...options, writes: options.dryRun !== true }, cli);
  } catch (error) {
    if (!isPlumbError(error, 'FORGE_TOKEN') && !isPlumbError(error, 'FORGE_UNKNOWN')) throw error;
    throw new PlumbError(error.code, {
      what: error.message,
      mend: `${error.mend}; or add --offline: then what needs an approval is not served`,
      cause: error,
    });
  }
}

/** 'owner/name' where the address of origin, or the job, tells; else 'local'. */
function repositoryOf({ env }: Cli, origin: string | null): string {
  try {
    const { owner, repo } = decideForge({ env, origin, kind: 'github' });
    return `${owner}/${repo}`;
  } catch (error) {
    if (isPlumbError(error, 'FORGE_UNKNOWN')) return 'local';
    throw error;
  }
}

const usualBranch = 'plumb/audit';

/** As the policy of the main branch names it; an approved policy cannot change it (see `policyTrouble`). */
async function logBranchOf(place: Pick<OriginPlace, 'git' | 'prefix' | 'branch' | 'remote'>): Promise<string> {
  const { git, prefix, branch } = place;
  const commit = (await git.resolve(refOf(place, branch))) ?? (await git.resolve('HEAD'));
  const bytes = commit === null ? null : await git.readBlob(commit, prefix + files.policy);
  const policy = bytes === null ? '' : parsePolicyText(Buffer.from(bytes).toString('utf8'));
  return typeof policy === 'string' ? usualBranch : (policy.audit?.branch ?? usualBranch);
}

interface Job {
  readonly env: Cli['env'];
  readonly runUrl: string | null;
}

async function sign(log: DecisionLog | null, draft: Draft, place: OriginPlace, job: Job): Promise<DecisionLog | null> {
  const { policy, root } = await policyOfSigner(log, draft, place);
  const signer: LogSigner = openSigner(job.env, policy, root);
  return appendTo(place, log, { draft: { ...draft, by: byOf(policy, root, job) }, signer });
}

/** Of the policy that is in force before the record; of the first, the one that it puts in force. */
async function policyOfSigner(log: DecisionLog | null, draft: Draft, { git, prefix }: OriginPlace): Promise<{ policy: Policy; root: string | null }> {
  const inForce = log === null ? null : await policyInForce({ git, prefix }, log);
  const named = inForce ?? (draft.policy === null ? null : { digest: draft.policy, commit: draft.commit });
  const found = named === null ? null : await gitPolicies(git, prefix).policy(named.digest, named.commit);
  const policy = found === null ? 'there is none' : parsePolicyText(found.text);
  if (found !== null && typeof policy !== 'string') return { policy, root: found.root };
  throw new PlumbError('AUDIT_SIGNER', {
    what: 'no policy is in force that says who signs the log of decisions',
    mend: 'see `plumb audit verify`; the log may be of another branch',
  });
}

function byOf(policy: Policy, root: string | null, { env, runUrl }: Job): Decision['by'] {
  const text = env['PLUMB_AUDIT_SIGNING_KEY'];
  if (text === undefined || text === '') {
    const [, path = 'a job of CI'] = /^[^/]+\/[^/]+\/([^@]+)@/.exec(env['GITHUB_WORKFLOW_REF'] ?? '') ?? [];
    return { kind: 'job', name: path, run: runUrl };
  }
  const half = publicText(readSigningKey(text, 'PLUMB_AUDIT_SIGNING_KEY'));
  return { kind: 'key', name: signersOf(policy, root).keys.find((key) => key.public === half)?.name ?? half, run: runUrl };
}

/** The log as it would be, signed by nobody: for --dry-run. */
function imagine(log: DecisionLog | null, { subject, ...draft }: Draft, { logBranch }: OriginPlace): DecisionLog {
  const before = log?.records.at(-1);
  const decision: Decision = {
    ...draft,
    by: { kind: 'key', name: 'nobody', run: null },
    signers: before?.decision.signers ?? { keys: [], jobs: null },
    seq: (before?.decision.seq ?? -1) + 1,
    previous: before?.digest ?? null,
  };
  const text = JSON.stringify({ subject, decision });
  const record = { decision, subject, digest: digestOf(text), text, signedBy: { kind: 'key' as const, name: 'nobody' } };
  return {
    ...logState([...(log?.records ?? []), record]),
    ref: log?.ref ?? `refs/heads/${logBranch}`,
    tip: log?.tip ?? draft.commit,
    trust: log?.trust ?? 'first-use',
    findings: [],
  };
}
