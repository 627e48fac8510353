import type { Define } from './command.ts';
import { review } from './review-sit.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[data]', 'a data set (default: the only one, or the only one with reviews)')
    .option('--web', 'on a page of this machine, instead of in the terminal')
    .option('--limit <n>', 'so many rows at most in one sitting', '500')
    .option('--new-labels', 'labels that no row has yet may be given')
    .option('--commit', 'commit the decisions at the end')
    .addHelpText('after', '\nWhat you decided yourself, you cannot adjudicate.\n\nExample:\n  $ plumb review adjudicate intents')
    .action((data: string | undefined, options: Parameters<typeof review>[1]) => review(data, options, 'adjudicator', cli));
};
