// What plumb prints holds names, rows and messages of strangers. A terminal must not obey them, nor a CI that reads commands from its log.

// oxlint-disable-next-line no-control-regex -- these are the characters to take out; ESC stays where it only sets a colour, as ours do
const obeyed = /\u001b(?!\[\d{1,2}m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** GitHub Actions reads `::command::` at the start of a line, after spaces, and `##[command]` anywhere; Azure Pipelines `##vso[`. */
const commands = /^(\s*):(?=:)|#(?=#(?:vso)?\[)/gm;

/**
 * Text without what moves a cursor, turns its direction, or gives a CI a command; line ends and colours stay.
 * Source: actions/runner, src/Runner.Common/ActionCommand.cs
 * @param inCi commands of CI are broken up too
 */
export function harmless(text: string, inCi: boolean): string {
  const plain = text.replaceAll(obeyed, '');
  return inCi ? plain.replaceAll(commands, (found) => `${found} `) : plain;
}
