// Names that are two here and one on a file system that does not tell 'A' from 'a', or one spelling of 'é' from another (macOS, Windows).

/** How many are told of. */
const most = 10;

export class NameClashes {
  /** pairs of paths that would be one */
  readonly found: (readonly [string, string])[] = [];

  /** @param names of all that is in one folder; those of folders may have '/' behind */
  look(prefix: string, names: readonly string[]): void {
    // without such characters, names that differ stay different: most folders cost no more than this
    if (this.found.length >= most || !names.some((name) => /[A-Z\u0080-\uffff]/.test(name))) return;
    const seen = new Map<string, string>();
    for (const name of names) {
      const plain = name.endsWith('/') ? name.slice(0, -1) : name;
      const folded = foldName(plain);
      const other = seen.get(folded);
      if (other === undefined) seen.set(folded, plain);
      else if (this.found.length < most) this.found.push([prefix + other, prefix + plain]);
    }
  }
}

/** Equal for names that some file system in use takes for one. */
export function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}
