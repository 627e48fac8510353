// The check of a remote, told: what is wrong there, who needs it, what to do.
import { hexOf, type Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import type { TransferOptions } from '../store/store.ts';
import { collectLive, type Live } from './live.ts';
import { whatIs } from './mark.ts';
import { readRemote, type Findings } from './remote-reading.ts';
import { repairRemote } from './remote-repair.ts';
import { hexOfTakenBack, listableRemote } from './remote-survey.ts';
import { readRetention } from './retention.ts';

export interface RemoteFault {
  readonly what: 'pack' | 'receipt' | 'version';
  /** of the pack, of the root */
  readonly digest: Digest;
  readonly why: string;
  /** versions that need it, and who needs these; none: nobody */
  readonly neededBy: readonly string[];
  readonly state: 'bad' | 'repaired';
  readonly mend: string;
}

export interface RemoteReport {
  readonly versions: number;
  readonly packs: number;
  readonly bytes: number;
  readonly faults: readonly RemoteFault[];
  /** what git names here and the remote does not have: no fault of the remote's */
  readonly notThere: readonly Digest[];
}

export interface RemoteCheck extends TransferOptions {
  readonly repair: boolean;
  readonly now: Date;
}

/** @throws PlumbError REMOTE_MISSING, REMOTE_CANNOT, REMOTE_FAILED, REMOTE_DENIED; what is wrong with things is reported */
export async function checkRemote(project: Project, options: RemoteCheck): Promise<RemoteReport> {
  const remote = listableRemote(project.store.remote);
  const findings = await readRemote(project.store, remote, options);
  const live = await liveAsSeen(project, options.now);
  const repaired = options.repair ? await repairRemote(project, remote, findings, options) : new Set<string>();
  const { survey, packs } = findings;
  const there = new Set([...survey.receipts.values()].flatMap(({ receipt }) => (receipt.packs.length === 0 ? [] : [receipt.root])));
  const notThere: Digest[] = [];
  for (const root of live.keys()) {
    if (there.has(root) || findings.broken.has(root)) continue;
    const { kind } = await whatIs(project.store, root);
    if (kind === 'dataset' || kind === 'run') notThere.push(root);
  }
  return {
    versions: there.size,
    packs: packs.size,
    bytes: [...packs.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    faults: describe(findings, { live, repaired, repair: options.repair }),
    notThere,
  };
}

/** For the words alone: a clone without history says less. */
async function liveAsSeen(project: Project, now: Date): Promise<Live> {
  return collectLive(project, { retention: await readRetention(project), workspaceOnly: false, shallow: 'keep', now });
}

function describe({ survey, packs, broken }: Findings, how: { live: Live; repaired: ReadonlySet<string>; repair: boolean }): RemoteFault[] {
  const { live, repaired, repair } = how;
  const versionText = (root: Digest): string => `${root.slice(7, 19)} (${live.get(root) ?? 'no branch here'})`;
  const faults: RemoteFault[] = [];
  const state = (key: string): 'repaired' | 'bad' => (repaired.has(key) ? 'repaired' : 'bad');
  const mendOf = (key: string, isNeeded: boolean): string => {
    if (repaired.has(key)) return '';
    if (repair) return 'not all of it is here: run `plumb fsck --remote --repair` on a machine that has it';
    return isNeeded ? 'plumb fsck --remote --repair' : 'nobody needs it: plumb fsck --remote --repair takes it away';
  };
  for (const [hex, { fault }] of packs) {
    if (fault === null) continue;
    const users = [...survey.receipts.values()].flatMap(({ receipt }) =>
      receipt.packs.some(({ digest }) => hexOf(digest) === hex) ? [receipt.root] : [],
    );
    faults.push({
      what: 'pack',
      digest: `sha256:${hex}`,
      why: fault,
      neededBy: users.map(versionText),
      state: state(hex),
      mend: mendOf(hex, users.length > 0),
    });
  }
  const spoiled = new Map(survey.spoiled.map(({ key, error }) => [key, error]));
  for (const [key, error] of spoiled) {
    const hex = hexOfTakenBack(key);
    if (hex === null) continue;
    faults.push({
      what: 'receipt',
      digest: `sha256:${hex}`,
      why: `taken back: ${error.message}`,
      neededBy: [],
      state: state(key),
      mend: mendOf(key, false),
    });
  }
  for (const [root, why] of broken) {
    const what = spoiled.has(hexOf(root)) ? 'receipt' : 'version';
    faults.push({ what, digest: root, why, neededBy: [live.get(root) ?? 'no branch here'], state: state(root), mend: mendOf(root, true) });
  }
  return faults;
}
