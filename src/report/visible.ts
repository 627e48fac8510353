// Rows and model output are hostile text. What every view does to it first: one line, nothing hidden, nothing that turns
// neighbouring text around. Each view then escapes for its own language.

/** Characters that show nothing or change how others show: controls, bidi, zero width, tags, fillers, variation selectors. */
const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * The text on one line with all of it to be seen: line ends as '⏎', other white space as a space, hidden characters as '⟨U+202E⟩'
 * (after the sixteenth as '�'), piles of combining marks cut after four. Visible text stays as it is.
 */
export function visible(text: string): string {
  let found = 0;
  return text
    .replace(/\r\n?|\n|\u2028|\u2029|\u0085/gu, '⏎')
    .replace(/[\t\v\f\p{Zs}]/gu, ' ')
    .replace(/(\p{Extended_Pictographic})\ufe0f/gu, '$1')
    .replace(/(\p{M}{4})\p{M}+/gu, '$1…')
    .replace(hidden, (character) => {
      found += 1;
      return found > 16 ? '�' : `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
    });
}

/** At most `limit` UTF-16 code units, '…' included; never half a character. */
export function cut(text: string, limit: number): string {
  const whole = text.toWellFormed();
  return whole.length <= limit ? whole : `${whole.slice(0, limit - 1).replace(/[\ud800-\udbff]$/u, '')}…`;
}
