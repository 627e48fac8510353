import type { Answer, Asked } from './state.ts';

/** 30 a page unless asked, at most 100, and the next page in the link header. docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api */
export function paged<T>({ query }: Asked, items: readonly T[], show: (one: T) => unknown): Answer {
  const size = Math.min(100, Number(query.get('per_page') ?? 30));
  const page = Number(query.get('page') ?? 1);
  const next = new URLSearchParams(query);
  next.set('page', String(page + 1));
  const headers: Record<string, string> = items.length > page * size ? { link: `<https://github.test/next?${next.toString()}>; rel="next"` } : {};
  return { status: 200, body: items.slice((page - 1) * size, page * size).map((one) => show(one)), headers };
}
