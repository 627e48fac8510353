/**
 * What a report holds at most; what is over is left out and counted in `shortened`. With 77 classes a report is about 70 kB of JSON
 * (10 kB as git packs it). When it would be over `bytes` nevertheless (hundreds of long labels), every count is halved until it is not.
 */
export const bounds = {
  /** of the whole report as canonical JSON */
  bytes: 160_000,
  /** broken and fixed cases, each */
  cases: 50,
  classes: 200,
  confusion: 100,
  /** of all data sets together */
  samples: 40,
  samplesOfOneDataSet: 20,
  columns: 6,
  /** of all data sets together */
  balance: 100,
  /** of all data sets together */
  schema: 50,
  /** of one data set */
  triggers: 20,
  dataSets: 50,
  params: 200,
  stages: 150,
  reasons: 4,
  changeReasons: 20,
  validations: 50,
  /** of all data sets together */
  brokenChecks: 60,
  brokenRows: 5,
  /** checks of data sets */
  findings: 50,
  /** of all of them together */
  findingKinds: 80,
  findingRows: 4,
  /** comparisons of data sets */
  drifts: 20,
  /** of all of them together */
  driftColumns: 30,
  driftValues: 8,
  curves: 6,
  series: 4,
  curvePoints: 60,
  measured: 40,
  warnings: 20,
  checks: 40,
  labelsOfOneCheck: 20,
} as const;

/** UTF-16 code units */
export const lengths = {
  /** a case's input, a row's value */
  text: 300,
  /** a label, a key, a name */
  label: 120,
  /** one sentence: a gate's why, a warning */
  sentence: 500,
} as const;

export type Bounds = { readonly [Name in keyof typeof bounds]: number };

/** The bounds with every count divided, at least one. */
export function boundsDividedBy(divisor: number): Bounds {
  const share = (value: number): number => Math.max(1, Math.floor(value / divisor));
  return { ...(Object.fromEntries(Object.entries(bounds).map(([name, value]) => [name, share(value)])) as Bounds), bytes: bounds.bytes };
}
