// A rules file, as its text says it.
import { loadYaml, parseYaml } from '../../base/config.ts';
import { quickRules } from './quick-rules.ts';
import type { Rules } from './schema.ts';

/**
 * @param file name for messages
 * @throws PlumbError YAML_SYNTAX, CONFIG_INVALID
 */
export async function parseRules(text: string, file: string): Promise<Rules> {
  return readQuickly(text, file) ?? parseYaml(text, file, (await import('./schema.ts')).rulesSchema);
}

function readQuickly(text: string, file: string): Rules | null {
  try {
    return quickRules(loadYaml(text, file));
  } catch {
    // whoever reads it slowly says what is wrong with it, and where
    return null;
  }
}
