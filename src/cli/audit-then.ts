// What was served at a moment, and how a terminal shows it.
import { dataUses, dossierOf, type Dossier } from '../audit/dossier.ts';
import { momentOf, recordsUntil } from '../audit/moment.ts';
import { decisionInWords, objectionsOf, timeInWords } from '../audit/words.ts';
import { shortDigest } from '../base/digest.ts';
import { logState } from '../registry/audit-state.ts';
import { soundLog, type LogRecord } from '../registry/decision-log.ts';
import type { Stage } from '../registry/schema.ts';
import { commitTree } from '../registry/tree.ts';
import { visible } from '../report/visible.ts';
import type { Cli } from './command.ts';
import type { AuditPlace } from './open-audit.ts';

/** @returns records: those that were there then. @throws PlumbError AUDIT_INVALID, AUDIT_REWRITTEN, AUDIT_BEHIND, AUDIT_TIME */
export async function servedThen(
  { git, prefix, log, main }: AuditPlace,
  when: string | undefined,
  { model, stage }: { readonly model: string | undefined; readonly stage: Stage },
): Promise<{ readonly records: readonly LogRecord[]; readonly dossiers: readonly Dossier[] }> {
  const { records: all } = soundLog(log);
  const moment = when === undefined ? null : await momentOf(when, git);
  const line = moment?.kind === 'commit' ? (await git.log(main, { firstParent: true })).map(({ oid }) => oid) : [];
  const records = moment === null ? all : recordsUntil(all, moment, line);
  const served = logState(records)
    .allServed()
    .filter((one) => one.stage === stage && (model === undefined || one.model === model));
  const dossiers: Dossier[] = [];
  for (const one of served) dossiers.push(await dossierOf(commitTree(git, prefix, one.commit), one, records));
  return { records, dossiers };
}

export function describeDossier(dossier: Dossier, { paint }: Pick<Cli, 'paint'>): string {
  const { served, decision, pointer, promotion, evaluation, refused, findings } = dossier;
  const { pull, approvals } = decision;
  const lines: [string, string | null][] = [
    ['why', `record ${served.seq}: ${decisionInWords(decision)}, ${timeInWords(decision.at)} UTC, commit ${served.commit.slice(0, 12)}`],
    ['reason', decision.reason],
    [
      'pull request',
      pull === null ? 'none' : `${pull.number} by ${pull.author ?? 'nobody known'}, merged by ${pull.mergedBy ?? 'nobody known'}  ${pull.url}`,
    ],
    [
      'approved by',
      approvals.length === 0
        ? 'nobody'
        : approvals.map(({ login, review }) => `${login}${review === undefined ? '' : ` (review ${review})`}`).join(', '),
    ],
    ...objectionsOf(decision).map((text): [string, string] => ['did not hold', text]),
    [
      'gate',
      promotion === null
        ? null
        : `${promotion.gate.gate} ${promotion.gate.holds ? 'holds' : 'DOES NOT HOLD'}${promotion.forced === null ? '' : `, forced: ${promotion.forced.reason}`}`,
    ],
    ['accuracy', evaluation === null ? null : `${(100 * evaluation.accuracy.value).toFixed(2)} % of ${evaluation.cases} cases`],
    ...dataUses(dossier).map(({ name, manifest, use }): [string, string] => [use, `${name}  ${manifest}`]),
    ['model file', served.artifact],
    ['pointer', served.pointer],
    ['report', pointer?.report ?? null],
    ['training run', pointer?.run ?? null],
    ['policy', pointer?.policy ?? null],
    ['decided by', `${decision.by.name}${decision.by.run === null ? '' : `  ${decision.by.run}`}`],
    ...refused.map((one): [string, string] => ['not served', `record ${one.seq}: ${decisionInWords(one)}; ${objectionsOf(one).join('; ')}`]),
    ...findings.map(({ what }): [string, string] => ['FAULT', what]),
  ];
  const head = `${paint.bold(visible(served.model))} ${served.stage}  ${paint.bold(shortDigest(served.artifact))}  since ${timeInWords(served.since)} UTC`;
  return [head, ...lines.flatMap(([name, text]) => (text === null ? [] : [`  ${paint.dim(name.padEnd(12))}  ${visible(text)}`]))].join('\n');
}
