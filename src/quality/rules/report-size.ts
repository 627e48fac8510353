// How much of the rows that break a check is shown.

/** by key */
export const keysKept = 1000;
/** with their values */
export const samplesKept = 10;
