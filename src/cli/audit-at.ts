import { shortDigest } from '../base/digest.ts';
import type { Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';
import { stageOption } from './stage-option.ts';

interface Options extends AuditOptions {
  readonly stage: Stage;
}

export const define: Define = (command, cli) => {
  logOptions(command)
    .argument('<when>', 'a day (its end, UTC), an instant (RFC 3339), or a commit of the main branch')
    .argument('[model]', 'only this model')
    .addOption(stageOption('the stage to look at').default('production'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb audit at 2026-09-01\n  $ plumb audit at 2026-09-01T12:00:00+02:00 intents --stage staging\n  $ plumb audit at HEAD~3 intents',
    )
    .action((when: string, model: string | undefined, options: Options) => auditAt(when, model, options, cli));
};

async function auditAt(when: string, model: string | undefined, options: Options, cli: Cli): Promise<void> {
  const { servedThen } = await import('./audit-then.ts');
  const place = await openAudit(cli, options);
  const { records, dossiers } = await servedThen(place, when, { model, stage: options.stage });
  const { dataUses } = await import('../audit/dossier.ts');
  cli.emit({
    when,
    records: records.length,
    head: records.at(-1)?.digest ?? null,
    served: dossiers.map((dossier) => ({
      ...dossier.served,
      decision: dossier.decision,
      record: records[dossier.served.seq]?.digest,
      pointerFile: dossier.pointer,
      gate: dossier.promotion?.gate ?? null,
      forced: dossier.promotion?.forced ?? null,
      metrics: dossier.pointer?.metrics ?? null,
      data: dataUses(dossier),
      notServedSince: dossier.refused.map(({ seq }) => seq),
      findings: dossier.findings,
    })),
  });
  const { describeDossier } = await import('./audit-then.ts');
  for (const dossier of dossiers) cli.print(`${describeDossier(dossier, cli)}\n`);
  if (dossiers.length === 0)
    cli.print(`${model === undefined ? 'nothing' : `nothing of ${model}`} was in ${options.stage} then (${records.length} records until then)`);
  if (dossiers.some(({ findings }) => findings.length > 0)) {
    cli.note(
      cli.paint.red(
        `the evidence of ${dossiers
          .filter(({ findings }) => findings.length > 0)
          .map(({ served }) => shortDigest(served.artifact))
          .join(', ')} does not hold`,
      ),
    );
    cli.exitCode = 1;
  }
}
