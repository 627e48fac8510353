/** What one client, or all of them, may ask for. Bytes, milliseconds, counts. */
export interface Limits {
  /** body of one request */
  readonly bodyBytes: number;
  /** texts in one request */
  readonly texts: number;
  /** UTF-16 code units of one text */
  readonly textLength: number;
  /** predictions that run or wait at once; the next one is told to come back */
  readonly inFlight: number;
  /** open connections; the next one is closed */
  readonly connections: number;
  /** until the head of a request is there */
  readonly headersMs: number;
  /** until all of a request is there: whoever sends a byte a second is cut off */
  readonly requestMs: number;
  /** without a byte in either direction inside a request or answer */
  readonly idleMs: number;
  /** between two requests of one connection; longer than what load balancers wait (60 s), so that they close first and lose none */
  readonly keepAliveMs: number;
  /** for one prediction request, from its last byte to its answer */
  readonly predictMs: number;
  /** for what runs when the server is told to stop */
  readonly drainMs: number;
}

export const defaultLimits: Limits = {
  bodyBytes: 1 << 20,
  texts: 1000,
  textLength: 20_000,
  inFlight: 256,
  connections: 2000,
  headersMs: 5000,
  requestMs: 10_000,
  idleMs: 30_000,
  keepAliveMs: 72_000,
  predictMs: 10_000,
  drainMs: 10_000,
};
