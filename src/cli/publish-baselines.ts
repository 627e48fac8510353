// A gate that compares asks the model that is there the candidate's questions, where it was never asked them. In a job of CI that evaluation is signed as any
// run of a stage is: whoever judges the promotion takes its answers for no better than their signature.
import { readJob } from '../pipeline/ci-job.ts';
import { readJobEvent } from '../project/trust-domain.ts';
import type { Cli } from './command.ts';
import type { Judged } from './judging.ts';
import type { OpenPipeline } from './open-pipeline.ts';

/** Only what this very job asked, by a built-in step: nothing that another process may have written into its list without a run. */
export async function publishBaselines({ project, context }: OpenPipeline, judged: readonly Judged[], cli: Cli): Promise<void> {
  const { runs } = context;
  const job = readJob(cli.env, readJobEvent(cli.env));
  if (runs.domain.kind === 'laptop' || runs.domain.kind === 'fork' || job === null) return;
  const own = await runs.own();
  const baselines = judged.flatMap(({ judgement }) => Object.values(judgement.baselines));
  const records = [...new Map(baselines.map((kept) => [kept.digest, kept])).values()].filter(({ digest }) => own.has(digest));
  if (records.length === 0) return;
  const [{ findSigner, publishRuns }, { openTrustBase }, { fetchCommit }] = await Promise.all([
    import('../pipeline/publish.ts'),
    import('./open-run-names.ts'),
    import('../project/base-commit.ts'),
  ]);
  const base = await openTrustBase(project, cli.env, runs.domain);
  if (base === null || base.trust === null) return;
  const signer = findSigner(cli.env, base);
  if (signer === null) {
    cli.note(
      'the model that is there was asked the new questions, and nobody signed its answers: set PLUMB_SIGNING_KEY, or the check will not take them',
    );
    return;
  }
  const { store, git } = project;
  const order = {
    store,
    git,
    runs,
    records,
    checkpoints: [],
    signer,
    job,
    env: cli.env,
    fetchCommit: (commit: string) => fetchCommit(project, cli.env, commit),
  };
  await publishRuns(order, cli);
}
