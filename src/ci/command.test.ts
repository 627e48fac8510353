import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideCommand, parseCommand, usage, type Asked } from './command.ts';

const head = 'a'.repeat(40);
const other = 'b'.repeat(40);
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 12, minute));

/** A person with write permission who has seen the report of the head, five minutes ago. */
function asked(body: string, change: Partial<Asked> = {}): Asked {
  const parsed = parseCommand(body);
  if (parsed === null) throw new Error(`${body} is no command`);
  return {
    parsed,
    comment: { author: 'ann', createdAt: at(10), edited: false },
    permission: 'write',
    pull: { number: 7, head, fork: false, state: 'open' },
    seen: { head, since: at(5) },
    ...change,
  };
}

describe('what is read', () => {
  test('the four commands, alone in the first line', () => {
    expect(parseCommand('/plumb run')).toEqual({ command: { name: 'run', sha: null } });
    expect(parseCommand(`\n  /plumb run ${head} \r\nplease`)).toEqual({ command: { name: 'run', sha: head } });
    expect(parseCommand('/plumb rerun train evaluate')).toEqual({ command: { name: 'rerun', stages: ['train', 'evaluate'], sha: null } });
    expect(parseCommand('/plumb explain test-00012')).toEqual({ command: { name: 'explain', case: 'test-00012', sha: null } });
    expect(parseCommand(`/plumb explain why is my card late? ${head}`)).toEqual({
      command: { name: 'explain', case: 'why is my card late?', sha: head },
    });
    expect(parseCommand(`/plumb approve ${head}`)).toEqual({ command: { name: 'approve', sha: head } });
  });

  test('other comments are none of our business', () => {
    for (const body of ['', 'I say /plumb run', '/plumber run', '> /plumb run', '```\n/plumb run\n```', 'ok\n/plumb run'])
      expect(parseCommand(body)).toBeNull();
  });

  test('a short commit is no commit, a stage is no option, and nothing is guessed', () => {
    for (const body of [
      '/plumb',
      '/plumb run fast',
      '/plumb approve abcdef1',
      '/plumb rerun',
      '/plumb rerun --force',
      '/plumb rerun `x`',
      '/plumb RUN',
      '/plumb explain',
    ])
      expect(parseCommand(body)).toEqual({ mistake: usage });
  });

  test('whatever is written, it is read, and a stage never looks like an option', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parseCommand(`/plumb ${text}`);
        const stages = parsed !== null && 'command' in parsed && parsed.command.name === 'rerun' ? parsed.command.stages : [];
        expect(stages.filter((stage) => /^-|\s|\p{C}/u.test(stage))).toEqual([]);
      }),
    );
  });
});

describe('who may', () => {
  test('T28: without write permission: a thumb down, no word, nothing started', () => {
    for (const permission of ['triage', 'read', 'none'] as const)
      for (const body of ['/plumb run', `/plumb approve ${head}`, '/plumb what'])
        expect(decideCommand(asked(body, { permission, pull: { number: 7, head, fork: true, state: 'open' } }))).toEqual({
          do: 'refuse',
          reaction: '-1',
          reply: null,
        });
  });

  test('with it, a run is started on the head that was seen', () => {
    for (const permission of ['write', 'maintain', 'admin'] as const)
      expect(decideCommand(asked('/plumb run', { permission }))).toMatchObject({
        do: 'dispatch',
        workflow: 'pr.yml',
        inputs: { pull: '7', sha: head, fork: 'false', force: '' },
      });
    expect(decideCommand(asked('/plumb rerun train evaluate'))).toMatchObject({ inputs: { force: 'train evaluate' } });
    expect(decideCommand(asked('/plumb explain test-1'))).toEqual({ do: 'explain', case: 'test-1', head });
  });

  test('an edited comment, a closed pull request, a mistake: said so', () => {
    const reply = (change: Partial<Asked>, body = '/plumb run'): unknown => (decideCommand(asked(body, change)) as { reply: string }).reply;
    expect(reply({ comment: { author: 'ann', createdAt: at(10), edited: true } })).toContain('was edited');
    expect(reply({ pull: { number: 7, head, fork: false, state: 'merged' } })).toContain('is merged');
    expect(reply({}, '/plumb what')).toBe(usage);
  });
});

describe('which commit', () => {
  const said = (body: string, change: Partial<Asked>): { do: string; reply: string } =>
    decideCommand(asked(body, change)) as { do: string; reply: string };

  test('one that moved since the report is refused, with the line that would be understood', () => {
    for (const seen of [{ head: other, since: at(5) }, { head, since: at(11) }, null])
      for (const [body, line] of [
        ['/plumb run', 'run'],
        ['/plumb rerun train', 'rerun train'],
        ['/plumb explain a `b` @c', 'explain a ˋbˋ @c'],
      ] as const) {
        const { do: what, reply } = said(body, { seen });
        expect(what).toBe('refuse');
        expect(reply).toContain(`\`/plumb ${line} ${head}\``);
      }
  });

  test('a commit that is named counts, whatever the report says', () => {
    expect(said(`/plumb run ${head}`, { seen: null }).do).toBe('dispatch');
    expect(said(`/plumb run ${other}`, {}).do).toBe('refuse');
  });
});

describe('a fork', () => {
  const fork = { number: 7, head, fork: true, state: 'open' } as const;

  test('is run only by an approval of the very commit, in a workflow and a store of its own', () => {
    expect(decideCommand(asked(`/plumb approve ${head}`, { pull: fork, seen: null }))).toMatchObject({
      do: 'dispatch',
      workflow: 'fork.yml',
      inputs: { pull: '7', sha: head, fork: 'true' },
    });
    for (const body of ['/plumb approve', `/plumb approve ${other}`, '/plumb run', `/plumb run ${head}`, '/plumb rerun train', '/plumb explain x']) {
      const decision = decideCommand(asked(body, { pull: fork }));
      expect(decision).toMatchObject({ do: 'refuse', reaction: 'confused' });
      expect((decision as { reply: string }).reply).toContain(`\`/plumb approve ${head}\``);
    }
  });

  test('what is no fork needs no approval', () => {
    expect(decideCommand(asked(`/plumb approve ${head}`))).toMatchObject({ do: 'refuse' });
  });
});

test('T14: an App that may write, and says what somebody told it to, starts and approves nothing', () => {
  const comment = { author: 'helper[bot]', createdAt: at(10), edited: false };
  for (const body of ['/plumb run', `/plumb approve ${head}`])
    expect(decideCommand(asked(body, { comment, permission: 'admin' }))).toEqual({ do: 'refuse', reaction: '-1', reply: null });
});
