// Where an auditor stands: a clone, with its log of decisions and the main branch that the log is about. Nothing but the clone is asked.
import { PlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { claimedBranch, findBranch, missingLog, readLog, type DecisionLog } from '../registry/decision-log.ts';
import { openPlace, type ServePlace } from '../serve/place.ts';
import type { Command as Commander } from 'commander';
import type { Cli } from './command.ts';

export interface AuditOptions {
  readonly auditKey?: string;
  readonly main?: string;
}

export interface AuditPlace extends ServePlace {
  readonly log: DecisionLog;
  /** tip of the main branch */
  readonly main: Oid;
}

/** Options of every question to the log. */
export function logOptions(command: Commander): Commander {
  return command
    .option('--audit-key <key>', 'what must vouch for the first record: its SHA-256, or the public key that signed it (default: PLUMB_AUDIT_KEY)')
    .option('--main <revision>', 'the main branch (default: the one that the log is about, as fetched from origin, else as it is here)');
}

/**
 * @returns the log with its findings: whoever builds on it asks `soundLog`
 * @throws PlumbError AUDIT_MISSING, AUDIT_REWRITTEN, NOT_A_PROJECT, GIT_TOO_SHALLOW
 */
export async function openAudit(cli: Cli, options: AuditOptions): Promise<AuditPlace> {
  const place = await openPlace(cli, options.main);
  const name = await branchOfLog(place, options.main);
  const ref = await findBranch(place.git, name);
  if (ref === null) throw missingLog(name);
  const branch = await claimedBranch(place.git, ref);
  const mainRef = options.main ?? (await findBranch(place.git, branch));
  const main = mainRef === null ? null : await place.git.resolve(mainRef);
  if (main === null) {
    throw new PlumbError('GIT_REVISION_UNKNOWN', {
      what: `${options.main ?? branch}, the main branch that the log is about, is not in this clone`,
      mend: `fetch it (\`git fetch origin ${branch}\`), or name it with --main`,
    });
  }
  const pin = options.auditKey ?? cli.env['PLUMB_AUDIT_KEY'];
  const log = await readLog({ git: place.git, prefix: place.prefix, ref, main, pin: pin === '' ? undefined : pin });
  return { ...place, log, main };
}

/** As policy.yaml of the main branch names it, or as it is called where nothing else was said. */
async function branchOfLog({ git, prefix }: ServePlace, main: string | undefined): Promise<string> {
  const { parsePolicyText } = await import('../registry/chain.ts');
  for (const revision of [main, 'refs/remotes/origin/HEAD', 'HEAD']) {
    const commit = revision === undefined ? null : await git.resolve(revision);
    const bytes = commit === null ? null : await git.readBlob(commit, prefix + files.policy);
    const policy = bytes === null ? '' : parsePolicyText(Buffer.from(bytes).toString('utf8'));
    if (typeof policy !== 'string' && policy.audit !== undefined) return policy.audit.branch;
  }
  return 'plumb/audit';
}
