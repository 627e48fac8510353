// The two formats of data: datasets.lock (git, for people) and the manifest (store, for machines).
import { countSchema, digestSchema, fields, nameSchema, z } from '../base/schema.ts';

export const rowFormats = ['jsonl', 'csv', 'parquet'] as const;
export type RowFormat = (typeof rowFormats)[number];

/** Types of columns, as found in the rows; '?' behind one: some rows have none. 'mixed': rows disagree. */
export const columnTypes = ['string', 'integer', 'number', 'boolean', 'null', 'list', 'object', 'mixed'] as const;
const columnType = z
  .string()
  .regex(new RegExp(`^(${columnTypes.join('|')})\\??$`), `expected one of ${columnTypes.join(', ')}, with "?" when some rows have none`);

const source = z.union([fields({ kind: z.literal('files').describe('added by hand from a file or folder of the work tree') })]);

const anyEntry = {
  digest: digestSchema.describe('SHA-256 of the manifest in the store'),
  path: z.string().min(1).describe('working copy, relative to the project'),
  bytes: countSchema.describe('size of all files together'),
  source: source.describe('where the data came from'),
};

/** One data set in the lock. */
export const lockEntrySchema = z.discriminatedUnion('format', [
  fields({
    ...anyEntry,
    content: digestSchema.describe('SHA-256 of the file itself, as `sha256sum` prints it: a working copy is compared with it'),
    format: z.enum(rowFormats),
    rows: countSchema,
    key: z.string().min(1).optional().describe('column that names a row; without one, a row is named by its content'),
    label: z.string().min(1).optional().describe('column whose change is called relabelling'),
    schema: z.record(z.string(), columnType).describe('column -> type'),
  }),
  fields({ ...anyEntry, format: z.literal('files'), files: countSchema.describe('number of files') }),
]);

/** datasets.lock */
export const lockSchema = fields({
  version: z.literal(1).describe('version of this format'),
  datasets: z.record(nameSchema, lockEntrySchema).describe('name -> what is locked'),
}).describe('datasets.lock: the data sets of this revision, by digest; written by `plumb add`');

/** The manifest: all that identifies a version of a data set. Content decides it, nothing else (no time, no source, no machine, no name of a file of rows). */
export const manifestSchema = z
  .discriminatedUnion('kind', [
    fields({
      plumbline: z.literal('manifest/1'),
      kind: z.literal('rows'),
      format: z.enum(rowFormats),
      rows: countSchema,
      bytes: countSchema,
      key: z.string().optional(),
      label: z.string().optional(),
      schema: z.record(z.string(), columnType),
      labels: z
        .array(z.tuple([z.string(), countSchema]))
        .optional()
        .describe('[label, rows], sorted by label (UTF-16 code units); where rows have a label column and a tree, and at most 10,000 labels'),
      content: digestSchema.describe('SHA-256 of the file; what it is called is no part of what it is'),
      tree: digestSchema.optional().describe('root of the tree of its chunks of rows; none for parquet'),
    }),
    fields({
      plumbline: z.literal('manifest/1'),
      kind: z.literal('files'),
      files: countSchema,
      bytes: countSchema.describe('of all files'),
      tree: digestSchema.describe('root of the tree of its files: path -> digest, size, mode'),
    }),
  ])
  .describe('manifest/1: one version of a data set; canonical JSON (RFC 8785), found by its SHA-256');

export type LockEntry = z.infer<typeof lockEntrySchema>;
export type Lock = z.infer<typeof lockSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
