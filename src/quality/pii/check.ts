// plumb/pii: which personal data the rows of a version hold, by the words of pii.yaml.
import type { Digest } from '../../base/digest.ts';
import type { JsonValue } from '../../base/schema.ts';
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import { checkDigest } from '../memory.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow, Severity } from '../findings.ts';
import { pathText, type CellPath } from './cells.ts';
import type { PiiConfig } from './config.ts';
import { findRows, type FoundRows } from './find-rows.ts';
import { openKey, type PiiKey } from './key.ts';
import { openRecogniser, type RecogniserWorld, type TextRecogniser } from './model-recogniser.ts';
import type { Find, RowFinds } from './row-finds.ts';
import { openPool, threadsFor } from './scan-pool.ts';
import { createLocalScanner, createScan, settingsOf } from './scan.ts';
import { isRewriting, modelEntities, treatmentsOf, type Treatments } from './treatment.ts';
import { openWaivers, type Waiver, type WaiverBook } from '../waivers.ts';

/** Raised whenever equal rows give other finds. */
export const piiVersion = 4;

export interface PiiAsked {
  readonly config: PiiConfig;
  /** name of pii.yaml, for messages; 'the usual settings' without one */
  readonly file: string;
  readonly columns: readonly string[] | null;
  readonly waivers: readonly Waiver[];
  /** YYYY-MM-DD, for waivers; null: none of their last days has passed */
  readonly day: string | null;
  /** false: the rows stay as they are, and what would be rewritten is flagged. Default: whoever asks sees to it */
  readonly rewrites?: boolean;
}

export interface PiiWorld extends Pick<RecogniserWorld, 'pathOf'> {
  /** where the key stands */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** threads for a full scan, at least 1 */
  readonly threads: number;
}

export interface PiiAnswer {
  readonly report: FindingsReport;
  /** flagged/1, in the order of the data */
  readonly flagged: readonly FlaggedRow[];
  /** what a rewriting needs */
  readonly finds: readonly RowFinds[];
  readonly treatments: Treatments;
  readonly key: PiiKey | null;
  /** rows that were looked at: how much the memory saved, no part of the report */
  readonly scanned: number;
}

/**
 * @throws PlumbError CONFIG_INVALID, PII_KEY, RECOGNISER_FAILED, DATASET_COLUMN, and as readRowBatches
 */
export async function judgePii(rows: CheckedRows, asked: PiiAsked, world: CheckWorld, own: PiiWorld): Promise<PiiAnswer> {
  const { config, file } = asked;
  const treatments = treatmentsOf(config, file);
  const isKeyed = [...treatments.byPattern, ...treatments.byModel].some((entity) => ['hash', 'surrogate'].includes(treatments.of(entity).action));
  const key = openKey(config, own.env, isKeyed, file);
  const columns = asked.columns ?? config.columns ?? null;
  const models: TextRecogniser[] = [];
  try {
    for (const one of config.recognisers) models.push(await openRecogniser(one, { pathOf: own.pathOf, signal: world.signal }));
    const found = await findRows(rows, await settings({ rows, asked, treatments, models, key, columns }, own), world);
    if (columns !== null) await requireColumns(rows, columns, found);
    return { ...answer(rows, asked, { treatments, columns, found }), finds: found.finds.flagged, treatments, key, scanned: found.scanned };
  } finally {
    for (const model of models) await model.close();
  }
}

interface Judged {
  readonly rows: CheckedRows;
  readonly asked: PiiAsked;
  readonly treatments: Treatments;
  readonly models: readonly TextRecogniser[];
  readonly key: PiiKey | null;
  readonly columns: readonly string[] | null;
}

async function settings({ rows, asked, treatments, models, key, columns }: Judged, own: PiiWorld): Promise<Parameters<typeof findRows>[1]> {
  const scanSettings = settingsOf(asked.config, treatments);
  return {
    check: checkOf({ rows, asked, treatments, models, key, columns }),
    columns: columns === null ? null : new Set(columns),
    key,
    openScan: async (full) => {
      const threads = full ? await threadsFor(rows.source.path, own.threads) : 1;
      const patterns = threads > 1 ? openPool(scanSettings, threads) : createLocalScanner(scanSettings);
      return { scan: createScan(asked.config, treatments, patterns, models), threads, close: () => patterns.close() };
    },
  };
}

/** All that finds depend on, beside the rows: neither severities nor waivers, which are looked up anew. */
function checkOf({ rows, asked: { config }, treatments, models, key, columns }: Judged): Digest {
  const entities = [...treatments.byPattern, ...treatments.byModel].map((entity) => {
    const { threshold, action } = treatments.of(entity);
    return [entity, threshold, action === 'keep'];
  });
  const asked: JsonValue = {
    check: 'pii',
    version: piiVersion,
    data: rows.source.name,
    entities,
    columns: columns === null ? null : [...columns].toSorted(),
    regions: config.regions ?? null,
    allow: config.allow,
    models: models.map(({ identity }) => identity),
    key: key === null ? null : (config.key?.check ?? null),
  };
  return checkDigest(asked);
}

/** A column that no row has would be clean for ever. */
async function requireColumns({ source }: CheckedRows, columns: readonly string[], { finds }: FoundRows): Promise<void> {
  if (finds.rows === 0) return;
  const missing = new Set(columns);
  const seen = new Set<string>();
  const see = (name: string): void => {
    missing.delete(name);
    seen.add(name);
  };
  for (const name of Object.keys(source.tree?.schema ?? {})) see(name);
  if (missing.size > 0)
    for await (const batch of readRowBatches(source.path, source.format, { name: source.name })) {
      for (const { value } of batch) for (const name of Object.keys(value)) see(name);
      if (missing.size === 0) break;
    }
  const [name] = missing;
  if (name === undefined) return;
  throw new PlumbError('DATASET_COLUMN', {
    what: `no row of ${source.name} has the column "${name}".${didYouMean(name, seen)}`,
    where: { file: source.name },
    mend: `name a column of the data: ${[...seen].slice(0, 20).join(', ')}`,
  });
}

function answer(
  { source }: CheckedRows,
  asked: PiiAsked,
  judged: { readonly treatments: Treatments; readonly columns: readonly string[] | null; readonly found: FoundRows },
): Pick<PiiAnswer, 'report' | 'flagged'> {
  const { treatments, columns, found } = judged;
  const book = openWaivers(asked.waivers, asked.day);
  const tally = new FindingsTally();
  const flagged: FlaggedRow[] = [];
  let [waived, finds, rowsWithFinds] = [0, 0, 0];
  for (const one of found.finds.flagged) {
    // a name that says a day or a host is a name
    const counting = one.finds.filter(({ isName, entity }) => isName === undefined || treatments.of(entity).action !== 'keep');
    if (counting.length === 0) continue;
    finds += counting.length;
    rowsWithFinds += 1;
    const names = new Map(counting.flatMap(({ isName, path, entity }) => (isName === true ? [[path.at(-1), `<${entity}>`] as const] : [])));
    const findings = counting.map((find) => {
      const waiver = waiverOf(find, one, { data: source.name, treatments, book, asked });
      if (waiver !== null) waived += 1;
      return findingOf(find, { path: withoutNames(find.path, names), waiver, treatments, asked });
    });
    const row = { row: one.row, key: one.key ?? `row ${one.row}`, digest: one.digest, findings };
    tally.add(row);
    // what is kept is counted, and nobody's to look at
    const shown = findings.filter(({ kind }) => treatments.of(kind).action !== 'keep');
    if (shown.length > 0) flagged.push({ ...row, findings: shown });
  }
  const report = tally.report({
    check: 'pii',
    data: source.name,
    rows: found.finds.rows,
    notes: [...notesOf(treatments), ...book.notes],
    settings: { file: asked.file, columns: columns === null ? null : [...columns], looked_for: lookedFor(treatments), as_of: asked.day },
    numbers: { findings: finds, rows_with_findings: rowsWithFinds, waived },
  });
  return { report, flagged };
}

interface Judging {
  readonly treatments: Treatments;
  readonly asked: PiiAsked;
}

/** Names cannot be rewritten, nor anything where nobody rewrites. */
function severityOf({ entity, isName }: Find, { treatments, asked }: Judging): Severity {
  const { action, severity } = treatments.of(entity);
  return isRewriting(action) && (isName === true || asked.rewrites === false) ? 'error' : severity;
}

function waiverOf(
  find: Find,
  row: RowFinds,
  { data, book, ...judging }: Judging & { readonly data: string; readonly book: WaiverBook },
): Waiver | null {
  if (severityOf(find, judging) === 'info') return null;
  return book.find({ data, column: find.path[0], kind: find.entity, row: row.digest, hash: find.hash });
}

/** A name that is personal data itself is not shown. */
function withoutNames([column, ...steps]: CellPath, names: ReadonlyMap<string | number | undefined, string>): CellPath {
  return [names.get(column) ?? column, ...steps.map((step) => (typeof step === 'string' ? (names.get(step) ?? step) : step))];
}

function findingOf(find: Find, { path, waiver, ...judging }: Judging & { readonly path: CellPath; readonly waiver: Waiver | null }): Finding {
  const { action } = judging.treatments.of(find.entity);
  const severity = severityOf(find, judging);
  const [column, ...steps] = path;
  const inside = `${pathText(path)}, ${find.span[0]} to ${find.span[1]}`;
  const named = steps.length === 0 ? 'the name of a column' : `a key of ${pathText([column, ...steps.slice(0, -1)])}`;
  const done = isRewriting(action) ? (severity === 'error' ? `, ${action} is not done here` : `, ${action}`) : '';
  const hash = find.hash === null ? '' : `, hash ${find.hash}`;
  const covered = waiver === null ? '' : `, waived by ${waiver.owner} until ${waiver.expires ?? ''}: ${waiver.reason}`;
  return {
    kind: find.entity,
    severity: waiver === null ? severity : 'info',
    column,
    // a place in a list or an object is said by the message
    ...(path.length === 1 && find.isName === undefined ? { span: [find.span[0], find.span[1]] as [number, number] } : {}),
    score: find.score,
    message: `${find.entity} in ${find.isName === true ? named : inside}${done}${hash}${covered}`,
  };
}

function lookedFor({ byPattern, byModel }: Treatments): string[] {
  return [...byPattern, ...byModel].toSorted();
}

function notesOf({ byModel }: Treatments): string[] {
  const without = modelEntities.filter((entity) => !byModel.includes(entity));
  return without.length === 0 ? [] : [`not looked for: ${without.join(', ')}; they need a recogniser with a model (docs/pii.md)`];
}
