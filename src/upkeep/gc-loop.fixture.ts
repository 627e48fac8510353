// A process that collects a remote again and again, for a test of what happens to those who push meanwhile: node gc-loop.fixture.ts ROOT GRACE_MS. A line
// of JSON a round: what was done so far.
import { silentProgress } from '../base/progress.ts';
import { openProject } from '../project/open.ts';
import { collectRemote, planRemote } from './gc-remote.ts';

const [, , cwd = '', grace = '0'] = process.argv;
const { signal } = new AbortController();
const done = { rounds: 0, takenBack: 0, deleted: 0, repacked: 0 };
let stopped = false;
process.on('SIGTERM', () => (stopped = true));
while (!stopped) {
  const project = await openProject({ cwd, env: {} });
  const request = { progress: silentProgress, signal, force: false, graceMs: Number(grace), now: new Date() };
  const { takenBack, deleted, repacked } = await collectRemote(project, await planRemote(project, request), request);
  done.rounds += 1;
  done.takenBack += takenBack;
  done.deleted += deleted.packs;
  done.repacked += repacked.packs;
  process.stdout.write(`${JSON.stringify(done)}\n`);
}
