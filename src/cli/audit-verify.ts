import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Unrecorded } from '../registry/audit-coverage.ts';
import type { LogFinding, LogRecord } from '../registry/decision-log.ts';
import type { Cli, Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';
import { version } from './version.ts';

interface Options extends AuditOptions {
  readonly expectHead?: string;
}

interface Verdict {
  readonly what: string;
  readonly records: readonly LogRecord[];
  readonly findings: readonly LogFinding[];
  readonly trust: 'pinned' | 'first-use';
}

export const define: Define = (command, cli) => {
  logOptions(command)
    .argument('[folder]', 'a clone, or what `plumb audit export` wrote (default: here)')
    .option('--expect-head <digest>', 'a record that must be there: the head of the log, as you were told or noted it')
    .addHelpText(
      'after',
      '\nFinds records that were cut off, put elsewhere, edited, left out or signed by others; records about commits that the main branch never had;\nand changes of pointers on the main branch without a record. Exit code 1: something was found.\n\nExamples:\n  $ plumb audit verify\n  $ plumb audit verify audit-q3 --expect-head sha256:…',
    )
    .action((folder: string | undefined, options: Options) => auditVerify(folder, options, cli));
};

async function auditVerify(folder: string | undefined, { expectHead, ...options }: Options, cli: Cli): Promise<void> {
  if (expectHead !== undefined && !isDigest(expectHead))
    throw new PlumbError('DIGEST_INVALID', {
      what: `"${expectHead.slice(0, 80)}" is no digest`,
      mend: 'write sha256: and 64 hex digits, as `plumb audit log` prints the head',
    });
  const path = resolve(cli.cwd, folder ?? '.');
  if (folder !== undefined && !existsSync(path))
    throw new PlumbError('FILE_MISSING', { what: `${path} is not there`, mend: 'check the spelling of the path' });
  const isExport = existsSync(join(path, 'index.json')) && existsSync(join(path, 'records'));
  const verdict = isExport ? await verifyFolder(path, options, cli) : await verifyClone(options, { ...cli, cwd: path });
  const { records } = verdict;
  const findings = [...verdict.findings, ...(await headFindings(records, expectHead))];
  const head = records.at(-1)?.digest ?? null;
  cli.emit({
    holds: findings.length === 0,
    of: isExport ? 'export' : 'clone',
    records: records.length,
    head,
    first: records[0]?.digest ?? null,
    trust: verdict.trust,
    findings,
  });
  for (const { what, mend } of findings) cli.print(`${cli.paint.red('-')} ${what}\n  ${cli.paint.dim(`Mend: ${mend}`)}`);
  cli.print(
    findings.length === 0
      ? `${cli.paint.green('holds')}  ${verdict.what}`
      : `${findings.length} ${findings.length === 1 ? 'fault' : 'faults'}: ${verdict.what}`,
  );
  cli.print(`head  ${head ?? 'none'}`);
  if (verdict.trust === 'first-use')
    cli.print(
      cli.paint.dim(`first ${records[0]?.digest ?? 'none'}: it vouches for itself; compare it with what you know, or give it as --audit-key`),
    );
  if (findings.length > 0) cli.exitCode = 1;
}

async function headFindings(records: readonly LogRecord[], expected: string | undefined): Promise<LogFinding[]> {
  if (expected === undefined || records.some(({ digest }) => digest === expected)) return [];
  const { finding } = await import('../registry/audit-chain.ts');
  return [finding(null, `${expected} is no record of this log: it was cut off, or it is another log`, 'rewritten')];
}

async function verifyFolder(path: string, { auditKey }: AuditOptions, cli: Cli): Promise<Verdict> {
  const { verifyExport } = await import('../audit/export-verify.ts');
  const pin = auditKey ?? cli.env['PLUMB_AUDIT_KEY'];
  const { records, files, made, findings } = await verifyExport(path, { pin: pin === '' ? undefined : pin, version });
  if (made !== version)
    cli.note(`this export was made by Plumbline ${made.slice(0, 40)}: its pages and tables were compared with index.json, not rendered again`);
  return { what: `export of ${records.length} records, ${files} files`, records, findings, trust: pin ? 'pinned' : 'first-use' };
}

async function verifyClone(options: AuditOptions, cli: Cli): Promise<Verdict> {
  const { git, prefix, log, main } = await openAudit(cli, options);
  const [{ unrecorded }, { finding }, { dossierOf }, { commitTree }] = await Promise.all([
    import('../registry/audit-coverage.ts'),
    import('../registry/audit-chain.ts'),
    import('../audit/dossier.ts'),
    import('../registry/tree.ts'),
  ]);
  const findings = [...log.findings];
  if (findings.length === 0) {
    for (const one of await unrecorded(git, prefix, main, log.records)) findings.push(describeUnrecorded(one));
    for (const served of log.allServed())
      for (const { what } of (await dossierOf(commitTree(git, prefix, served.commit), served, log.records)).findings)
        findings.push(finding(served.seq, what));
  }
  return { what: `${log.records.length} records in ${log.ref}`, records: log.records, findings, trust: log.trust };
}

function describeUnrecorded({ commit, paths, kind }: Unrecorded): LogFinding {
  const what = `commit ${commit.slice(0, 12)} of the main branch changed ${paths.join(', ')}, and no record is about it`;
  const compare = 'compare with a clone of your own, and find out who wrote to the branch of the log';
  if (kind === 'gap') return { kind: 'invalid', seq: null, what: `${what}, though the log goes on after it`, mend: compare };
  return {
    kind: 'invalid',
    seq: null,
    what: `${what}: nobody decided since, or the log was cut off`,
    mend: `run \`plumb reconcile\`; where it finds the log other than it left it, ${compare}`,
  };
}
