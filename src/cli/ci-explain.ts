import { explainCase, findCase } from '../ci/explain.ts';
import { readAllCases } from '../evaluate/cases.ts';
import type { CaseResult } from '../evaluate/schema.ts';
import { openProject } from '../project/open.ts';
import { casesOf, type FoundModel } from '../registry/found-model.ts';
import type { Store } from '../store/store.ts';
import type { Define } from './command.ts';
import { judgeModel } from './judging.ts';
import { withPipeline } from './open-pipeline.ts';

interface ExplainOptions {
  readonly base?: string;
  readonly model?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<case>', 'id of a case of the suite, or its whole text')
    .option('--model <name>', 'default: the only one of pipeline.yaml')
    .option('--base <revision>', 'revision whose policy and pointers count (default: the main branch)')
    .addHelpText('after', '\nPrints Markdown. Speaks of runs that are in the store; runs nothing.\n\nExample:\n  $ plumb ci explain test-00012')
    .action(async (wanted: string, { base, model }: ExplainOptions) => {
      const project = await openProject(cli);
      const { candidate, served, judgement, source } = await withPipeline(project, cli, (open) =>
        judgeModel(open, { model, stage: 'production', against: undefined, base }, cli),
      );
      const found = findCase(await casesIn(candidate, project.store), wanted);
      const production = served.production?.model;
      const other =
        production === undefined ? null : { what: 'production', result: findCase(await casesIn(production, project.store), found?.id ?? wanted) };
      const head = (await project.git.resolve('HEAD')) ?? source ?? 'this work tree';
      const markdown = explainCase({ wanted, head, candidate: found, other, data: judgement.report.data });
      cli.emit({ markdown, found: found !== null });
      cli.print(markdown.trimEnd());
    });
};

async function casesIn({ evaluated }: FoundModel, store: Store): Promise<CaseResult[]> {
  store.remember([evaluated.digest]);
  return readAllCases(await store.pathOf(casesOf(evaluated).digest), { name: `cases of ${evaluated.record.stage}` });
}
