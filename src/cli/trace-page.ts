// A trace as one HTML file with a picture: from the source on the left to the promoted models on the right. No script, nothing from elsewhere.
import { shortDigest } from '../base/digest.ts';
import { cut, visible } from '../report/visible.ts';
import type { Trace } from '../lineage/trace.ts';

interface Box {
  readonly title: string;
  readonly lines: readonly string[];
  readonly doubtful: boolean;
}

const [boxWidth, lineHeight, gap, columnGap, margin] = [230, 16, 14, 60, 20];
/** More of one column are counted, not drawn. */
const mostBoxes = 12;

export function traceHtml(trace: Trace): string {
  const svg = picture(columnsOf(trace));
  const title = trace.found === null ? shortDigest(trace.row) : `${trace.found.data}: ${trace.found.key}`;
  const notes = trace.unknown.map((note) => `<li>${escape(note)}</li>`).join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>body{font:14px system-ui,sans-serif;margin:2rem;color:#1b1f24;background:#fff}svg{max-width:100%;height:auto}code{font-size:12px}</style></head>
<body><h1>${escape(title)}</h1><p><code>${escape(trace.row)}</code></p>
${svg}
${notes === '' ? '' : `<h2>Not known</h2><ul>${notes}</ul>`}
</body></html>
`;
}

function columnsOf(trace: Trace): readonly { readonly name: string; readonly boxes: readonly Box[] }[] {
  const sources = trace.provenance.flatMap(({ sources: all, reviewed, data }) =>
    all.map(({ source, document, licence }) => ({
      title: source,
      lines: [...(document === undefined ? [] : [document]), `licence: ${licence ?? 'none'}`, `review: ${reviewed ?? 'none'}`, data],
      doubtful: false,
    })),
  );
  const versions = trace.versions.map(({ data, digest, commit, current }) => ({
    title: data,
    lines: [
      shortDigest(digest),
      commit === null ? 'not committed' : `since ${commit.date.toISOString().slice(0, 10)}`,
      ...(current ? ['in the work tree'] : []),
    ],
    doubtful: false,
  }));
  const runs = trace.runs.map(({ run, record, certainty }) => ({
    title: record.stage,
    lines: [shortDigest(run), record.started.slice(0, 10), ...(certainty === 'perhaps' ? ['perhaps'] : [])],
    doubtful: certainty === 'perhaps',
  }));
  const models = trace.models.map(({ model, artifact, use, promotions, certainty, served }) => ({
    title: model,
    lines: [
      `${use}${certainty === 'perhaps' ? ', perhaps' : ''}: ${shortDigest(artifact)}`,
      ...promotions.slice(0, 3).map(({ stage, date }) => `${stage} ${date.toISOString().slice(0, 10)}`),
      ...served.map(({ stage }) => `served in ${stage}`),
    ],
    doubtful: certainty === 'perhaps',
  }));
  return [
    { name: 'source', boxes: sources },
    { name: 'data', boxes: versions },
    { name: 'runs', boxes: runs },
    { name: 'models', boxes: models },
  ];
}

function picture(columns: ReturnType<typeof columnsOf>): string {
  const placed = columns.map(({ name, boxes }, column) => {
    let top = margin + 24;
    const shown = boxes.slice(0, mostBoxes).map((box) => {
      const height = lineHeight * (box.lines.length + 1) + 12;
      const place = { box, x: margin + column * (boxWidth + columnGap), y: top, height };
      top += height + gap;
      return place;
    });
    return { name, shown, more: boxes.length - shown.length, bottom: top, x: margin + column * (boxWidth + columnGap) };
  });
  const height = Math.max(...placed.map(({ bottom }) => bottom)) + margin;
  const width = margin * 2 + columns.length * boxWidth + (columns.length - 1) * columnGap;
  const filled = placed.filter(({ shown }) => shown.length > 0);
  const arrows = filled.slice(1).flatMap(({ shown }, at) => {
    const before = filled[at]?.shown ?? [];
    return before.flatMap((from) => shown.map((to) => curve(from, to)));
  });
  const boxes = placed.flatMap(({ name, shown, more, x, bottom }) => [
    `<text x="${x}" y="${margin + 8}" font-weight="600">${name}</text>`,
    ...shown.map(boxSvg),
    ...(more > 0 ? [`<text x="${x}" y="${bottom}">and ${more} more</text>`] : []),
  ]);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="from source to model" font-family="system-ui,sans-serif" font-size="12">${arrows.join('')}${boxes.join('')}</svg>`;
}

interface Placed {
  readonly box: Box;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

function curve(from: Placed, to: Placed): string {
  const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + from.height / 2, to.x, to.y + to.height / 2];
  const middle = (x1 + x2) / 2;
  return `<path d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}" fill="none" stroke="#afb8c1"${to.box.doubtful ? ' stroke-dasharray="4 3"' : ''}/>`;
}

function boxSvg({ box, x, y, height }: Placed): string {
  const lines = box.lines.map(
    (line, at) => `<text x="${x + 10}" y="${y + 18 + lineHeight * (at + 1)}" fill="#57606a">${escape(cut(visible(line), 36))}</text>`,
  );
  return `<rect x="${x}" y="${y}" width="${boxWidth}" height="${height}" rx="6" fill="#f6f8fa" stroke="#afb8c1"${box.doubtful ? ' stroke-dasharray="4 3"' : ''}/><text x="${x + 10}" y="${y + 18}" font-weight="600">${escape(cut(visible(box.title), 32))}</text>${lines.join('')}`;
}

function escape(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
