// An export: a folder that says what was decided, and verifies by itself. It is a function of the log and of the files that were chosen, without a clock:
// the same question gives the same bytes, and `verifyExport` asks it again.
import { byCodeUnit, canonicalJsonFile } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import { recordPath } from '../registry/audit-record.ts';
import { archiveDossiers, type Archive } from './archive.ts';
import { decisionsCsv, decisionsJson } from './decision-list.ts';
import { mlBom } from './ml-bom.ts';
import { modelCard } from './model-card.ts';
import { renderPage } from './page.ts';
import { selectRecords } from './selection.ts';

/** path -> bytes */
export type ExportFiles = ReadonlyMap<string, Uint8Array>;

/** @param version of Plumbline: what it renders may be worded otherwise in another */
export async function exportFiles(archive: Archive, version: string): Promise<ExportFiles> {
  const files = new Map<string, Uint8Array>(signedFiles(archive));
  for (const [path, text] of await views(archive, version)) files.set(path, Buffer.from(text));
  files.set('index.json', Buffer.from(indexOf(archive, files, version)));
  return files;
}

/** What is signed, and what that names by digest. */
function signedFiles({ records, files }: Archive): [string, Uint8Array][] {
  return [...records.map(({ decision, text }): [string, Uint8Array] => [recordPath(decision.seq), Buffer.from(text)]), ...files];
}

/** What people and tools look at. */
async function views(archive: Archive, version: string): Promise<[string, string][]> {
  const chosen = selectRecords(archive.records, archive.selection);
  const dossiers = await archiveDossiers(archive);
  return [
    ['decisions.json', decisionsJson(chosen)],
    ['decisions.csv', decisionsCsv(chosen)],
    ['index.html', renderPage(archive, dossiers)],
    ...dossiers.flatMap((dossier): [string, string][] => {
      const folder = `models/${dossier.served.model}/${dossier.served.stage}`;
      return [
        [`${folder}/README.md`, modelCard(dossier)],
        ...(dossier.pointer === null ? [] : [[`${folder}/ml-bom.cdx.json`, mlBom(dossier, version)] as [string, string]]),
      ];
    }),
  ];
}

function indexOf({ records, selection }: Archive, files: ExportFiles, version: string): string {
  const entries = [...files].toSorted(([a], [b]) => byCodeUnit(a, b));
  return canonicalJsonFile({
    plumbline: 'audit-export/1',
    made: version,
    selection: { ...selection },
    head: records.at(-1)?.digest ?? null,
    records: records.length,
    files: Object.fromEntries(entries.map(([path, bytes]) => [path, { sha256: digestOf(bytes).slice(7), bytes: bytes.length }])),
  });
}
