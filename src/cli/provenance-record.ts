// plumb provenance record: what the options say, what reviews and plumb/pii decided, and the files that are named, put together for the sidecar.
import { resolve } from 'node:path';
import { formatOfName } from '../datasets/row-format.ts';
import { PlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { JsonValue } from '../base/schema.ts';
import { readRowBatches } from '../datasets/rows.ts';
import { findRun } from '../pipeline/find-run.ts';
import { RunLog } from '../pipeline/records.ts';
import { openProject, type Project } from '../project/open.ts';
import { flaggedRowSchema } from '../quality/findings.ts';
import { carryOutRecord, openDataset, type DatasetData, type RecordWish } from '../quality/provenance/carry-out.ts';
import { isLicence, readFactsMap, requireFactColumns, sourceReader } from '../quality/provenance/facts.ts';
import { LineageIndex } from '../quality/provenance/lineage-index.ts';
import { readLineage } from '../quality/provenance/lineage.ts';
import type { RowDecision } from '../quality/provenance/record.ts';
import { decisionsByRow } from '../review/index.ts';
import type { Cli } from './command.ts';

export interface RecordOptions {
  readonly source?: string;
  readonly document?: string;
  readonly created?: string;
  readonly annotator?: string;
  readonly licence?: string;
  readonly map?: string;
  readonly from?: readonly string[];
  readonly lineage?: readonly string[];
  readonly pii?: string;
  readonly also?: boolean;
  readonly prune?: boolean;
}

export async function recordCommand(word: string, options: RecordOptions, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const data = await openDataset(project, word, cli);
  const dataset = data.rows.source.name;
  const from = options.from ?? [];
  const result = await carryOutRecord(
    project,
    {
      dataset,
      from,
      sourceOf: sourceReader(await factsOf(data, options, cli)),
      decisions: await decisionsOf(project, [...from, dataset]),
      lineage: await lineageOf(options.lineage ?? [], cli),
      pii: options.pii === undefined ? null : await piiOf(options.pii, { project, data, cli }),
      also: options.also === true,
      prune: options.prune === true,
    },
    cli,
  );
  cli.emit(result);
  const { recorded, changed, dropped, without, path, content } = result;
  const parts = [`${recorded} recorded`, ...(changed > 0 ? [`${changed} changed`] : []), ...(dropped > 0 ? [`${dropped} left out`] : [])];
  cli.print(content === null ? `nothing is known of any row of ${dataset}: no sidecar was written` : `${path}: ${parts.join(', ')}`);
  if (without > 0) cli.print(cli.paint.yellow(`${without} rows have no source: name it with --source, or in --map`));
}

async function factsOf({ entry }: DatasetData, options: RecordOptions, cli: Cli): Promise<Parameters<typeof sourceReader>[0]> {
  const { source, document, created, annotator, licence, map } = options;
  requireFactColumns({ ...(document && { document }), ...(created && { created }), ...(annotator && { annotator }) }, entry.schema);
  if (licence !== undefined && !isLicence(licence))
    throw new PlumbError('USAGE', {
      what: `--licence ${licence.slice(0, 80)}: no SPDX licence expression`,
      mend: 'write MIT, or "CC-BY-4.0 OR MIT": https://spdx.org/licenses',
    });
  const facts = map === undefined ? null : await readFactsMap({ path: resolve(cli.cwd, map), name: map }, { key: entry.key, document }, cli);
  return {
    ...(source && { source }),
    ...(document && { document }),
    ...(created && { created }),
    ...(annotator && { annotator }),
    ...(licence && { licence }),
    ...(facts && { map: facts }),
  };
}

/** A decision about a row of a data set that this one takes rows from counts here; one about this data set wins. */
async function decisionsOf(project: Project, names: readonly string[]): Promise<ReadonlyMap<Digest, RowDecision>> {
  const decisions = new Map<Digest, RowDecision>();
  for (const name of names)
    for (const [row, { status, from }] of await decisionsByRow(project, name))
      decisions.set(row, { reviewed: status === 'accepted' || status === 'rejected' ? status : 'pending', from });
  return decisions;
}

async function lineageOf(files: readonly string[], cli: Cli): Promise<LineageIndex | null> {
  if (files.length === 0) return null;
  const index = new LineageIndex();
  for (const file of files) for await (const row of readLineage(resolve(cli.cwd, file), file, cli)) index.add(row);
  return index;
}

/** @param word a file of flagged rows, or a stage whose last run looked at this very version */
async function piiOf(word: string, { project, data, cli }: { project: Project; data: DatasetData; cli: Cli }): Promise<RecordWish['pii']> {
  if (formatOfName(word) === 'jsonl') return { found: await flaggedIn(resolve(cli.cwd, word), { name: word, rewritten: false }, cli), all: false };
  const { record } = await findRun(word, await new RunLog(project.localDir).read(), project.store);
  const { flagged } = record.outputs;
  const isPii = 'uses' in record.command && record.command.uses === 'plumb/pii';
  if (!isPii || flagged === undefined)
    throw new PlumbError('USAGE', {
      what: `--pii ${word.slice(0, 80)}: the last run of that stage is none of plumb/pii`,
      mend: 'name the stage of pipeline.yaml that uses plumb/pii',
    });
  if (record.inputs['data']?.digest !== data.entry.digest || data.rows.content !== data.entry.content)
    throw new PlumbError('RUN_MISSING', {
      what: `the last run of "${record.stage}" looked at another version of ${data.rows.source.name} than the one that stands here`,
      mend: `lock the data and run the stage: \`plumb add ${data.entry.path}\`, \`plumb run ${record.stage}\``,
    });
  const rewritten = 'uses' in record.command && asksToRewrite(record.command.with);
  return { found: await flaggedIn(await project.store.pathOf(flagged.digest), { name: `${record.stage}.flagged`, rewritten }, cli), all: true };
}

function asksToRewrite(args: JsonValue): boolean {
  return args !== null && typeof args === 'object' && !Array.isArray(args) && args['rewrite'] !== undefined;
}

interface FlaggedFile {
  readonly name: string;
  /** by a stage that rewrites: what it only tells is in the rows as they came in, and the verdict is of these */
  readonly rewritten: boolean;
}

async function flaggedIn(path: string, { name, rewritten }: FlaggedFile, cli: Cli): Promise<Map<Digest, string[]>> {
  const found = new Map<Digest, string[]>();
  for await (const batch of readRowBatches(path, 'jsonl', { name, signal: cli.signal })) {
    for (const { row, value } of batch) {
      const parsed = flaggedRowSchema.safeParse(value);
      if (!parsed.success)
        throw new PlumbError('PROVENANCE_INVALID', {
          what: `row ${row} of ${name} is no line of flagged/1`,
          where: { file: name, row },
          mend: 'name what plumb/pii wrote as `flagged`',
        });
      const kinds = parsed.data.findings.filter(({ severity }) => rewritten || severity !== 'info').map(({ kind }) => kind);
      if (kinds.length > 0) found.set(parsed.data.digest, [...(found.get(parsed.data.digest) ?? []), ...kinds]);
    }
  }
  return found;
}
