// Is an exported folder what it says? It is read as whoever gets it reads it: the log, record by record; every file against its name; and then the export
// is made again from these, and must be the same bytes. Nobody but the folder is asked.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { fields, countSchema, digestSchema, instantSchema, nameSchema, z } from '../base/schema.ts';
import { parse } from '../pipeline/attestation.ts';
import { finding, verifyChain } from '../registry/audit-chain.ts';
import { recordPath, type LogFinding, type LogRecord } from '../registry/audit-record.ts';
import { readPin } from '../registry/audit-signers.ts';
import { archivePath, archivePolicies, archiveTree, recollect, wantedPointers, type Archive } from './archive.ts';
import { pointerOf } from './dossier.ts';
import { exportFiles, type ExportFiles } from './export.ts';

const indexSchema = fields({
  plumbline: z.literal('audit-export/1'),
  made: z.string(),
  selection: fields({ from: instantSchema.nullable(), to: instantSchema.nullable(), model: nameSchema.nullable() }),
  head: digestSchema.nullable(),
  records: countSchema,
  files: z.record(z.string(), fields({ sha256: z.string(), bytes: countSchema })),
});

export interface ExportVerdict {
  readonly records: readonly LogRecord[];
  readonly files: number;
  /** views of another version of Plumbline may be worded otherwise: they were compared with the index alone */
  readonly made: string;
  readonly findings: readonly LogFinding[];
}

/**
 * @param folder absolute
 * @param options pin: as for `readLog`; version: of this Plumbline
 * @throws PlumbError AUDIT_MISSING: no export; FILE_UNREADABLE
 */
export async function verifyExport(
  folder: string,
  { pin, version }: { readonly pin?: string | undefined; readonly version: string },
): Promise<ExportVerdict> {
  const files = await readFolder(folder);
  const indexBytes = files.get('index.json');
  const index = indexBytes === undefined ? null : parse(textOf(indexBytes), indexSchema);
  if (index === null) {
    throw new PlumbError('AUDIT_MISSING', {
      what: `${folder} has no index.json of an audit export`,
      mend: 'name a folder that `plumb audit export` wrote',
    });
  }
  const log = await readRecords(files, pin);
  const archive: Archive = {
    selection: index.selection,
    records: log.records,
    files: new Map([...files].filter(([path]) => namedByDigest.test(path))),
  };
  const findings = [...log.findings, ...nameFindings(archive.files), ...indexFindings(files, index.files)];
  if (index.head !== (log.records.at(-1)?.digest ?? null) || index.records !== log.records.length)
    findings.push(finding(null, `index.json names ${index.records} records up to ${index.head ?? 'none'}; ${log.records.length} verify`));
  if (findings.length === 0) findings.push(...(await evidenceFindings(archive)));
  if (findings.length === 0) findings.push(...(await differences(archive, files, index.made, version)));
  return { records: log.records, files: files.size, made: index.made, findings };
}

const namedByDigest = /^(?:policies|roots|pointers|evidence|revocations)\//;

async function readFolder(folder: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw systemError(error, 'read', folder);
  });
  const files = new Map<string, Uint8Array>();
  for (const entry of entries.filter((one) => !one.isDirectory())) {
    const path = join(entry.parentPath, entry.name);
    // what a symlink leads to is no part of the folder: somebody else's disk would answer
    const bytes = entry.isFile()
      ? await readFile(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)))
      : new Uint8Array();
    files.set(
      path
        .slice(folder.length)
        .replace(/^[\\/]+/, '')
        .replaceAll('\\', '/'),
      entry.isFile() ? bytes : Buffer.from('not a file'),
    );
  }
  return new Map([...files].toSorted(([a], [b]) => byCodeUnit(a, b)));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

async function readRecords(files: ExportFiles, pin: string | undefined): Promise<{ records: readonly LogRecord[]; findings: LogFinding[] }> {
  const paths = [...files.keys()].filter((path) => path.startsWith('records/'));
  const odd = paths.findIndex((path, seq) => path !== recordPath(seq));
  const texts = (odd === -1 ? paths : paths.slice(0, odd)).map((path) => textOf(files.get(path) ?? new Uint8Array()));
  const { records, finding: broken } = await verifyChain({
    texts,
    source: archivePolicies(files),
    pin: pin === undefined ? null : readPin(pin),
    known: [],
  });
  const gap = odd === -1 ? [] : [finding(odd, `${paths[odd]} is no record that comes next: ${recordPath(odd)} would be`)];
  return { records, findings: [...(broken === null ? [] : [broken]), ...gap] };
}

function nameFindings(files: ExportFiles): LogFinding[] {
  return [...files].flatMap(([path, bytes]) => {
    const [, hex] = /\/([0-9a-f]{64})\.(?:json|yaml)$/.exec(path) ?? [];
    return hex === hexOf(digestOf(bytes)) ? [] : [finding(null, `${path} is not what its name says: its bytes are ${digestOf(bytes)}`)];
  });
}

function indexFindings(files: ExportFiles, index: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>): LogFinding[] {
  const found = [...files].flatMap(([path, bytes]) => {
    if (path === 'index.json') return [];
    const entry = Object.hasOwn(index, path) ? index[path] : undefined;
    if (entry === undefined) return [finding(null, `${path} is not in index.json`)];
    return entry.sha256 === hexOf(digestOf(bytes)) && entry.bytes === bytes.length ? [] : [finding(null, `${path} is not what index.json says`)];
  });
  const gone = Object.keys(index).filter((path) => !files.has(path));
  return [...found, ...gone.map((path) => finding(null, `${path} is in index.json, and not in the folder`))];
}

/** Every pointer that was chosen is there, and the evidence of those that were served holds together. */
async function evidenceFindings(archive: Archive): Promise<LogFinding[]> {
  const found: LogFinding[] = [];
  for (const wanted of wantedPointers(archive.records, archive.selection)) {
    if (!archive.files.has(archivePath('pointers', wanted.pointer)))
      found.push(finding(null, `the pointer ${wanted.pointer} of ${wanted.model} is not there`));
    else if (wanted.served)
      found.push(...(await pointerOf(archiveTree(archive, wanted), wanted, wanted.pointer)).findings.map(({ what }) => finding(null, what)));
  }
  return found;
}

/** What is left: a view that says something else than the records, and a file that nothing leads to. */
async function differences(archive: Archive, files: ExportFiles, made: string, version: string): Promise<LogFinding[]> {
  const again = await exportFiles(await recollect(archive), made);
  const isView = (path: string): boolean => !path.startsWith('records/') && !namedByDigest.test(path);
  const paths = new Set([...files.keys(), ...again.keys()].filter((path) => made === version || !isView(path)));
  return [...paths]
    .filter((path) => !Buffer.from(files.get(path) ?? []).equals(Buffer.from(again.get(path) ?? [])))
    .map((path) => finding(null, `${path} is not what the records and the evidence say`));
}
