import { refusedAs, type Answer, type Asked } from './state.ts';

/** 30 a page unless asked, at most 100, and the next page in the link header. docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api */
export function paged<T>({ query }: Asked, items: readonly T[], show: (one: T) => unknown): Answer {
  const size = Math.min(100, Number(query.get('per_page') ?? 30));
  const page = Number(query.get('page') ?? 1);
  const next = new URLSearchParams(query);
  next.set('page', String(page + 1));
  const headers: Record<string, string> = items.length > page * size ? { link: `<https://github.test/next?${next.toString()}>; rel="next"` } : {};
  return { status: 200, body: items.slice((page - 1) * size, page * size).map((one) => show(one)), headers };
}

/**
 * By cursors, as GitHub does where new entries come at the front: "after: ... cursor, as given in the Link header". The cursor says nothing to a reader.
 * @returns 422 for one that GitHub did not give
 */
export function pagedByCursor<T extends { readonly id: number }>({ query }: Asked, items: readonly T[], show: (one: T) => unknown): Answer {
  const size = Math.min(100, Number(query.get('per_page') ?? 30));
  const after = query.get('after');
  const from = after === null ? 0 : items.findIndex((one) => cursorOf(one) === after) + 1;
  if (after !== null && from === 0) return refusedAs(422, 'The `after` parameter is not a cursor.');
  const page = items.slice(from, from + size);
  const last = page.at(-1);
  const next = new URLSearchParams(query);
  if (last !== undefined) next.set('after', cursorOf(last));
  const more = from + size < items.length && last !== undefined;
  return { status: 200, body: page.map(show), headers: more ? { link: `<https://github.test/next?${next.toString()}>; rel="next"` } : {} };
}

function cursorOf({ id }: { readonly id: number }): string {
  return Buffer.from(`cursor:v2:${id}`).toString('base64');
}
