// Break-glass: somebody has a refused model served and takes it on himself. Who that is, the forge says: it knows who started this very run. Neither an input of
// the run, nor GITHUB_ACTOR, nor what git says of an author is asked.
import { PlumbError } from '../base/errors.ts';
import type { Account, Forge } from '../forge/forge.ts';
import type { Oid } from '../git/git.ts';
import type { DecisionLog } from '../registry/decision-log.ts';
import type { MoveJudgement } from '../registry/move-input.ts';
import { oneLine } from '../registry/one-line.ts';
import { pointerPath, type PointerPlace } from '../registry/pointer.ts';
import type { Access } from '../registry/access.ts';
import { isWithin, nameWho } from '../registry/standing.ts';
import { aboutStep, type Draft, type DraftFrame } from './reconcile-draft.ts';
import { policyInForce } from './reconcile-policy.ts';
import type { RefusedTip } from './reconcile-tips.ts';

export interface Glass {
  readonly place: PointerPlace;
  readonly reason: string;
  /** the run of CI that this is; null: no forge is asked, and whoever holds the key that signs answers for it */
  readonly run: { readonly forge: Pick<Forge, 'workflowRun' | 'permissionOf' | 'isMember'>; readonly id: string } | null;
}

export interface Standing {
  readonly tip: RefusedTip;
  /** as it was found in this run; null: it was not looked at again */
  readonly judgement: MoveJudgement | null;
}

/**
 * @param standing what is refused at this place; null: nothing
 * @throws PlumbError PROMOTION_REFUSED: nothing is refused there, it cannot be served at all, or this is not the one who may
 */
export async function draftGlass(frame: DraftFrame, log: DecisionLog, glass: Glass, standing: Standing | null): Promise<Draft> {
  const { place, reason } = glass;
  const name = `${place.model} in ${place.stage}`;
  if (standing === null) throw refused(`nothing is refused of ${name}: there is no glass to break`, '`plumb reconcile` says what is served');
  const policy = (await policyInForce(frame, log))?.policy ?? null;
  const { decision } = standing.tip.record;
  const unit = Object.values(policy?.units ?? {}).find((models) => models.includes(place.model)) ?? [place.model];
  const moves = decision.moves.filter((move) => !move.served && move.stage === place.stage && unit.includes(move.model));
  const points = standing.judgement?.points ?? decision.points;
  const never = points.find(({ point, holds }) => holds === false && (point === 'pointers' || point === 'revoked'));
  if (never !== undefined || moves.some(({ to }) => to !== null && log.revoked.has(to)))
    throw refused(`${name} cannot be served, whoever wants it: ${never?.why ?? 'it was taken out for good'}`, 'move the pointer to a model that can');
  const { commit, parent } = decision;
  const who = await starterOf(frame, glass, { access: policy?.access ?? null, commit });
  const paths = moves.map(pointerPath).toSorted();
  return {
    ...(await aboutStep(frame, { commit, parent, paths })),
    kind: 'glass',
    moves: moves.map((move) => ({ ...move, served: true })),
    revoked: [],
    policy: log.policy?.digest ?? null,
    holds: false,
    points: points.map(({ point, holds, why }) => ({ point, holds, why })),
    pull: decision.pull,
    // whoever took it on himself
    approvals: who === null ? [] : [{ login: who, at: frame.now().toISOString() }],
    reason: oneLine(reason),
  };
}

/**
 * Who wished it, and knew for what: a run that is started again has the inputs of whoever began it, and where a forge does not tell of that, the main branch that
 * it was begun on.
 * @returns login; null: nobody is asked
 */
async function starterOf(
  { git }: DraftFrame,
  { run }: Glass,
  { access, commit }: { readonly access: Access | null; readonly commit: Oid },
): Promise<string | null> {
  if (run === null) return null;
  if (access === null) throw refused('no policy is in force that says who may break the glass', 'see `plumb audit verify`');
  const { forge, id } = run;
  const found = await forge.workflowRun(id);
  if (found?.by === undefined || found.by === null || found.by.kind !== 'person')
    throw refused('the forge does not say which person started this run', 'start the workflow by hand (workflow_dispatch)');
  if (found.event !== 'workflow_dispatch') throw refused(`this run was started by ${found.event}, not by a person`, 'start the workflow by hand');
  const anew = 'start the workflow anew, and by hand';
  if (found.attempt !== null && found.attempt > 1) throw refused('this run was started again: what it was told is of whoever began it', anew);
  if ((await git.resolve(found.commit)) === null || (await git.mergeBase(commit, found.commit)) !== commit)
    throw refused(`this run was begun before the main branch had ${commit.slice(0, 12)}, which it would have served`, anew);
  if (await mayBreak(forge, found.by, access)) return found.by.login;
  throw refused(
    `${found.by.login} may not break the glass: it takes ${nameWho(access.break_glass)} (access.break_glass of policy.yaml)`,
    'ask one of them',
  );
}

async function mayBreak(forge: Pick<Forge, 'permissionOf' | 'isMember'>, { login }: Account, { break_glass: who }: Access): Promise<boolean> {
  const role = await forge.permissionOf(login);
  const teams = Object.fromEntries(await Promise.all(who.teams.map(async (team) => [team, await forge.isMember(login, team)] as const)));
  return isWithin(who, login, { role, teams }) === 'yes';
}

function refused(what: string, mend: string): PlumbError {
  return new PlumbError('PROMOTION_REFUSED', { what, mend });
}
