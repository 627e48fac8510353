// Waivers: findings that somebody answers for, for a while. The file is reviewed like any other change. One that nobody signed, that gives no reason
// or that is past its day is no waiver: what it speaks of counts, and the report says so.
import { readFile } from 'node:fs/promises';
import { parseYaml } from '../base/config.ts';
import { isPlumbError } from '../base/errors.ts';
import { digestSchema, fields, z } from '../base/schema.ts';
import type { StepInput } from '../base/step.ts';
import type { Finding, FlaggedRow } from './findings.ts';

const waiverSchema = fields({
  kind: z.string().min(1).describe('of the finding: EMAIL_ADDRESS, exact-duplicate, 13-gram, the name of a rule for secrets'),
  data: z.string().min(1).optional().describe('data set, or stage.output; default: all'),
  column: z.string().min(1).optional().describe('column, or path of a file; default: all'),
  row: digestSchema.optional().describe('the digest of the row in flagged.jsonl; default: all'),
  hash: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'expected the hash that a finding names')
    .optional()
    .describe('of the value, as a finding names it; default: all values'),
  owner: z.string().default('').describe('who answers for it'),
  reason: z.string().default('').describe('why it may stay'),
  expires: z.iso.date().optional().describe('last day that it counts: 2027-01-31'),
});

export const waiversSchema = fields({
  version: z.literal(1).describe('version of this format'),
  waivers: z.array(waiverSchema).describe('each with its reason, its owner and its last day'),
}).describe('waivers: which findings may stay, who answers for them, until when');

export type Waiver = z.infer<typeof waiverSchema>;

export interface WaivedFind {
  readonly data: string;
  readonly column: string;
  readonly kind: string;
  readonly row: string;
  readonly hash: string | null;
}

export interface WaiverBook {
  /** the waiver that covers a find; null: it counts */
  find(one: WaivedFind): Waiver | null;
  /** why some do not count */
  readonly notes: readonly string[];
}

/** Of a file of waivers. @returns none where it does not read: whoever judges by it says so */
async function lastDaysOf(text: string): Promise<string[]> {
  const read = await parseYaml(text, '', waiversSchema).catch((error: unknown) => (isPlumbError(error) ? null : Promise.reject(error)));
  return (read?.waivers ?? []).flatMap(({ expires }) => (expires === undefined ? [] : [expires]));
}

/**
 * The day by which a stage judges. It follows from what is in its fingerprint, and gives what the day of the run gives.
 * @param passed the latest last day that is over
 * @param asOf a day to come that counts already
 */
export function dayOfStage(passed: string | undefined, asOf: string | undefined): string | null {
  if (passed === undefined) return asOf ?? null;
  const next = new Date(Date.parse(passed) + 86_400_000).toISOString().slice(0, 10);
  return asOf !== undefined && asOf > next ? asOf : next;
}

/** @param day YYYY-MM-DD; null: none of their last days has passed */
export function openWaivers(waivers: readonly Waiver[], day: string | null): WaiverBook {
  const notes: string[] = [];
  const valid = waivers.filter((one, at) => {
    const fault = faultOf(one, day);
    if (fault !== null) notes.push(`waiver ${at + 1} (${one.kind}) does not count: ${fault}`);
    return fault === null;
  });
  return { notes, find: (find) => valid.find((one) => covers(one, find)) ?? null };
}

function faultOf({ owner, reason, expires }: Waiver, day: string | null): string | null {
  if (owner.trim() === '') return 'nobody signed it (owner)';
  if (reason.trim() === '') return 'it gives no reason';
  if (expires === undefined) return 'it has no last day (expires)';
  return day !== null && expires < day ? `it expired on ${expires}` : null;
}

function covers(one: Waiver, find: WaivedFind): boolean {
  return (
    one.kind === find.kind &&
    (one.data === undefined || one.data === find.data) &&
    (one.column === undefined || one.column === find.column) &&
    (one.row === undefined || one.row === find.row) &&
    (one.hash === undefined || one.hash === find.hash)
  );
}

/** Nobody answers for anything. */
export const noWaivers: WaiverBook = { find: () => null, notes: [] };

/**
 * Rows with what somebody answers for counted, no more.
 * @param data name of the data set, or path of the folder
 * @param hashOf the hash that a finding names
 */
export function* waive(
  rows: Iterable<FlaggedRow>,
  book: WaiverBook,
  data: string,
  hashOf: (finding: Finding) => string | null = () => null,
): Generator<FlaggedRow> {
  for (const row of rows) {
    const findings = row.findings.map((one): Finding => {
      const waiver = book.find({ data, column: one.column ?? row.key, kind: one.kind, row: row.digest, hash: hashOf(one) });
      if (waiver === null) return one;
      return { ...one, severity: 'info', message: `${one.message} (waived by ${waiver.owner} until ${waiver.expires}: ${waiver.reason})` };
    });
    yield { ...row, findings };
  }
}

/** For arguments of a step: `with: {waivers: waivers.yaml}`. */
export const waiversArgument = z
  .string()
  .min(1)
  .optional()
  .describe('file of waivers, relative to the project: known findings that somebody answers for');

/** What a step has to say of a file that its argument names. */
export const waiversOfStep = {
  input: (waivers: string | undefined): Record<string, StepInput> => (waivers === undefined ? {} : { waivers: { kind: 'file', path: waivers } }),
  lastDays: async ({ waivers }: { readonly waivers?: string | undefined }, readText: (path: string) => Promise<string>): Promise<string[]> =>
    waivers === undefined ? [] : lastDaysOf(await readText(waivers)),
  /** @throws PlumbError CONFIG_INVALID */
  async open({ inputs, with: { waivers: name }, passed }: StepWithWaivers): Promise<WaiverBook> {
    const path = inputs['waivers'];
    if (path === undefined) return noWaivers;
    return readWaivers(await readFile(path, 'utf8'), name ?? '', dayOfStage(passed, undefined));
  },
};

interface StepWithWaivers {
  readonly inputs: Readonly<Record<string, string>>;
  readonly with: { readonly waivers?: string | undefined };
  readonly passed?: string;
}

/** @throws PlumbError CONFIG_INVALID */
export async function readWaivers(text: string, file: string, day: string | null): Promise<WaiverBook> {
  return openWaivers((await parseYaml(text, file, waiversSchema)).waivers, day);
}
