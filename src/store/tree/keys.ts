// Order of paths and keys: by the bytes of their UTF-8, which every language has, and not by UTF-16 units, which only some have.

/** < 0, 0, > 0 as the UTF-8 of a is before, equal to or behind that of b. That is the order of code points; `<` is not, for surrogates. */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    // a surrogate is half of a code point above all that one unit can say
    const above = (x & 0xf800) === 0xd800;
    return above === ((y & 0xf800) === 0xd800) ? x - y : above ? 1 : -1;
  }
  return a.length - b.length;
}

/** Bytes of a key that ranges of keys hold. */
export const keyBytes = 32;

/** A key as ranges of keys have it: whole characters, at most 32 bytes of UTF-8; half a character becomes U+FFFD. */
export function cutKey(key: string): string {
  const text = key.toWellFormed();
  if (text.length * 3 <= keyBytes) return text;
  let bytes = 0;
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > keyBytes) return text.slice(0, at);
    at += point < 0x10000 ? 1 : 2;
  }
  return text;
}

/** Bytes of UTF-8 that a path of a tree may have; what Linux lets a path have. */
export const pathBytes = 4096;

/**
 * An empty name, '.', '..', or git's own folder, whatever its case and however a disk of Windows has it; a control character or a backslash.
 * Source: git, path.c, is_ntfs_dotgit
 */
const unfit = /(?:^|\/)(?:\.{0,2}|\.git[ .]*|git~1[ .]*)(?:\/|$)|[\p{Cc}\\]/iu;
/** Characters that a disk of macOS passes over in names. Source: git, utf8.c, next_hfs_char */
const ignored = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/** May it stand in a tree? Relative, '/' between names, and fit to be joined to a folder, whoever made the tree. */
export function isTreePath(path: string): boolean {
  if (unfit.test(path) || (/[\u200c-\ufeff]/.test(path) && unfit.test(path.replace(ignored, '')))) return false;
  return path.isWellFormed() && (path.length * 3 <= pathBytes || Buffer.byteLength(path) <= pathBytes);
}
