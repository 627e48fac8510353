export { renderHtml } from './html.ts';
export { renderFailure, type Failure } from './failure.ts';
export { renderMarkdown } from './markdown.ts';
export { renderText } from './text.ts';
