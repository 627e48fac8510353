import type { Selection } from '../audit/selection.ts';
import type { LogRecord } from '../registry/decision-log.ts';
import type { Command as Commander } from 'commander';
import type { Cli, Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';
import { renderTable } from './table.ts';

export interface PeriodOptions {
  readonly from?: string;
  readonly to?: string;
  readonly model?: string;
}

/** Options of every command that looks at a period. */
export function periodOptions(command: Commander): Commander {
  return command
    .option('--from <time>', 'decisions since then: a day (its begin, UTC) or an instant (RFC 3339)')
    .option('--to <time>', 'decisions until then: a day (its end, UTC) or an instant')
    .option('--model <name>', 'decisions about this model');
}

/** @throws PlumbError AUDIT_TIME, NAME_INVALID */
export async function selectionOf({ from, to, model }: PeriodOptions): Promise<Selection> {
  const [{ boundOf }, { checkName }] = await Promise.all([import('../audit/moment.ts'), import('../base/names.ts')]);
  return {
    from: boundOf(from, 'begin')?.toISOString() ?? null,
    to: boundOf(to, 'end')?.toISOString() ?? null,
    model: model === undefined ? null : checkName('model', model),
  };
}

export const define: Define = (command, cli) => {
  periodOptions(logOptions(command))
    .addHelpText('after', '\nExamples:\n  $ plumb audit log --model intents\n  $ plumb audit log --from 2026-07-01 --to 2026-09-30')
    .action(async (options: AuditOptions & PeriodOptions) => {
      const [{ soundLog }, { selectRecords }] = await Promise.all([import('../registry/decision-log.ts'), import('../audit/selection.ts')]);
      const selection = await selectionOf(options);
      const { records, head } = soundLog((await openAudit(cli, options)).log);
      const chosen = selectRecords(records, selection);
      cli.emit({ ...selection, head, of: records.length, decisions: chosen.map(forJson) });
      cli.print(await describeRecords(chosen, cli));
      cli.print(`\n${chosen.length} of ${records.length} decisions; head ${head ?? 'none'}`);
    });
};

export function forJson({ decision, subject, digest, signedBy }: LogRecord): object {
  return { record: digest, signedBy, subject, ...decision };
}

export async function describeRecords(records: readonly LogRecord[], { paint }: Cli): Promise<string> {
  const [{ approversOf, decisionInWords, timeInWords }, { visible }] = await Promise.all([
    import('../audit/words.ts'),
    import('../report/visible.ts'),
  ]);
  const rows = records.map(({ decision, digest }) => [
    String(decision.seq),
    timeInWords(decision.at),
    decision.holds ? visible(decisionInWords(decision)) : paint.yellow(visible(decisionInWords(decision))),
    visible(approversOf(decision)),
    decision.pull === null ? '' : String(decision.pull.number),
    decision.commit.slice(0, 12),
    digest.slice(7, 19),
  ]);
  const titles = [
    { title: 'no.', align: 'right' as const },
    { title: 'when (UTC)' },
    { title: 'what' },
    { title: 'approved by' },
    { title: 'pull', align: 'right' as const },
    { title: 'commit' },
    { title: 'record' },
  ];
  return renderTable(titles, rows);
}
