// How bad input is tried: each case on a project of its own, twice, for machines and for people. One clear error with its code and exit code, where
// it is and how to mend it; no stack trace; and nothing is changed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorTable, exitCodes, type ErrorCode } from '../src/base/errors.ts';
import type { TestProject } from './project.ts';
import { createTrained } from './topics.ts';

export type Bad = (project: TestProject) => unknown;

export interface Case {
  readonly name: string;
  readonly words: readonly string[];
  readonly code: ErrorCode;
  /** what a person reads: what, where, how to mend */
  readonly says: readonly RegExp[];
  /** makes the input bad */
  readonly bad: Bad;
  /** What a stage wrote before it failed stays there to be looked at. */
  readonly leavesOutputs: boolean;
}

/** @param words of the command, parted by spaces */
export function refused(name: string, words: string, code: ErrorCode, says: readonly RegExp[], bad: Bad = () => undefined): Case {
  return { name, words: words.split(' '), code, says, bad, leavesOutputs: false };
}

export function leavingOutputs(one: Case): Case {
  return { ...one, leavesOutputs: true };
}

export function write(path: string, bytes: string | Uint8Array): Bad {
  return (project) => project.write(path, bytes);
}

/** Replaces the first match of each pattern; there must be one. */
export function edit(path: string, ...changes: readonly (readonly [string | RegExp, string])[]): Bad {
  return (project) => {
    let text = project.read(path);
    for (const [from, to] of changes) {
      const edited = text.replace(from, to);
      if (edited === text) throw new Error(`nothing to replace in ${path}`);
      text = edited;
    }
    project.write(path, text);
  };
}

/** What is wrong on the main branch, not only in the work tree. */
export function committed(bad: Bad): Bad {
  return async (project) => {
    await bad(project);
    project.git('commit', '-qam', 'bad');
  };
}

export function stages(text: string): Bad {
  return write('pipeline.yaml', `stages:\n${text}`);
}

/** Tries every case on a copy of a project that is run and promoted. */
export function describeRefusals(groups: Readonly<Record<string, readonly Case[]>>): void {
  let base: TestProject;
  beforeAll(async () => {
    base = await createTrained();
    await base.done('promote', 'topics', '--to', 'production');
  });
  afterAll(() => base[Symbol.dispose]());
  describe.each(Object.entries(groups))('%s', (_, cases) => {
    test.concurrent.each(cases)('$name', (one) => checkRefusal(base, one));
  });
}

async function checkRefusal(base: TestProject, one: Case): Promise<void> {
  using forMachines = base.copy();
  using forPeople = base.copy();
  const look = (project: TestProject): unknown =>
    one.code === 'NO_GIT_REPOSITORY' ? null : one.leavesOutputs ? withoutOutputs(project) : project.snapshot();
  await one.bad(forMachines);
  await one.bad(forPeople);
  const before = look(forMachines);
  const [json, text] = await Promise.all([forMachines.plumb(one.words), forPeople.plumb(one.words, { text: true })]);
  expect({ exit: json.exit, code: json.code }).toEqual({ exit: exitCodes[errorTable[one.code][0]], code: one.code });
  expect(json.json['error']).toMatchObject({ what: expect.stringMatching(/./), mend: expect.stringMatching(/./) });
  expect(text.exit).toBe(json.exit);
  const said = text.stderr.slice(text.stderr.lastIndexOf('plumb: '));
  expect(said).toMatch(new RegExp(`^plumb: .+\\n(.*\\n)*  Mend: .+  \\[${one.code}\\]\\n$`));
  for (const pattern of one.says) expect(said).toMatch(pattern);
  expect(text.stdout + text.stderr + json.stderr).not.toMatch(/\n\s+at .*(node:|\.ts:|\.js:)/);
  expect(look(forMachines)).toEqual(before);
}

function withoutOutputs(project: TestProject): unknown {
  return Object.entries(project.snapshot()).filter(([path]) => !path.startsWith('out/') && path !== '(status)');
}
