// Makes the forge say what the log says: deployments and issues. Nothing of it decides what is served; so one that fails keeps neither the others nor the run from
// being done, and is told at the end.
import type { Forge } from '../forge/forge.ts';
import { planDeployment, targetsOf, wantedDeployments, type DeploymentStep } from './deploy-plan.ts';
import { auditIssue, auditMarker, planIssues, type IssueInput } from './deploy-issues.ts';

export type DeployForge = Pick<Forge, 'deployments' | 'upsertIssue' | 'closeIssue'>;

export interface DeployInput extends IssueInput {
  /** page of the run of CI; null: it is none */
  readonly runUrl: string | null;
}

/** @returns what failed; the rest is done */
export async function deploy(forge: DeployForge, input: DeployInput): Promise<unknown[]> {
  const troubles: unknown[] = [];
  const attempt = async (work: Promise<unknown>): Promise<void> => void (await work.catch((error: unknown) => troubles.push(error)));
  await attempt(makeDeployments(forge, input));
  const { open, close } = planIssues(input);
  for (const issue of open) await attempt(forge.upsertIssue(issue));
  for (const { marker, why } of close) await attempt(forge.closeIssue(marker, why));
  await attempt(forge.closeIssue(auditMarker, 'The log of decisions holds again.'));
  return troubles;
}

/** Tells people that the log, or the history, was rewritten. */
export async function tellRewritten(forge: DeployForge, { message, mend }: { readonly message: string; readonly mend: string }): Promise<void> {
  await forge.upsertIssue(auditIssue(message, mend));
}

async function makeDeployments({ deployments }: DeployForge, { log, policies, runUrl }: DeployInput): Promise<void> {
  if (deployments === null) return;
  const models = Object.keys(policies.get(log.policy?.digest ?? '')?.models ?? {}).length;
  for (const wanted of wantedDeployments(log, models)) {
    let latest = await deployments.latest(wanted.environment);
    for (const [at, target] of targetsOf(wanted, latest).entries()) {
      if (at > 0) latest = await deployments.latest(wanted.environment);
      await carryOut(deployments, planDeployment(target, latest), runUrl);
    }
  }
}

async function carryOut(deployments: NonNullable<Forge['deployments']>, steps: readonly DeploymentStep[], runUrl: string | null): Promise<void> {
  let created = 0;
  for (const step of steps) {
    if (step.do === 'create') created = (await deployments.create({ ...step.wanted, key: step.key })).id;
    else await deployments.setState(step.of === 'created' ? created : step.of, step.state, step.description, runUrl);
  }
}
