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

/** What an environment shall say: what is served there, and over it what was refused since. */
export interface WantedEnvironment {
  readonly environment: string;
  readonly served: WantedDeployment | null;
  readonly refused: WantedDeployment | null;
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
    .map(([name, place]) => wantedAt(log, tips, { ...place, environment: alone ? place.stage : name }))
    .toSorted((a, b) => byCodeUnit(a.environment, b.environment));
}

function wantedAt(log: DecisionLog, tips: readonly RefusedTip[], place: PointerPlace & { readonly environment: string }): WantedEnvironment {
  const { model, stage, environment } = place;
  const common = { environment, production: stage === 'production' };
  const now = log.served(model, stage);
  const served: WantedDeployment | null =
    now === null
      ? null
      : {
          ...common,
          commit: now.commit,
          key: `served:${hexOf(now.pointer)}:${now.commit}`,
          state: 'success',
          description: `${model} ${shortDigest(now.artifact)}, by record ${now.seq}`,
        };
  const tip = tips.find(({ paths }) => paths.some((path) => isOf(path, place)));
  if (tip === undefined) return { environment, served, refused: null };
  const { commit, moves } = tip.record.decision;
  const to = moves.find((move) => move.model === model && move.stage === stage)?.to ?? null;
  const what = to === null ? 'no pointer' : shortDigest(to);
  const key = refusedKey(commit, served);
  return { environment, served, refused: { ...common, commit, key, state: 'failure', description: `${model} ${what}: not served, see the issue` } };
}

/** It names what goes on being served below it. */
function refusedKey(commit: string, served: WantedDeployment | null): string {
  return `refused:${commit}+${served?.key ?? ''}`;
}

/**
 * What the newest deployment has to become, one after the other: what is served first, where that is not what the newest one stands over already.
 * @param latest the newest of the environment that we made; null: there is none
 */
export function targetsOf({ served, refused }: WantedEnvironment, latest: Deployment | null): (WantedDeployment | null)[] {
  if (refused === null) return [served];
  const isOver =
    latest !== null &&
    latest.state !== 'inactive' &&
    /^refused:[^+]*\+/.test(keyOf(latest).key) &&
    keyOf(latest).key.endsWith(`+${served?.key ?? ''}`);
  return isOver ? [refused] : [served, refused];
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
 * A forge tells the newest deployment of an environment alone. So each one's key ends with the one before it that is at work, and with those that were never
 * finished: 'served:…;7,9'. Whoever finds one that is not finished knows by it what else is left to do.
 * @param latest the newest of the environment that we made; null: there is none
 */
export function planDeployment(wanted: WantedDeployment | null, latest: Deployment | null): DeploymentStep[] {
  if (wanted === null) return latest === null || latest.state === 'inactive' ? [] : endAll([atWork(latest), ...unfinished(latest)], latest.id);
  const says = (of: number | 'created'): DeploymentStep => ({ do: 'state', of, state: wanted.state, description: wanted.description });
  const takesPlace = wanted.state === 'success';
  if (latest !== null && keyOf(latest).key === wanted.key && latest.state !== 'inactive') {
    const { before, left } = keyOf(latest);
    return latest.state === wanted.state ? [] : [...endAll([...left, takesPlace ? before : null]), says(latest.id)];
  }
  const before = latest === null ? null : atWork(latest);
  const left = latest === null ? [] : unfinished(latest);
  const key = before === null && left.length === 0 ? wanted.key : `${wanted.key};${[before ?? 0, ...left].join(',')}`;
  return [{ do: 'create', wanted, key }, ...endAll([...left, takesPlace ? before : null]), says('created')];
}

/** Of an environment whose newest deployment this is: the one that is served; null: none. */
function atWork(latest: Deployment): number | null {
  if (latest.state === 'inactive') return null;
  return latest.state === 'success' ? latest.id : keyOf(latest).before;
}

/** It, where nobody said what came of it, and those before it of which that is so. */
function unfinished(latest: Deployment): number[] {
  const isDone = latest.state === 'success' || latest.state === 'failure' || latest.state === 'inactive';
  return isDone ? [] : [...keyOf(latest).left, latest.id];
}

function keyOf({ key }: Deployment): { readonly key: string; readonly before: number | null; readonly left: readonly number[] } {
  const [, own = '', ids = '0'] = /^(.*?)(?:;([0-9,]+))?$/s.exec(key ?? '') ?? [];
  const [before = 0, ...left] = ids.split(',').map(Number);
  return { key: own, before: before === 0 ? null : before, left };
}

/** @param last the one whose state says that all of it is done */
function endAll(ids: readonly (number | null)[], last: number | null = null): DeploymentStep[] {
  const description = 'another decision took its place';
  const all = [...new Set([...ids.filter((id) => id !== last), last])];
  return all.flatMap((id) => (id === null ? [] : [{ do: 'state' as const, of: id, state: 'inactive' as const, description }]));
}
