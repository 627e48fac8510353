// Which plumb an action starts.
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve, sep } from 'node:path';
import { PlumbError } from '../src/base/errors.ts';
import type { Environment } from './plumb-process.ts';

/**
 * The plumb on PATH, as the action setup put it there. None of the work space: what a pull request brings along never judges it.
 * @throws PlumbError ACTION_PLUMB
 */
export function findPlumb(workspace: string, env: Environment): string {
  const places = (env['PATH'] ?? '').split(delimiter).filter((place) => isAbsolute(place) && !isInside(place, workspace));
  const found = places.map((place) => join(place, 'plumb')).find((path) => existsSync(path));
  if (found !== undefined) return realpathSync(found);
  throw new PlumbError('ACTION_PLUMB', {
    what: 'there is no plumb on PATH outside of the work space',
    mend: 'use the action setup in an earlier step: what the repository installs for itself is not asked, for a pull request can change it',
  });
}

/** By its real place, too: a link into the work space is written by whoever writes there. */
function isInside(place: string, workspace: string): boolean {
  const [at, top] = [resolve(place), resolve(workspace)];
  return [at, existsSync(at) ? realpathSync(at) : at].some((path) =>
    [top, existsSync(top) ? realpathSync(top) : top].some((root) => path === root || path.startsWith(root + sep)),
  );
}
