import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { loadLock } from '../datasets/lock.ts';
import { carryOutRecord, type RecordResult } from '../quality/provenance/carry-out.ts';
import { LineageIndex } from '../quality/provenance/lineage-index.ts';
import type { RowDecision } from '../quality/provenance/record.ts';
import { sidecarName } from '../quality/provenance/sidecar.ts';
import { reviewsOf } from '../review/by-row.ts';
import { lineageLine, readLineage } from '../quality/provenance/lineage.ts';
import { formatOfName } from '../datasets/row-format.ts';
import { refuseWayOut } from '../datasets/paths.ts';
import { applyDecisions, type Applied } from '../review/apply.ts';
import { reviewsFolder } from '../review/review-files.ts';
import type { Cli, Define } from './command.ts';
import { openReview, type ReviewWorld } from './review-world.ts';

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'a data set of JSONL or CSV')
    .addHelpText(
      'after',
      '\nWhat is disputed stays as it is. Rows that nobody decided about stay byte for byte.\n\nExample:\n  $ plumb review apply intents && plumb add intents.jsonl && plumb review commit',
    )
    .action((data: string) => apply(data, cli));
};

async function apply(word: string, cli: Cli): Promise<void> {
  const world = await openReview(cli, word);
  const { project, data, entry, settled } = world;
  await refuseWayOut(project.root, entry.path);
  const source = { path: join(project.root, entry.path), name: entry.path, format: formatOfName(entry.path) ?? entry.format };
  let lineage: string | null = null;
  const applied = await project.mutex(() =>
    applyDecisions(source, settled, {
      signal: cli.signal,
      before: async (done) => {
        lineage = await writeLineage(world, done);
      },
    }),
  );
  const provenance = await recordReviews(world, lineage, cli);
  const disputed = [...settled.values()].filter(({ state }) => state === 'disputed').length;
  const { replaced, removed, rows } = applied;
  cli.emit({ data, path: entry.path, replaced, removed, rows, disputed, lineage, provenance });
  if (disputed > 0) cli.note(`${disputed} disputed, and left as they are: plumb review adjudicate ${data}`);
  if (provenance !== null) cli.note(`${provenance.path}: ${provenance.changed + provenance.recorded} rows say now what was decided of them`);
  if (replaced + removed === 0) return cli.print('no row changes');
  cli.print(
    `${entry.path}: ${replaced} replaced, ${removed} removed, ${rows} rows left\n${cli.paint.dim(`plumb diff, then plumb add ${entry.path}`)}`,
  );
}

/** lineage/1 beside the decisions, named by its bytes: the same decisions on the same rows are the same file. */
async function writeLineage({ project, data }: ReviewWorld, { lineage }: Applied): Promise<string | null> {
  const text = lineage.map(({ row, from, action }) => lineageLine(row, [from], `plumb/review ${action}`)).join('');
  if (text === '') return null;
  const path = `${reviewsFolder}/${data}/lineage/${hexOf(digestOf(text))}.jsonl`;
  await writeFileAtomic(join(project.root, path), text);
  return path;
}

/** What was decided stands in the sidecar of the data set, if it has one. */
async function recordReviews({ project, data, settled }: ReviewWorld, lineage: string | null, cli: Cli): Promise<RecordResult | null> {
  if (!Object.hasOwn((await loadLock(project)).datasets, sidecarName(data))) return null;
  const decisions = new Map<Digest, RowDecision>();
  for (const [row, { status, from }] of reviewsOf(settled))
    decisions.set(row, { reviewed: status === 'accepted' || status === 'rejected' ? status : 'pending', from });
  const index = new LineageIndex();
  if (lineage !== null) for await (const row of readLineage(join(project.root, lineage), lineage, cli)) index.add(row);
  const nothing = { from: [], sourceOf: () => null, also: false, pii: null, prune: false };
  return carryOutRecord(project, { dataset: data, decisions, lineage: lineage === null ? null : index, ...nothing }, cli);
}
