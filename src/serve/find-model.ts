import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { stages, type Stage } from '../registry/schema.ts';
import type { ServePlace } from './place.ts';
import { isRevoked, readPointers, type NamedModel } from './pointers.ts';
import { revokedError } from './slot.ts';

/**
 * The model that a pointer names at a revision.
 * @throws PlumbError GIT_REVISION_UNKNOWN, POINTER_MISSING, POINTER_INVALID, MODEL_REVOKED
 */
export async function findModel(
  place: Pick<ServePlace, 'git' | 'prefix'>,
  wanted: { readonly name: string; readonly stage: Stage; readonly revision: string },
): Promise<NamedModel> {
  const { name, stage, revision } = wanted;
  const commit = await place.git.resolve(revision);
  if (commit === null) {
    throw new PlumbError('GIT_REVISION_UNKNOWN', { what: `"${revision}" names no commit here`, mend: 'give --ref or --rev with one that is there' });
  }
  const reading = await readPointers(place.git, commit, { prefix: place.prefix, stage });
  const broken = reading.broken.get(name);
  if (broken !== undefined) throw broken;
  const model = reading.named.get(name);
  if (model !== undefined && isRevoked(model, reading.revoked)) throw revokedError(model);
  if (model !== undefined) return model;
  const other = stages.find((one) => one !== stage) ?? stage;
  const elsewhere = (await readPointers(place.git, commit, { prefix: place.prefix, stage: other })).named.has(name);
  throw new PlumbError('POINTER_MISSING', {
    what: `no model "${name}" is in ${stage} at ${revision}.${didYouMean(name, reading.named.keys())}`,
    mend: elsewhere
      ? `it is in ${other}: add --stage ${other}`
      : `promote one: \`plumb promote ${name} --to ${stage}\`, or name a file with --model-file`,
  });
}
