// A day at the store in one process, for tests that kill it: commands one after the other, each looked at when it has ended. Starting a process takes
// longer than most commands do; this way nearly every kill meets one at work.
//
//   node day.ts DAY.json FROM     runs the steps of a day from the one with that number on; writes 'begin N' and 'done N' to file descriptor 3
import { existsSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { main } from '../../src/cli/main.ts';
import { TestProject } from '../project.ts';
import { dataOf, writeData } from './stored.ts';

/** One step: data that somebody puts there, or a command. */
export interface Step {
  /** the work tree gets this version, by hand */
  readonly edit?: number;
  readonly words?: readonly string[];
  /** ends that are right */
  readonly exits?: readonly number[];
  /** versions that the lock names and that stand in the work tree, when it is done */
  readonly locked: number;
  readonly standing: number;
}

export interface Day {
  /** of the project, as TestProject has it */
  readonly top: string;
  /** datasets.lock of each version */
  readonly locks: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

/** What is not as it should be after a step; null: all is. */
export function faultAfter(project: TestProject, { locked, standing }: Step, locks: Day['locks']): string | null {
  if (project.read('datasets.lock') !== locks[locked]) return `datasets.lock is not that of version ${locked}`;
  const wanted = Object.entries(dataOf(standing));
  const found = readdirSync(project.path('data'), { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  if (found.length !== wanted.length) return `data has ${found.length} files, version ${standing} has ${wanted.length}`;
  for (const [path, bytes] of wanted)
    if (!existsSync(project.path(path)) || !readFileSync(project.path(path)).equals(bytes)) return `${path} is not that of version ${standing}`;
  return null;
}

async function run(day: Day, from: number): Promise<void> {
  const project = new TestProject(day.top);
  for (const [number, step] of day.steps.entries()) {
    if (number < from) continue;
    writeSync(3, `begin ${number}\n`);
    if (step.edit !== undefined) writeData(project, dataOf(step.edit));
    const exit = step.words === undefined ? 0 : await main(['-C', project.root, '-q', '--debug', ...step.words]);
    const fault = (step.exits ?? [0]).includes(exit) ? faultAfter(project, step, day.locks) : `it ended with ${exit}`;
    if (fault !== null) {
      writeSync(3, `fault ${number} ${fault}\n`);
      process.exit(1);
    }
    writeSync(3, `done ${number}\n`);
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , file = '', from = '0'] = process.argv;
  await run(JSON.parse(readFileSync(file, 'utf8')) as Day, Number(from));
}
