// The link header of an answer that is one page of several.

/**
 * The cursor of the page after this one. Of the address that the server sends nothing but this one word is taken: asked is always the server that the
 * token is for.
 * @returns null: this was the last page
 */
export function nextCursor(link: string | undefined): string | null {
  for (const [, address = '', words = ''] of (link ?? '').matchAll(/<([^<>]*)>((?:\s*;\s*\w+="[^"]*")*)/g)) {
    if (!/;\s*rel="next"/.test(words)) continue;
    const cursor = /[?&]after=([^&#]*)/.exec(address)?.[1];
    return cursor === undefined ? null : decoded(cursor);
  }
  return null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
