import { PlumbError } from '../base/errors.ts';
import { shortDigest } from '../base/digest.ts';
import { readJob } from '../pipeline/ci-job.ts';
import { openProject } from '../project/open.ts';
import { domainText, readJobEvent } from '../project/trust-domain.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline, type OpenPipeline } from './open-pipeline.ts';
import { transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[stage...]', 'only runs of these stages and of what they need; without a name, all')
    .option('--merged <numbers>', 'pull requests that this push merged, whose runs may be taken over: 7,8@<commit that was merged>')
    .addHelpText(
      'after',
      '\nSigns by PLUMB_SIGNING_KEY, else as the job (Sigstore), where policy.yaml of the base branch takes that. Run it in a step of its own:\n' +
        'what a stage starts must not see the key.\n\nExample:\n  $ plumb run train && plumb ci publish train',
    )
    .action(async (names: string[], options: { merged?: string }) => {
      const env = options.merged === undefined ? cli.env : { ...cli.env, PLUMB_MERGED_PULLS: options.merged };
      const project = await openProject(cli);
      await withPipeline(project, { ...cli, env }, (open) => publish(open, names, cli));
    });
};

async function publish(open: OpenPipeline, names: readonly string[], cli: Cli): Promise<void> {
  const { project, context, pipeline } = open;
  const { store, git } = project;
  const { runs } = context;
  const job = readJob(cli.env, readJobEvent(cli.env));
  if (runs.domain.kind === 'laptop') {
    throw new PlumbError('RUN_DOMAIN', {
      what: 'this is no job of CI: its runs are those of a laptop',
      mend: 'send them with `plumb push`; in a CI that is not recognised, set PLUMB_RUN_DOMAIN',
    });
  }
  if (job === null) {
    // `plumb run` was another process: which runs it made for this job is written down by the job's number
    throw new PlumbError('RUN_DOMAIN', {
      what: 'this job does not say which run of which repository it is, so nobody knows which runs are its own',
      mend: 'outside of GitHub and Gitea set GITHUB_REPOSITORY, GITHUB_REF, GITHUB_SHA and GITHUB_RUN_ID, for `plumb run` too',
    });
  }
  const [{ selectStages }, { stoppedCheckpoints }, { findSigner, publishRuns, runsToPublish }, { openTrustBase }, { fetchCommit }] =
    await Promise.all([
      import('../pipeline/graph.ts'),
      import('../pipeline/checkpoint-publish.ts'),
      import('../pipeline/publish.ts'),
      import('./open-run-names.ts'),
      import('../project/base-commit.ts'),
    ]);
  const stages = selectStages(pipeline.stages, names);
  const records = await runsToPublish(stages, context);
  const checkpoints = await stoppedCheckpoints(stages, context, open.world);
  const base = await openTrustBase(project, cli.env, runs.domain);
  // nobody reuses what a fork ran, and its job has nothing to sign with
  const signer = runs.domain.kind === 'fork' ? null : findSigner(cli.env, base);
  const trust = base?.trust ?? null;
  if (runs.domain.kind !== 'fork' && trust !== null && signer === null)
    cli.note('not signed: PLUMB_SIGNING_KEY is not set, and the job has no identity that policy.yaml takes. Nobody else reuses these runs');
  if (signer?.kind === 'key' && trust !== null && signer.name === null)
    cli.note('policy.yaml of the base branch does not name the public half of PLUMB_SIGNING_KEY: nobody else reuses these runs');
  const sent = await publishRuns(
    { store, git, runs, records, checkpoints, signer, job, env: cli.env, fetchCommit: (commit) => fetchCommit(project, cli.env, commit) },
    cli,
  );
  const published = records.map(({ digest, record }) => ({
    stage: record.stage,
    run: digest,
    fingerprint: record.fingerprint,
    from: domainText(runs.found.get(digest)?.domain ?? runs.domain),
  }));
  const signed = signer === null ? null : signer.kind === 'key' ? `key ${signer.name ?? 'unknown to policy.yaml'}` : 'sigstore';
  const stopped = checkpoints.map(({ digest, record }) => ({
    stage: record.stage,
    checkpoint: digest,
    attempt: record.attempt,
    bytes: record.bytes,
  }));
  cli.emit({ ...sent, domain: domainText(runs.domain), signed, published, checkpoints: stopped, remote: store.remoteUrl });
  for (const { stage, run, from } of published) cli.print(`published ${cli.paint.bold(stage)}  ${shortDigest(run)}  from ${from}`);
  for (const { stage, attempt } of stopped) cli.print(`published ${cli.paint.bold(stage)}  its checkpoint, attempt ${attempt}`);
  cli.print(transferText('sent', sent, visible(store.remoteUrl ?? '')));
}
