import { sourceOfText } from '../base/content-policy.ts';
import { Markup, markup } from './html-text.ts';

/**
 * The beginning of a page of ours, up to `<body>`. Its policy allows this style sheet by digest and nothing else, so not even a hole in the escaping could run or
 * load anything.
 */
export function htmlHead(title: string, sheet: string): Markup {
  const policy = `default-src 'none'; style-src ${sourceOfText(sheet)}; base-uri 'none'; form-action 'none'`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(sheet)}</style>
</head>
<body>`;
}
