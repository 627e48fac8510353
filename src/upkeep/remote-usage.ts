// What a remote takes, and who for: by packs, for a pack is what stands there and what goes.
import { hexOf, type Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import { collectOwners, type Owner } from './owners.ts';
import { listableRemote, surveyRemote, type Survey, type SurveyOptions } from './remote-survey.ts';

export interface RemoteUse {
  readonly kind: Owner['kind'] | 'repository';
  readonly name: string;
  /** bytes of packs that nobody else needs anything of */
  readonly own: number;
  /** bytes of packs that others need, too */
  readonly shared: number;
  readonly versions: number;
}

export interface RemoteUsage {
  readonly uses: readonly RemoteUse[];
  /** bytes; with what each user has for itself they are all of `total` */
  readonly shared: number;
  /** packs of versions that a gc took back */
  readonly takenBack: number;
  /** packs that no receipt names */
  readonly unreferenced: number;
  /** packs that a gc took out of sight */
  readonly condemned: number;
  /** texts of receipts and names */
  readonly overhead: number;
  readonly total: number;
}

/** @throws PlumbError REMOTE_MISSING, REMOTE_CANNOT, REMOTE_FAILED, and as collectOwners */
export async function measureRemote(project: Project, options: SurveyOptions & { readonly now: Date }): Promise<RemoteUsage> {
  const survey = await surveyRemote(listableRemote(project.store.remote), options);
  const owners = await collectOwners(project, options.now);
  return usageOf(survey, owners, project.config.repository ?? null);
}

interface User {
  readonly kind: RemoteUse['kind'];
  readonly name: string;
  versions: number;
  readonly packs: Set<string>;
}

export function usageOf(survey: Survey, owners: readonly Owner[], repository: string | null): RemoteUsage {
  const users = usersOf(survey, owners, repository);
  const counts = new Map<string, number>();
  for (const { packs } of users) for (const hex of packs) counts.set(hex, (counts.get(hex) ?? 0) + 1);
  const bytesOf = (hex: string): number => survey.packs.get(hex)?.bytes ?? 0;
  const uses = users.map(({ kind, name, versions, packs }): RemoteUse => {
    const bytes = sum(packs, bytesOf);
    const own = sum(packs, (hex) => (counts.get(hex) === 1 ? bytesOf(hex) : 0));
    return { kind, name, own, shared: bytes - own, versions };
  });
  const held = new Set([...survey.takenBack.values()].flatMap(({ receipt }) => receipt.packs.map(({ digest }) => hexOf(digest))));
  const nobodys = [...survey.packs.keys()].filter((hex) => !counts.has(hex));
  const condemned = [...survey.condemned.values()].reduce((all, { bytes }) => all + bytes, 0);
  const texts = [...survey.receipts.values(), ...survey.takenBack.values(), ...survey.runs.values()];
  const overhead = texts.reduce((all, { bytes }) => all + bytes, 0);
  return {
    uses,
    shared: sum(
      [...counts].flatMap(([hex, count]) => (count > 1 ? [hex] : [])),
      bytesOf,
    ),
    takenBack: sum(
      nobodys.filter((hex) => held.has(hex)),
      bytesOf,
    ),
    unreferenced: sum(
      nobodys.filter((hex) => !held.has(hex)),
      bytesOf,
    ),
    condemned,
    overhead,
    total: sum(survey.packs.keys(), bytesOf) + condemned + overhead,
  };
}

function usersOf(survey: Survey, owners: readonly Owner[], repository: string | null): User[] {
  const users = new Map<string, User>();
  const byRoot = new Map<Digest, Owner>();
  for (const owner of owners.toReversed()) for (const root of owner.roots) byRoot.set(root, owner);
  const runs = new Set([...survey.runs.values()].map(({ digest }) => digest));
  for (const { receipt } of survey.receipts.values()) {
    if (receipt.packs.length === 0) continue;
    const { kind, name } = byRoot.get(receipt.root) ?? strangerOf(receipt, runs, repository);
    const user = users.get(`${kind} ${name}`) ?? { kind, name, versions: 0, packs: new Set<string>() };
    users.set(`${kind} ${name}`, user);
    user.versions += 1;
    for (const { digest } of receipt.packs) user.packs.add(hexOf(digest));
  }
  const order = ['dataset', 'model', 'runs', 'unknown', 'others', 'repository'];
  return [...users.values()].toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.name < b.name ? -1 : 1));
}

/** Of a version that nothing here names. */
function strangerOf(
  { root, repositories }: { readonly root: Digest; readonly repositories: readonly string[] },
  runs: ReadonlySet<Digest | null>,
  repository: string | null,
): Pick<User, 'kind' | 'name'> {
  const others = repositories.filter((name) => name !== repository);
  if (others.length > 0) return { kind: 'repository', name: others.join(', ') };
  return runs.has(root) ? { kind: 'runs', name: 'runs' } : { kind: 'unknown', name: 'no branch here names them' };
}

function sum(hexes: Iterable<string>, bytesOf: (hex: string) => number): number {
  let bytes = 0;
  for (const hex of hexes) bytes += bytesOf(hex);
  return bytes;
}
