// HTML that cannot be forgotten to be escaped: what goes into a `markup` template is text, unless it is markup itself.
import { visible } from './visible.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };

/** Data as HTML text or as a quoted attribute's value. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}

/** A piece of finished HTML. Only `markup` makes one. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

type Part = string | number | Markup | null | readonly Part[];

/** markup`<td>${text}</td>`: strings are escaped, markup and lists of it go in as they are, null is nothing. */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(literals.map((literal, index) => literal + (index < parts.length ? render(parts[index] ?? null) : '')).join(''));
}

function render(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.html;
  return typeof part === 'object' ? part.map(render).join('') : escapeHtml(String(part));
}

/** A label, which may be long and without spaces: it breaks after its underscores, and is set apart from the direction of its surroundings. */
export function labelMarkup(text: string): Markup {
  return markup`<span class="cell">${text.split(/(?<=_)(?=[^_])/).map((part, index) => (index === 0 ? markup`${part}` : markup`<wbr>${part}`))}</span>`;
}
