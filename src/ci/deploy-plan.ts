// What the forge's page of deployments shall say: one environment a stage (and model, where there are several), whose newest deployment is what is served,
// or what was refused since. Pure: the log goes in, what is wanted comes out.
import { byCodeUnit } from '../base/canonical.ts';
import { hexOf, shortDigest } from '../base/digest.ts';
import type { Deployment } from '../forge/forge.ts';
import type { DecisionLog } from '../registry/decision-log.ts';
import { placeOf, type PointerPlace } from '../registry/pointer.ts';
import { refusedTips, type RefusedTip } from './reconcile-tips.ts';

export interface WantedDeployment {
  readonly environment: string;
  readonly production: boolean;
  readonly commit: string;
  /** what it is, to know it again; without blanks */
  readonly key: string;
  readonly state: 'success' | 'failure';
  /** plain text, at most 140 characters */
  readonly description: string;
}

/** Of one environment; null: nothing is served there, and nothing was refused. */
export interface WantedEnvironment {
  readonly environment: string;
  readonly wanted: WantedDeployment | null;
}

/**
 * Every environment that the log knows of, sorted by name.
 * @param models how many the policy names: with one, its stages are the environments
 */
export function wantedDeployments(log: DecisionLog, models: number): WantedEnvironment[] {
  const places = new Map<string, PointerPlace>();
  for (const { decision } of log.records) for (const { model, stage } of decision.moves) places.set(`${stage}/${model}`, { model, stage });
  const alone = models <= 1 && new Set([...places.values()].map(({ model }) => model)).size <= 1;
  const tips = refusedTips(log);
  return [...places]
    .map(([name, place]) => ({
      environment: alone ? place.stage : name,
      wanted: wantedAt(log, tips, { ...place, environment: alone ? place.stage : name }),
    }))
    .toSorted((a, b) => byCodeUnit(a.environment, b.environment));
}

function wantedAt(log: DecisionLog, tips: readonly RefusedTip[], place: PointerPlace & { environment: string }): WantedDeployment | null {
  const { model, stage, environment } = place;
  const production = stage === 'production';
  const refused = tips.find(({ paths }) => paths.some((path) => isOf(path, place)));
  if (refused !== undefined) {
    const { commit, moves } = refused.record.decision;
    const to = moves.find((move) => move.model === model && move.stage === stage)?.to ?? null;
    const what = to === null ? 'no pointer' : shortDigest(to);
    return {
      environment,
      production,
      commit,
      key: `refused:${commit}`,
      state: 'failure',
      description: `${model} ${what}: not served, see the issue`,
    };
  }
  const served = log.served(model, stage);
  if (served === null) return null;
  const { commit, artifact, pointer, seq } = served;
  const key = `served:${hexOf(pointer)}:${commit}`;
  return { environment, production, commit, key, state: 'success', description: `${model} ${shortDigest(artifact)}, by record ${seq}` };
}

function isOf(path: string, { model, stage }: PointerPlace): boolean {
  const place = placeOf(path);
  return place?.model === model && place.stage === stage;
}

/** What makes an environment say what it should, in this order. Done again after a kill anywhere, it comes to the same. */
export type DeploymentStep =
  | { readonly do: 'create'; readonly wanted: WantedDeployment; /** what it is made with */ readonly key: string }
  | { readonly do: 'state'; readonly of: number | 'created'; readonly state: 'success' | 'failure' | 'inactive'; readonly description: string };

/**
 * A forge tells the newest deployment of an environment alone. So each one's key ends with the one before it that is at work, or was until it came:
 * 'served:…;7'. Whoever finds one that is not finished knows by it what else is left to do.
 * @param latest the newest of the environment that we made; null: there is none
 */
export function planDeployment(wanted: WantedDeployment | null, latest: Deployment | null): DeploymentStep[] {
  if (wanted === null) return latest === null || latest.state === 'inactive' ? [] : endAll([atWork(latest), latest.id]);
  const says = (of: number | 'created'): DeploymentStep => ({ do: 'state', of, state: wanted.state, description: wanted.description });
  const takesPlace = wanted.state === 'success';
  if (latest !== null && keyOf(latest).key === wanted.key && latest.state !== 'inactive') {
    if (latest.state === wanted.state) return [];
    return [...(takesPlace ? endAll([keyOf(latest).before]) : []), says(latest.id)];
  }
  const before = latest === null ? null : atWork(latest);
  const unfinished = latest !== null && latest.state !== 'failure' && latest.state !== 'inactive' && latest.id !== before ? latest.id : null;
  const create: DeploymentStep = { do: 'create', wanted, key: before === null ? wanted.key : `${wanted.key};${before}` };
  return [create, ...endAll([unfinished, takesPlace ? before : null]), says('created')];
}

/** Of an environment whose newest deployment this is: the one that is served; null: none. */
function atWork(latest: Deployment): number | null {
  if (latest.state === 'inactive') return null;
  return latest.state === 'success' ? latest.id : keyOf(latest).before;
}

function keyOf({ key }: Deployment): { readonly key: string; readonly before: number | null } {
  const [, own = '', before] = /^(.*?)(?:;([0-9]{1,15}))?$/s.exec(key ?? '') ?? [];
  return { key: own, before: before === undefined ? null : Number(before) };
}

function endAll(ids: readonly (number | null)[]): DeploymentStep[] {
  const description = 'another decision took its place';
  return [...new Set(ids)].flatMap((id) => (id === null ? [] : [{ do: 'state' as const, of: id, state: 'inactive' as const, description }]));
}
