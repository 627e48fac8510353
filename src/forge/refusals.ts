// What both forges refuse, in our words.
import { PlumbError } from '../base/errors.ts';

/** A rule of the repository is in the way. @param message the forge's own words */
export function refused(forge: string, what: string, message: string): PlumbError {
  return new PlumbError('FORGE_REFUSED', {
    what: `${forge} refuses ${what}: ${message.slice(0, 300)}`,
    mend: 'do what it asks for; its page says more',
  });
}

export function moved(pullRequest: number, head: string): PlumbError {
  return new PlumbError('FORGE_MOVED', {
    what: `pull request ${pullRequest} does not end with ${head} any more`,
    mend: 'look at what was pushed, then do it again',
  });
}

/** What was asked for as a file is a directory, a link or a submodule: to answer "there is none" would be to say that nobody wrote a rule. */
export function noFile(path: string, commit: string, kind: string): PlumbError {
  return new PlumbError('FORGE_FAILED', { what: `${path} of ${commit} is no file but a ${kind}`, mend: 'put a file there' });
}

export function noCommit(forge: string, commit: string): PlumbError {
  return new PlumbError('FORGE_FAILED', {
    what: `${forge} does not have the commit ${commit}`,
    mend: 'push it, or look whether it is of this repository',
  });
}

export function listCutShort(what: string, listed: number): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `${what}: the forge lists ${listed} and not all of them`,
    mend: 'ask for a shorter time, or look at its page',
  });
}

/** As names of a tree of git are: what has another form is in no commit. */
export function isTreePath(path: string): boolean {
  return path !== '' && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..') && !path.includes('\0');
}
