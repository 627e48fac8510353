import { writeFileAtomic } from '../base/atomic.ts';
import { resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { openRowsAnywhere } from '../quality/checked-data.ts';
import type { Define } from './command.ts';

interface Options {
  readonly rev?: string;
  readonly html?: string;
  readonly limit: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'data set, its path, or any file of rows, also outside of a project')
    .option('--rev <revision>', 'as that revision has it')
    .option('--html <file>', 'write one page that stands by itself')
    .option('--limit <n>', 'most frequent values that are shown of a column', '5')
    .addHelpText('after', '\nExamples:\n  $ plumb profile intents\n  $ plumb profile data/new.csv --html profile.html')
    .action(async (data: string, { rev, html, limit: limitText }: Options) => {
      const limit = limitOf(limitText);
      const [{ profileRows }, { maskProfile }, { renderProfile }] = await Promise.all([
        import('../quality/profile/profile.ts'),
        import('../quality/profile/masked.ts'),
        import('./profile-view.ts'),
      ]);
      const { cwd, progress, signal } = cli;
      const { rows } = await openRowsAnywhere(() => openProject(cli), data, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) });
      const profile = maskProfile(await profileRows(rows, cli));
      cli.emit(profile);
      if (html === undefined) return cli.print(renderProfile(profile, limit, cli.paint));
      const { renderProfilePage } = await import('../report/profile-page.ts');
      await writeFileAtomic(resolve(cwd, html), renderProfilePage(profile));
      cli.print(`${html}: ${profile.rows.toLocaleString('en-US')} rows, ${profile.columns.length} columns`);
    });
};

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit <= 20) return limit;
  throw new PlumbError('USAGE', { what: `--limit ${text}: expected a whole number from 0 to 20`, mend: 'write --limit 5' });
}
