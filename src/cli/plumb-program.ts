import { fileURLToPath } from 'node:url';

/** This very plumb, as program and first words: for children that must be the same version, whatever is on the PATH. */
export const plumbProgram: readonly string[] = [process.execPath, fileURLToPath(new URL('../../bin/plumb.js', import.meta.url))];
