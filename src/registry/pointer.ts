// A pointer is a small file that names one model by digest. Only one form of it is valid, byte by byte: what people review is what machines read.
import { canonicalJson, canonicalJsonFile } from '../base/canonical.ts';
import { parseJson } from '../base/config.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { files } from '../project/layout.ts';
import { pointerSchema, stages, type Pointer, type Stage } from './schema.ts';
import type { FileTree } from './tree.ts';

export interface PointerPlace {
  readonly model: string;
  readonly stage: Stage;
}

/** 'models/intents/production.json', project-relative. @throws PlumbError NAME_INVALID */
export function pointerPath({ model, stage }: PointerPlace): string {
  return `${files.models}/${checkName('model', model)}/${stage}.json`;
}

/** The only valid bytes of a pointer: sorted keys, two spaces, a newline at the end. */
export function serialisePointer(pointer: Pointer): string {
  return canonicalJsonFile(pointer);
}

/** What a promotion record vouches for: SHA-256 of the pointer's canonical JSON without `promotion`, which cannot name itself. */
export function pointerSubject(pointer: Omit<Pointer, 'promotion'> & { promotion?: Digest }): Digest {
  return digestOf(canonicalJson({ ...pointer, promotion: undefined }));
}

/**
 * @param place where the file stands: a pointer that says otherwise is refused
 * @throws PlumbError POINTER_INVALID
 */
export async function parsePointer(text: string, place: PointerPlace): Promise<Pointer> {
  const file = pointerPath(place);
  if (/^(<{7}|={7}|>{7})/m.test(text))
    throw invalid(file, 'holds an unresolved merge', 'keep one side of the merge whole: both sides were complete pointers');
  const pointer = await parseJson(text, file, pointerSchema).catch((error: unknown) => {
    if (!isPlumbError(error)) throw error;
    throw new PlumbError('POINTER_INVALID', { what: error.message, where: error.where ?? { file }, mend: mendText, cause: error });
  });
  if (pointer.model !== place.model) throw invalid(file, `says model "${pointer.model}", and stands in the folder of "${place.model}"`);
  if (pointer.stage !== place.stage) throw invalid(file, `says stage ${pointer.stage}`);
  if (serialisePointer(pointer) !== text) throw invalid(file, 'is not in the canonical form: sorted keys, two spaces, line feeds, each key once');
  return pointer;
}

const mendText = 'restore the file from git; pointers are written by `plumb promote`, not by hand';

function invalid(file: string, what: string, mend: string = mendText): PlumbError {
  return new PlumbError('POINTER_INVALID', { what: `${file} ${what}`, where: { file }, mend });
}

/**
 * @returns null when there is no such pointer
 * @throws PlumbError POINTER_INVALID, NAME_INVALID
 */
export async function readPointer(tree: FileTree, model: string, stage: Stage): Promise<Pointer | null> {
  const [bytes] = await tree.read([pointerPath({ model, stage })]);
  return bytes === null || bytes === undefined ? null : parsePointer(pointerText(bytes), { model, stage });
}

/** Bytes that are no UTF-8 become text that no pointer is equal to. */
export function pointerText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

const form = new RegExp(`^${files.models}/([^/]+)/(${stages.join('|')})\\.json$`, 'u');

/** The place that a path is the pointer of, or null for any other path. */
export function placeOf(path: string): PointerPlace | null {
  const [, model, stage] = form.exec(path) ?? [];
  return model === undefined ? null : { model, stage: stage as Stage };
}

/** All pointers of a tree, by model, then stage; whether they are valid is not asked. */
export async function listPointers(tree: FileTree): Promise<PointerPlace[]> {
  return (await tree.list(files.models)).map(placeOf).filter((place) => place !== null);
}
