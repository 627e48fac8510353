// What is found by a sign within it: e-mail addresses by @, URLs by the dot of their host or by ://, IP addresses by dots and colons.
import { isIPv6 } from 'node:net';
import type { Found } from '../found.ts';
import { topLevelDomains } from '../top-level-domains.ts';
import { isWordUnit } from '../words.ts';

/** RFC 5321: 64 characters before the @. */
const longestLocal = 64;
const longestHost = 253;
const localSigns = new Set([..."._%+'&~-"].map((sign) => sign.charCodeAt(0)));
const domainForm = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}(?:xn--[a-z0-9-]{2,59}|\p{L}{2,24})(?![\p{L}\p{N}])/iuy;
/** logo@2x.png, model@final.onnx */
const fileEnd = /\.(?:png|jpe?g|gif|svg|webp|avif|ico|pdf|onnx|json|jsonl|csv|ya?ml|txt|md|js|ts|py)$/i;

/** @param at place of an @ */
export function findEmail(text: string, at: number): Found | null {
  let start = at;
  while (start > 0 && at - start < longestLocal && isLocal(text.charCodeAt(start - 1))) start -= 1;
  while (start < at && !isWordUnit(text.charCodeAt(start))) start += 1;
  const last = text.charCodeAt(at - 1);
  if (start === at || (!isWordUnit(last) && last !== 0x2b && last !== 0x2d)) return null;
  domainForm.lastIndex = at + 1;
  const domain = domainForm.exec(text)?.[0];
  if (domain === undefined || fileEnd.test(domain) || (start + 3 === at && /^git$/i.test(text.slice(start, at)))) return null;
  const top = domain.slice(domain.lastIndexOf('.') + 1).toLowerCase();
  // the address of a network of its own (.local, .corp) is one, but no proof
  const score = top.startsWith('xn--') || topLevelDomains.has(top) || /[^a-z]/.test(top) ? 1 : 0.5;
  return { entity: 'EMAIL_ADDRESS', start, end: at + 1 + domain.length, score };
}

function isLocal(unit: number): boolean {
  return isWordUnit(unit) || localSigns.has(unit);
}

const pathForm = /(?::\d{1,5})?(?:[/?#][^\s()<>"'`\\]{0,2000})?/y;
const schemes = /(?:https?|ftp):\/\/(?:[\w.-]{1,64}@)?$/i;
/** Ends of sentences and of files: `fine.it`, `setup.py`. Without scheme, www or path they are no host. */
const words = new Set(
  'it is in at be no so to am as me my us do py md sh rs pl cc ps so ml ai id or new now one how you zip mov bar car art'.split(' '),
);

/**
 * Differs from Presidio, whose URLs may stand in an e-mail address, begin `setup.py` or `fine.it`, and hold the quotes around them.
 * @param dot between two characters of words
 * @returns end: where to look on, whether or not a URL was found
 */
export function findUrl(text: string, dot: number): { readonly found: Found | null; readonly end: number } {
  let start = dot;
  while (start > 0 && dot - start < longestHost && isHost(text.charCodeAt(start - 1))) start -= 1;
  let end = dot + 1;
  while (end < text.length && end - start < longestHost && isHost(text.charCodeAt(end))) end += 1;
  while (!isAlphanumeric(text.charCodeAt(end - 1))) end -= 1;
  while (start < dot && !isAlphanumeric(text.charCodeAt(start))) start += 1;
  const host = text.slice(start, end);
  const top = host.slice(host.lastIndexOf('.') + 1);
  const none = { found: null, end };
  if (start >= dot || text.charCodeAt(end) === 0x40 || !topLevelDomains.has(top.toLowerCase())) return none;
  if (isWordUnit(text.charCodeAt(end)) || isWordUnit(text.charCodeAt(start - 1))) return none;
  const scheme = schemes.exec(text.slice(Math.max(0, start - 80), start))?.[0] ?? '';
  if (scheme === '' && text.charCodeAt(start - 1) === 0x40) return none;
  pathForm.lastIndex = end;
  const path = pathForm.exec(text)?.[0].replace(/[.,;:!?]+$/, '') ?? '';
  if (scheme === '' && !standsAlone(host, top, path)) return none;
  const found = { entity: 'URL', start: start - scheme.length, end: end + path.length, score: scheme === '' ? 0.5 : 0.6 };
  return { found, end: found.end };
}

/** A host that is one without http:// before it. */
function standsAlone(host: string, top: string, path: string): boolean {
  if (/^www\d{0,3}\./i.test(host)) return true;
  const oneCase = host === host.toLowerCase() || host === host.toUpperCase();
  const named = !words.has(top.toLowerCase()) && /[a-z0-9-]{2,}\.[a-z]+$/i.test(host);
  return (oneCase || top === top.toLowerCase()) && (named || path.startsWith('/'));
}

function isAlphanumeric(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
}

function isHost(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 0x2e || unit === 0x2d;
}

const octet = '(?:25[0-5]|2[0-4]\\d|[01]?\\d\\d?)';
const ipv4 = new RegExp(String.raw`(?:${octet}\.){3}${octet}(?:/(?:[0-2]?\d|3[0-2])(?!\d))?(?!\w)`, 'y');
const ipv6 = /[0-9a-f:.]{2,45}(?:%[0-9a-z]{1,32})?(?:\/(?:12[0-8]|1[01]\d|[1-9]?\d)(?!\d))?/iy;

/** @param start where a word of digits begins */
export function findIpv4(text: string, start: number): Found | null {
  ipv4.lastIndex = start;
  const found = ipv4.exec(text)?.[0];
  const numbers = found?.replace(/\/.*$/, '').split('.') ?? [];
  // a leading zero is none in an address, and a version (of a product) has no sign by which it could be told
  if (found === undefined || numbers.some((number) => number.length > 1 && number.startsWith('0'))) return null;
  return { entity: 'IP_ADDRESS', start, end: start + found.length, score: 0.6 };
}

/** @param start where a word of hexadecimal digits, or `::`, begins */
export function findIpv6(text: string, start: number): Found | null {
  const before = text.charCodeAt(start - 1);
  if (before === 0x3a || isWordUnit(before)) return null;
  ipv6.lastIndex = start;
  const [found = ''] = ipv6.exec(text) ?? [];
  const address = found.replace(/\/\d+$/, '');
  const trimmed = address.endsWith('.') || (address.endsWith(':') && !address.endsWith('::')) ? address.replace(/[.:]$/, '') : address;
  const end = start + (trimmed === address ? found.length : trimmed.length);
  const next = text.charCodeAt(end);
  if (!isIPv6(trimmed) || isWordUnit(next) || (next === 0x3a && trimmed === address)) return null;
  return { entity: 'IP_ADDRESS', start, end, score: trimmed === '::' ? 0.1 : 0.6 };
}
