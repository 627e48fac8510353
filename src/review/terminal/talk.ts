// The sitting as a talk: a key a row. The same words come over a pipe, one a line, with what belongs to them behind: `l card_arrival`, `e {"text": "..."}`.
import { isPlumbError } from '../../base/errors.ts';
import { parseLine } from '../../datasets/jsonl.ts';
import { editBetween, type RowValue } from '../change.ts';
import type { Sitting } from '../sitting.ts';
import { changedLines, describeDecision, describeItem, type Look } from './view.ts';

export interface Talker extends Look {
  print(text: string): void;
  /** One key; null: nobody is there any more. Over a pipe, a line. */
  key(prompt: string): Promise<{ readonly key: string; readonly rest: string | null } | null>;
  /** A line, where the key came without one; null: never mind. */
  line(prompt: string, completions: readonly string[]): Promise<string | null>;
  /** A text after somebody edited it; null: it stayed as it was. @throws PlumbError USAGE, where there is no editor */
  edit(text: string): Promise<string | null>;
}

const keys = 'a accept  e edit  r reject  l label  n note  s skip  b back  u undo  q quit  ? help';
const help = [
  'a  accept: the row may stay as it is',
  'e  edit it in $EDITOR, as JSON; or `e {"column": "new value"}` in one line (null takes a value away)',
  'r  reject: the row shall go',
  'l  give it another label: l LABEL',
  'n  a note, kept with the decision: n TEXT',
  's  skip: it goes on waiting     b  back to the row before',
  'u  take the last decision back  q  end: what is decided is kept',
].join('\n');

/** Until q, the last row, or nobody is there. */
export async function talk(sitting: Sitting, talker: Talker): Promise<void> {
  const drafts = new Map<number, string>();
  while (sitting.item !== null) {
    const { item, standing, decision } = sitting;
    talker.print(['', ...describeItem(item, standing, talker)].join('\n'));
    if (decision !== null) talker.print(`  now: ${describeDecision(decision, talker)}`);
    if (sitting.note !== '') talker.print(`  note: ${talker.show(sitting.note)}`);
    const asked = await talker.key(talker.paint.dim(keys));
    if (asked === null || asked.key === 'q') return;
    try {
      await obey(sitting, { ...asked, draft: drafts }, talker);
    } catch (error) {
      if (!isPlumbError(error) || !['USAGE', 'DATASET_COLUMN', 'ROW_SYNTAX', 'ROW_ENCODING'].includes(error.code)) throw error;
      talker.print(talker.paint.red(`  ${talker.show(error.message)}  ${talker.show(error.mend)}`));
    }
  }
}

interface Asked {
  readonly key: string;
  readonly rest: string | null;
  /** what somebody wrote that was no row, by the place of the row: an editor opens it again */
  readonly draft: Map<number, string>;
}

async function obey(sitting: Sitting, { key, rest, draft }: Asked, talker: Talker): Promise<void> {
  switch (key) {
    case 'a':
      return void (await sitting.accept());
    case 'r':
      return void (await sitting.reject());
    case 'l': {
      const label = rest ?? (await talker.line('label: ', sitting.labels));
      return label === null ? undefined : void (await sitting.label(label));
    }
    case 'n': {
      const note = rest ?? (await talker.line('note: ', []));
      return note === null ? undefined : sitting.annotate(note);
    }
    case 'e':
      return edit(sitting, rest, draft, talker);
    case 's':
      return sitting.skip();
    case 'b':
      return sitting.back();
    case 'u':
      return (await sitting.undo()) ? undefined : talker.print('  nothing to take back');
    case '?':
      return talker.print(help);
    default:
      return talker.print(`  "${talker.show(key)}" is no key here: ${keys}`);
  }
}

async function edit(sitting: Sitting, rest: string | null, drafts: Map<number, string>, talker: Talker): Promise<void> {
  const { item, standing } = sitting;
  if (item === null) return;
  const at = { file: 'the edited row', row: item.row };
  const columns = rest === null ? await editedWhole(item.value, drafts, standing.at, talker) : (parseLine(rest.trim(), at) as Record<string, never>);
  if (columns === null) return talker.print('  nothing changed');
  const made = await sitting.edit(columns);
  for (const line of changedLines(item.value, made, talker)) talker.print(line);
}

async function editedWhole(
  value: RowValue,
  drafts: Map<number, string>,
  place: number,
  talker: Talker,
): Promise<ReturnType<typeof editBetween> | null> {
  const before = JSON.stringify(value, null, 2);
  const after = await talker.edit(drafts.get(place) ?? before);
  if (after === null || after.trim() === before) return null;
  drafts.set(place, after);
  const parsed = parseLine(after.trim(), { file: 'the edited row', row: 1 });
  drafts.delete(place);
  return editBetween(value, parsed);
}
