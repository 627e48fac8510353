import { Option } from 'commander';

/** --stage, with the names written out: the schema that knows them costs zod, and --help shall not. */
export function stageOption(description: string): Option {
  return new Option('--stage <stage>', description).choices(['staging', 'production']);
}
