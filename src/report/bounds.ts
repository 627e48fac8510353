/**
 * What a report holds at most; what is over is left out and counted in `shortened`. With 77 classes a report is about 100 kB
 * (10 kB as git packs it); with everything at its bound it stays under 2 MB. Texts in UTF-16 code units.
 */
export const bounds = {
  cases: 50,
  classes: 200,
  confusion: 100,
  samples: 40,
  samplesOfOneDataSet: 20,
  columns: 8,
  balance: 100,
  schema: 50,
  dataSets: 50,
  params: 200,
  stages: 200,
  reasons: 5,
  curves: 8,
  series: 6,
  curvePoints: 100,
  warnings: 20,
  checks: 50,
  /** a case's input, a row's value */
  text: 300,
  /** a label, a key, a reason's part */
  label: 120,
  /** one sentence: a gate's why, a warning */
  sentence: 500,
} as const;
