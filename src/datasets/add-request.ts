// What adding a data set is asked for, and what may be wrong with what stands there.
import { PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';

export interface AddRequest {
  /** file or folder, relative to cwd */
  readonly argument: string;
  readonly cwd: string;
  /** default: the name that the path is locked under, else the file's name without extension */
  readonly name?: string;
  /** default: what is locked for this data set; '' takes it away */
  readonly key?: string;
  readonly label?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What holds nothing is no data set. */
export function emptyData(path: string, what: string): PlumbError {
  return new PlumbError('DATASET_EMPTY', { what: `${path} ${what}`, where: { file: path }, mend: 'put the data there, then add it' });
}

/** Somebody writes what is being read. */
export function changedMeanwhile(path: string): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${path} was changed while it was being added`,
    where: { file: path },
    mend: 'run the command again when whoever writes it has finished',
  });
}
