// Names, reasons and labels come from people and files: before they go into a message, a commit or a table they become one harmless line.

/** Control characters, line and paragraph separators, and the marks that make text run backwards on a screen. */
const unwanted = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/** The text in one line that ends no line, moves no cursor and forges no trailer; cut at `max` UTF-16 code units. */
export function oneLine(text: string, max = 500): string {
  const line = text.toWellFormed().replaceAll(unwanted, ' ').trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`;
}
