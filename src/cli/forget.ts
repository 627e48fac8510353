import { shortDigest } from '../base/digest.ts';
import { exitCodes, PlumbError } from '../base/errors.ts';
import type { ForgetPlan, ForgetWish } from '../lineage/forget.ts';
import { openProject } from '../project/open.ts';
import { cut, visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { countOf } from './count-of.ts';

interface Options {
  readonly column?: string;
  readonly text?: boolean;
  readonly branch?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<what>', 'a document, an annotator or a source, as the sidecars name it')
    .option('--column <name>', 'rows with this value in the column')
    .option('--text', 'rows that hold this anywhere in a text: a name, or the keyed hash that plumb/pii put in its place')
    .option('--branch <name>', 'make a branch with one commit that takes the rows out of data sets and sidecars')
    .addHelpText(
      'after',
      '\nWithout --branch nothing is changed: it tells what would have to go.\n\nExamples:\n  $ plumb forget tickets/4711\n  $ plumb forget u-1093 --column user --branch forget-u-1093',
    )
    .action(async (what: string, options: Options) => forget(wishOf(what, options), options.branch, cli));
};

function wishOf(what: string, { column, text }: Options): ForgetWish {
  if (column !== undefined && text === true)
    throw new PlumbError('USAGE', { what: '--column and --text say different things of what is meant', mend: 'write one of them' });
  return column !== undefined ? { by: 'column', column, what } : { by: text === true ? 'text' : 'provenance', what };
}

async function forget(wish: ForgetWish, branch: string | undefined, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const { planForget } = await import('../lineage/forget.ts');
  const plan = await planForget(wish, { project, progress: cli.progress, signal: cli.signal });
  const made =
    branch === undefined || plan.rows.size === 0
      ? null
      : await (await import('../lineage/forget-branch.ts')).makeForgetBranch(project, plan.rows, { branch, signal: cli.signal });
  const left = whatStays(plan, made !== null);
  cli.emit({
    ...plan,
    rows: [...plan.rows].toSorted(),
    runs: plan.runs.map(({ run, record, inputs, certainty }) => ({ run, stage: record.stage, inputs, certainty })),
    branch: made,
    left,
  });
  for (const line of planLines(plan, wish, cli)) cli.print(line);
  if (made !== null) {
    cli.print(
      `\n${cli.paint.green(`branch ${made.branch}`)} (${made.commit.slice(0, 10)}): ${made.data.map(({ data, removed, left: rest }) => `${data} -${removed}${rest === 0 ? ', nothing left: it is taken out of the lock' : ''}`).join('; ')}`,
    );
  }
  if (left.length > 0) cli.print(`\n${cli.paint.bold('what stays, and how to let it go')}`);
  for (const line of left) cli.print(`  - ${line}`);
  if (plan.rows.size === 0) cli.exitCode = exitCodes.no;
}

function planLines({ counts, versions, runs, models, held, reviews, unknown, rows }: ForgetPlan, wish: ForgetWish, { paint }: Cli): string[] {
  const doubt = (certainty: string): string => (certainty === 'perhaps' ? paint.yellow('  perhaps') : '');
  const place = ({ here, remote }: ForgetPlan['held'][number]): string =>
    [here ? 'this cache' : '', remote === true ? 'the remote' : remote === null ? '' : 'not in the remote']
      .filter((part) => part !== '')
      .join(', ') || 'not here';
  // where there is nothing, one line says so
  const title = (name: string, nothing: string | null): string[] => [`\n${paint.bold(name)}${nothing === null ? '' : `: ${nothing}`}`];
  if (rows.size === 0)
    return [
      `no row of any version that can be read here is meant${elsewhere(wish)}`,
      ...unknown.map((note) => paint.yellow(`not known: ${visible(note)}`)),
    ];
  return [
    `${paint.bold(countOf(rows.size, 'row'))} would have to go: ${counts.matched} that fit, ${counts.derived} made of these${counts.shared > 0 ? `; ${counts.shared} of them have another source, too` : ''}`,
    paint.bold('\ndata'),
    ...versions.map(
      ({ data, digest, commit, current, rows: count }) =>
        `  ${visible(data)} ${shortDigest(digest)}  ${countOf(count, 'row')}  ${commit === null ? 'not committed' : `since ${commit.oid.slice(0, 10)}`}${current ? '  in the work tree' : ''}`,
    ),
    ...title('runs', runs.length === 0 ? 'none that is known' : null),
    ...runs.map(({ run, record, certainty }) => `  ${shown(record.stage)} ${shortDigest(run)}${doubt(certainty)}`),
    ...title('models', models.length === 0 ? 'none that was ever promoted' : null),
    ...models.map(
      ({ model, artifact, use, certainty, now }) =>
        `  ${shown(model)} ${shortDigest(artifact)}  ${use}${now.length > 0 ? paint.red(`  in ${now.join(' and ')} now`) : '  not in use'}${doubt(certainty)}`,
    ),
    ...title('bytes', held.length === 0 ? 'none that is known' : null),
    ...held.map((one) => `  ${shortDigest(one.digest)}  ${shown(one.what)}: ${place(one)}${doubt(one.certainty)}`),
    ...(reviews.length === 0 ? [] : [paint.bold('\nreviews that name the rows'), ...reviews.map((path) => `  ${shown(path)}`)]),
    ...unknown.map((note) => paint.yellow(`\nnot known: ${visible(note)}`)),
  ];
}

/** Where else to look, for whoever named what no sidecar names. */
function elsewhere(wish: ForgetWish): string {
  if (wish.by !== 'provenance') return '';
  return `: no sidecar names a document, an annotator or a source "${shown(wish.what)}". Values of a column are meant with --column, what stands in a text with --text`;
}

/** What a branch cannot take away, said as it is. */
function whatStays({ versions, models, held, reviews, rows }: ForgetPlan, hasBranch: boolean): string[] {
  if (rows.size === 0) return [];
  const serving = models.filter(({ now, use }) => now.length > 0 && use === 'trained');
  return [
    ...(hasBranch
      ? [
          'the branch has to be merged; then every clone runs `plumb checkout`, and other branches and tags that name the old versions have to go or be rebased',
        ]
      : ['`--branch NAME` makes the branch that takes the rows out']),
    ...(versions.length > 0
      ? [
          "git's history goes on naming the old versions by digest. Their bytes stay as long as a branch, a tag or a pointer's evidence names them; after that `plumb gc`, here and on every machine with a cache, and `plumb gc --remote` let them go",
        ]
      : []),
    ...(models.length > 0
      ? [
          'what a pointer of the main branch ever named is kept for `retention.pointers` of policy.yaml (default: for ever): shorten that, or garbage collection keeps the data and models behind it',
        ]
      : []),
    ...(serving.length > 0
      ? [
          `${serving.map(({ model }) => model).join(', ')}: train without the rows and promote, or take it out now: \`plumb revoke\`. A model may repeat what it was trained on; no branch changes that`,
        ]
      : []),
    ...(held.some(({ remote }) => remote === true)
      ? ['the remote has objects that hold the rows; versions and backups that it keeps of its own (bucket versioning) are not ours to see']
      : []),
    ...(models.length > 0
      ? ["reports in a pointer's evidence show examples of cases: they are in git, and only rewriting its history takes them away"]
      : []),
    ...(reviews.length > 0
      ? ['decisions below reviews/ name the rows, and an edit there holds what was written: take these files out of the branch by hand']
      : []),
    'copies that others made (checkouts, exports, backups, caches of other machines) are not known here',
  ];
}

function shown(text: string): string {
  return cut(visible(text), 120);
}
