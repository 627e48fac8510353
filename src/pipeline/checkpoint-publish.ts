// What `plumb ci publish` does for stages that were stopped: their checkpoints are signed and sent as runs are, when nothing of a stage runs any more.
import type { RunRecord } from './run-record.ts';
import { checkpointFolder } from './checkpoint.ts';
import { keepCheckpoint, type KeptCheckpoint } from './checkpoint-share.ts';
import type { BoundStage } from './graph.ts';
import { commandOf, planStages, type PlanContext } from './plan.ts';
import type { StageWorld } from './stage-world.ts';

type World = Pick<StageWorld, 'runs' | 'workspace' | 'now'> & { readonly builder: RunRecord['builder'] };

/** Checkpoints that stand in this work tree, of stages that would run now; kept in the store of this machine. */
export async function stoppedCheckpoints(stages: ReadonlyMap<string, BoundStage>, context: PlanContext, world: World): Promise<KeptCheckpoint[]> {
  const all: KeptCheckpoint[] = [];
  if ([...stages.values()].every(({ spec }) => spec.checkpoint === undefined)) return all;
  for (const [stage, planned] of await planStages(stages, context, { force: false })) {
    if (planned.state !== 'runs') continue;
    const { ready } = planned;
    const folder = checkpointFolder(ready, world);
    const { attempt, seconds } = folder?.state() ?? { attempt: 0, seconds: 0 };
    if (folder === null || attempt === 0 || !folder.isStanding()) continue;
    const facts = { stage, fingerprint: ready.fingerprint, command: commandOf(ready), attempt, seconds, builder: world.builder };
    const kept = await keepCheckpoint(context.store, folder.absolute, { ...facts, saved: world.now().toISOString() });
    if (kept !== null) all.push(kept);
  }
  return all;
}
