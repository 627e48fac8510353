export { buildReport, type DataPart, type ReportParts, type SampleRow } from './build.ts';
export { renderHtml } from './html.ts';
export { renderMarkdown, type MarkdownOptions } from './markdown.ts';
export { reportSchema, type Report } from './schema.ts';
export { renderText, type TextOptions, type TextPaint } from './text.ts';
