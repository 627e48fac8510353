// Where things stand in a project. Every path below is relative to its root, the folder of plumbline.yaml, with '/' between names.
export const files = {
  config: 'plumbline.yaml',
  lock: 'datasets.lock',
  pipeline: 'pipeline.yaml',
  params: 'params.yaml',
  policy: 'policy.yaml',
  models: 'models',
  /** outputs of built-in steps: out/<stage>/<file>; ignored by git */
  out: 'out',
  /** all that is of this machine only: cache, stat index, mutex, logs; ignored by git */
  local: '.plumb',
} as const;
