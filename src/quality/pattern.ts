// A regular expression of a rules file is written by people and runs over data of others: `(a+)+$` takes for ever on the wrong
// text. Node's engine backtracks and cannot be told not to, but a script of node:vm can be stopped while it is inside one match.
import { createContext, Script } from 'node:vm';

/** What is wrong with a pattern, or undefined. Flag u: whole characters, and a mistyped escape is an error. */
export function patternProblem(source: string): string | undefined {
  try {
    new RegExp(source, 'u');
    return undefined;
  } catch (error) {
    return `not a regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`;
  }
}

/** Which of a batch of texts do not match, or at which one the time was up. */
export type PatternAnswer = { readonly failing: readonly number[] } | { readonly stuckAt: number };

export type PatternTest = (texts: readonly string[]) => PatternAnswer;

const script = new Script(
  'for (state.at = 0; state.at < state.texts.length; state.at += 1) if (!state.regex.test(state.texts[state.at])) state.failing.push(state.at);',
);

/**
 * A test of batches of texts against a pattern that is stopped after `limitMs` a batch.
 * The pattern is never run as code: it reaches the script as a RegExp object.
 * Cost: about 0.15 ms a batch beyond the matching itself.
 */
export function boundedPattern(source: string, limitMs: number): PatternTest {
  const state = { regex: new RegExp(source, 'u'), texts: [] as readonly string[], failing: [] as number[], at: 0 };
  const context = createContext({ state });
  return (texts) => {
    state.texts = texts;
    state.failing = [];
    try {
      script.runInContext(context, { timeout: limitMs });
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return { stuckAt: state.at };
      throw error;
    }
    return { failing: state.failing };
  };
}
