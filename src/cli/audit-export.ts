import { resolve } from 'node:path';
import { formatBytes } from '../base/progress.ts';
import { periodOptions, selectionOf, type PeriodOptions } from './audit-log.ts';
import type { Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';
import { version } from './version.ts';

export const define: Define = (command, cli) => {
  periodOptions(logOptions(command))
    .argument('<folder>', 'a folder that is not there yet, or is empty')
    .addHelpText(
      'after',
      '\nThe signed records, all of them, and of the chosen decisions pointers, evidence and policies; a page, CSV, JSON, a model card and a bill of\nmaterials (CycloneDX) of each model that was served at the end. The same question gives the same bytes.\n\nExample:\n  $ plumb audit export audit-q3 --from 2026-07-01 --to 2026-09-30',
    )
    .action(async (folder: string, options: AuditOptions & PeriodOptions) => {
      const [{ soundLog }, { collectArchive }, { exportFiles }, { writeExport }] = await Promise.all([
        import('../registry/decision-log.ts'),
        import('../audit/archive.ts'),
        import('../audit/export.ts'),
        import('../audit/export-write.ts'),
      ]);
      const selection = await selectionOf(options);
      const { git, prefix, log } = await openAudit(cli, options);
      const { records, head } = soundLog(log);
      const files = await exportFiles(await collectArchive(git, prefix, records, selection), version);
      const path = resolve(cli.cwd, folder);
      await writeExport(path, files);
      const bytes = [...files.values()].reduce((sum, one) => sum + one.length, 0);
      cli.emit({
        folder: path,
        ...selection,
        head,
        records: records.length,
        files: files.size,
        bytes,
        first: records[0]?.digest ?? null,
        trust: log.trust,
      });
      cli.print(`wrote ${path}: ${files.size} files, ${formatBytes(bytes)}`);
      cli.print(`head of the log: ${head ?? 'none'}`);
      cli.print(cli.paint.dim(`whoever gets it: plumb audit verify ${folder} --expect-head ${head ?? 'none'}, with the head told by another way`));
    });
};
