// Which rules a data set has: those of the stages of pipeline.yaml that validate it, else the file of its name.
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { expandStages } from '../pipeline/expand.ts';
import { parseParams } from '../pipeline/params.ts';
import { pipelineSchema } from '../pipeline/schema.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';

export interface Judging {
  /** data set, path, or stage.output */
  readonly data: string;
  /** rules file */
  readonly rules: string;
}

/**
 * @param required each of the data must have rules
 * @throws PlumbError FILE_MISSING, and what reading pipeline.yaml throws
 */
export async function rulesOfData(project: Project, names: readonly string[], { required }: { readonly required: boolean }): Promise<Judging[]> {
  const stages = await validateStages(project);
  const judgings: Judging[] = [];
  for (const data of names) {
    const ofStages = [...new Set(stages.filter((stage) => stage.data === data).map(({ rules }) => rules))];
    const file = `rules/${data}.yaml`;
    if (ofStages.length > 0) judgings.push(...ofStages.map((rules) => ({ data, rules })));
    else if (/^[^/]+$/.test(data) && (await project.readText(file)) !== undefined) judgings.push({ data, rules: file });
    else if (required) throw noRules(data, file);
  }
  return judgings;
}

async function validateStages(project: Project): Promise<Judging[]> {
  const text = await project.readText(files.pipeline);
  if (text === undefined) return [];
  const config = await parseYaml(text, files.pipeline, pipelineSchema);
  return expandStages(config, parseParams(await project.readText(files.params))).flatMap(({ action }) => {
    if (action.kind !== 'step' || action.uses !== 'plumb/validate') return [];
    const { data, rules } = action.with;
    return typeof data === 'string' && typeof rules === 'string' ? [{ data, rules }] : [];
  });
}

function noRules(data: string, file: string): PlumbError {
  return new PlumbError('FILE_MISSING', {
    what: `nothing says what the rows of ${data} must satisfy: no stage of pipeline.yaml validates it, and there is no ${file}`,
    mend: 'name a file with --rules, or let `plumb rules suggest` write a first one',
  });
}
