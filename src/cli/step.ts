import { runStepOrder } from '../pipeline/step-process.ts';
import type { Define } from './command.ts';
import { steps } from './steps.ts';

export const define: Define = (command, cli) => {
  command
    .description('Run one built-in step: the order is a line of JSON on stdin, events go to file descriptor 3. For the pipeline, not for people.')
    .action(async () => {
      cli.exitCode = await runStepOrder(steps, cli.signal);
    });
};
