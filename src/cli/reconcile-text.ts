// What a run of reconcile came to, for people: per commit what was decided and why, then what is served.
import { shortDigest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Reconciled } from '../ci/reconcile.ts';
import type { LogRecord } from '../registry/audit-record.ts';
import type { Point } from '../registry/judgement.ts';
import { oneLine } from '../registry/one-line.ts';
import type { Cli } from './command.ts';

export function tellReconciled(
  { tip, log, written, refused }: Reconciled,
  how: { readonly troubles: readonly unknown[]; readonly dryRun: boolean },
  cli: Cli,
): void {
  const { bold, dim, green, yellow } = cli.paint;
  cli.emit({
    main: tip,
    dryRun: how.dryRun,
    log: { ref: log.ref, tip: log.tip, records: log.records.length, head: log.head, trust: log.trust },
    written: written.map(({ decision, digest }) => ({ digest, ...decision })),
    refused: refused.map(({ tip: one, judgement }) => ({
      seq: one.record.decision.seq,
      commit: one.record.decision.commit,
      paths: one.paths,
      points: judgement?.points ?? one.record.decision.points,
    })),
    served: log.allServed(),
    troubles: how.troubles.map((trouble) => (isPlumbError(trouble) ? trouble.toJSON() : String(trouble))),
  });
  for (const record of written) tellRecord(record, how.dryRun, cli);
  const news = new Set(written.map(({ decision }) => decision.seq));
  for (const { tip: one, judgement } of refused) {
    const { seq, points } = one.record.decision;
    if (news.has(seq)) continue;
    cli.print(`${yellow('still refused')} ${nameOf(one.record)} ${dim(placeOf(one.record))}`);
    tellPoints(judgement?.points ?? points, cli);
  }
  if (written.length === 0) cli.print(`nothing new since ${tip.slice(0, 12)}`);
  if (how.dryRun) cli.print(dim('nothing was written: --dry-run'));
  for (const { model, stage, artifact, commit } of log.allServed())
    cli.print(`${green('serving')} ${bold(model)} in ${stage}: ${shortDigest(artifact)} ${dim(`as of ${commit.slice(0, 12)}`)}`);
  // that of a record that was not written would be a wrong one
  if (log.trust === 'first-use' && !(how.dryRun && written[0]?.decision.seq === 0))
    cli.note(dim(`the first record vouches for itself; pin it: PLUMB_AUDIT_KEY=${log.records[0]?.digest ?? ''} (docs/deploy.md)`));
  for (const trouble of how.troubles.slice(1)) cli.note(`also: ${oneLine(trouble instanceof Error ? trouble.message : String(trouble), 300)}`);
}

function tellRecord(record: LogRecord, dryRun: boolean, cli: Cli): void {
  const { holds, kind, points, approvals, reason, moves } = record.decision;
  const { bold, dim, green, red, yellow } = cli.paint;
  const isServed = moves.every(({ served }) => served);
  const word = kind === 'glass' ? yellow('glass broken') : holds && isServed ? green(kind === 'policy' ? 'in force' : 'recorded') : red('refused');
  cli.print(`${dryRun ? 'would be ' : ''}${word} ${bold(nameOf(record))} ${dim(placeOf(record))}`);
  if (approvals.length > 0) cli.print(`  ${kind === 'glass' ? 'by' : 'approved by'} ${approvals.map(({ login }) => oneLine(login, 100)).join(', ')}`);
  if (reason !== null) cli.print(`  reason: ${oneLine(reason, 300)}`);
  if (!holds || !isServed) tellPoints(points, cli);
}

function tellPoints(points: readonly Point[], cli: Cli): void {
  for (const { point, holds, why } of points) {
    if (holds !== true) cli.print(`  ${holds === 'unknown' ? cli.paint.yellow(`${point}?`) : cli.paint.red(point)}: ${oneLine(why, 1000)}`);
  }
}

function nameOf({ decision: { kind, moves } }: LogRecord): string {
  const moved = moves.map(({ model, stage, to }) => `${model} in ${stage} ${to === null ? '(nothing)' : shortDigest(to)}`).join(', ');
  return moved === '' ? kind : `${kind} of ${moved}`;
}

function placeOf({ decision: { commit, pull, seq } }: LogRecord): string {
  return `commit ${commit.slice(0, 12)}, ${pull === null ? 'no pull request' : `pull request ${pull.number}`}, record ${seq}`;
}
