// What the action is told, read once and typed.
import { readFolder } from '../job.ts';

export interface Inputs {
  /** of the project, absolute, inside the work space */
  readonly folder: string;
  /** revision whose data sets need not be looked at again; null: what the event says */
  readonly base: string | null;
}

/**
 * @param get the text of an input, '' when it is not given
 * @throws PlumbError ACTION_INPUT
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  return { folder: readFolder(get('folder'), workspace), base: get('base').trim() || null };
}
