// What is written about a function against what it is: parameters that are documented and not there, or there and not documented where others are, and a
// value that is promised and never given. Signals, no proofs: a pair whose words and code disagree teaches a model to disagree.
// Forms: Google, NumPy and Sphinx docstrings; @param and \param of JSDoc, Javadoc, Doxygen, PHPDoc, YARD.
import type { Fault } from './config.ts';
import type { CodeFunction } from './functions.ts';

interface Doc {
  readonly parameters: ReadonlySet<string>;
  readonly returns: boolean;
}

export function docFaults(functions: readonly CodeFunction[]): Fault[] {
  return functions.flatMap((one) => (one.doc === null ? [] : faultsOf(one, readDoc(one.doc.slice(0, 20_000)))));
}

function faultsOf({ name, parameters, returns, start, end }: CodeFunction, doc: Doc): Fault[] {
  const at = { start, end };
  const faults: Fault[] = [];
  const unknown = [...doc.parameters].filter((one) => !parameters.includes(one) && !/^(self|cls|this|_.*)$/.test(one));
  const missing = doc.parameters.size === 0 ? [] : parameters.filter((one) => !doc.parameters.has(one));
  if (unknown.length > 0)
    faults.push({ kind: 'doc-unknown-parameter', message: `${name}: its documentation names ${listed(unknown)}, which it does not take`, ...at });
  if (missing.length > 0) faults.push({ kind: 'doc-missing-parameter', message: `${name}: its documentation leaves out ${listed(missing)}`, ...at });
  if (doc.returns && returns === false)
    faults.push({ kind: 'doc-unknown-return', message: `${name}: its documentation promises a value, and it returns none`, ...at });
  if (doc.parameters.size > 0 && !doc.returns && returns === true)
    faults.push({ kind: 'doc-missing-return', message: `${name}: its documentation says nothing of what it returns`, ...at });
  return faults;
}

function listed(names: readonly string[]): string {
  return `${names
    .slice(0, 5)
    .map((name) => name.slice(0, 60))
    .join(', ')}${names.length > 5 ? ' and others' : ''}`;
}

export function readDoc(doc: string): Doc {
  const lines = doc.split('\n');
  const tags = readTags(lines);
  const sections = readSections(lines);
  return { parameters: new Set([...tags.parameters, ...sections.parameters]), returns: tags.returns || sections.returns };
}

const tagLine = /^[\s*/#!"']{0,40}[:@\\](?:param|arg|argument|parameter|keyword|key)(?:\[(?:in|out|in, ?out)\])?(?=[\s{])/;
const returnLine = /^[\s*/#!"']{0,40}[:@\\](?:returns?|result|yields?)\b(?!\s*:?\s*(?:\{?(?:void|None|null|undefined|Nothing)\b))/;

/** `@param {Type} name`, `@param Type $name`, `@param name`, `:param Type name:`, `@param name [Type]` */
function readTags(lines: readonly string[]): Doc {
  const parameters = new Set<string>();
  let returns = false;
  for (const line of lines) {
    const tag = tagLine.exec(line);
    if (tag !== null) {
      const name = nameOfTag(line.slice(tag[0].length).trim().slice(0, 300));
      if (name !== null) parameters.add(name);
    } else if (returnLine.test(line)) returns = true;
  }
  return { parameters, returns };
}

function nameOfTag(rest: string): string | null {
  const php = /\$([A-Za-z_]\w*)/.exec(rest);
  if (php !== null) return php[1] ?? null;
  const sphinx = /^([^:]{1,200}):(?:\s|$)/.exec(rest);
  if (sphinx !== null && !rest.startsWith('{')) return /\*{0,2}([A-Za-z_]\w*)$/.exec((sphinx[1] as string).trim())?.[1] ?? null;
  const plain = rest.startsWith('{') ? withoutType(rest) : rest;
  return /^[[*.]{0,3}([A-Za-z_]\w*)(?![\w.])/.exec(plain)?.[1] ?? null;
}

/** `{a{b}} name` */
function withoutType(rest: string): string {
  let depth = 0;
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === '{') depth += 1;
    if (rest[at] === '}') depth -= 1;
    if (depth === 0) return rest.slice(at + 1).trimStart();
  }
  return '';
}

const sectionHead =
  /^(\s*)(Args|Arguments|Parameters|Params|Keyword Args|Other Parameters|Returns|Return|Yields|Raises|Examples?|Notes?|Attributes|References|See Also)(:?)\s*$/;

/** Google: `Args:` and deeper lines `name (type): words`. NumPy: `Parameters`, dashes, lines `name : type`. */
function readSections(lines: readonly string[]): Doc {
  const parameters = new Set<string>();
  let returns = false;
  lines.forEach((line, at) => {
    const head = sectionHead.exec(line);
    if (head === null) return;
    const isNumpy = /^\s*-{3,}\s*$/.test(lines[at + 1] ?? '');
    if (!isNumpy && head[3] !== ':') return;
    const [margin, title] = [(head[1] as string).length, head[2] as string];
    const body = sectionBody(lines, at + (isNumpy ? 2 : 1), margin, isNumpy);
    if (/^(Returns?|Yields)$/.test(title)) returns ||= body.some((one) => one.trim() !== '' && !/^\s*None\b/.test(one));
    if (!/^(Args|Arguments|Param|Keyword|Other)/.test(title)) return;
    const depth = Math.min(...body.filter((one) => one.trim() !== '').map(indentOf));
    for (const one of body) if (indentOf(one) === depth) for (const name of namesOf(one.trim(), isNumpy)) parameters.add(name);
  });
  return { parameters, returns };
}

function sectionBody(lines: readonly string[], from: number, margin: number, isNumpy: boolean): string[] {
  const body: string[] = [];
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] as string;
    if (sectionHead.test(line) || /^\s*-{3,}\s*$/.test(lines[at + 1] ?? '')) break;
    if (line.trim() !== '' && (isNumpy ? indentOf(line) < margin : indentOf(line) <= margin)) break;
    body.push(line);
  }
  return body;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function namesOf(line: string, isNumpy: boolean): string[] {
  const head = isNumpy ? (line.split(/\s:|:\s/)[0] as string) : (/^(\*{0,2}\w+)\s*(?:\([^)]{0,200}\))?\s*:/.exec(line)?.[1] ?? '');
  return head.split(',').flatMap((name) => /^\s*\*{0,2}([A-Za-z_]\w*)\s*$/.exec(name)?.[1] ?? []);
}
