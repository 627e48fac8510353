// The policy of a page of ours: what stands in it may run, and nothing else, so that not even a hole in the escaping could run or load anything.
import { createHash } from 'node:crypto';

/** A script or style sheet, as a policy names it: by its bytes. Source: W3C CSP Level 3 */
export function sourceOfText(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * Content-Security-Policy of a page with a script: that one, its style sheet, requests to its own server.
 * @param more directives of this page alone
 */
export function contentPolicy(page: { readonly script: string; readonly style: string; readonly more?: readonly string[] }): string {
  return [
    "default-src 'none'",
    `script-src ${sourceOfText(page.script)}`,
    `style-src ${sourceOfText(page.style)}`,
    "connect-src 'self'",
    ...(page.more ?? []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
