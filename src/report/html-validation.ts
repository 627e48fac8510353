// What the rules say of the data, in the HTML report.
import { count, counted } from './figures.ts';
import { markup, type Markup } from './html-text.ts';
import type { Report, ValidationPart } from './schema.ts';

export function validationSection(report: Report): Markup | null {
  const parts = report.validation ?? [];
  if (parts.length === 0) return null;
  return markup`${summaryTable(parts)}${parts.map(brokenTable)}`;
}

const words = { holds: ['good', '✓ holds'], broken: ['bad', '✗ broken'], 'not looked at': ['mixed', '! not looked at'] } as const;

function summaryTable(parts: readonly ValidationPart[]): Markup {
  const rows = parts.map((part) => {
    const [tone, word] = words[part.state];
    const found = [
      ...(part.errors > 0 ? [counted(part.errors, 'broken rule')] : []),
      ...(part.warnings > 0 ? [counted(part.warnings, 'warning')] : []),
      ...(part.note === undefined ? [] : [part.note]),
    ];
    return markup`<tr><td class="word ${tone}">${word}</td><th scope="row"><code>${part.dataset}</code></th><td><code>${part.rules}</code></td><td class="n" data-name="rows">${part.rows === 0 ? '' : count(part.rows)}</td><td>${found.join('; ')}</td></tr>`;
  });
  return markup`<table class="stack line"><caption>Rows against their rules</caption><thead><tr><th scope="col">Answer</th><th scope="col">Data set</th><th scope="col">Rules</th><th scope="col" class="n">Rows</th><th scope="col">Found</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function brokenTable(part: ValidationPart): Markup | null {
  if (part.checks.length === 0) return null;
  const rows = part.checks.map((check) => {
    const examples = check.rows.map((row) => markup`<p class="row"><b>${row.key}</b><span class="cell">${row.value}</span></p>`);
    const [tone, icon] = check.severity === 'error' ? ['bad', '✗ broken'] : ['mixed', '! warning'];
    return markup`<tr><td class="word ${tone}">${icon}</td><th scope="row" data-name="">${check.rule === 0 ? '' : `rule ${check.rule}: `}${check.what}</th><td class="n" data-name="rows">${check.failing === 0 ? '' : count(check.failing)}</td><td>${examples}</td></tr>`;
  });
  return markup`<h3>Rules that ${part.dataset} breaks</h3><table class="stack"><caption>${part.rules}, the first rows of each</caption><thead><tr><th scope="col">Answer</th><th scope="col">Rule</th><th scope="col" class="n">Rows</th><th scope="col">For example</th></tr></thead><tbody>${rows}</tbody></table>`;
}
