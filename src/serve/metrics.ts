// What a running server counts. Label values are route patterns, names of served models and codes: a client cannot invent new ones.
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SlotState } from './host.ts';
import type { FollowState } from './readiness.ts';

export interface ServeMetrics {
  readonly registry: Registry;
  readonly requests: Counter<'route' | 'model' | 'status'>;
  readonly seconds: Histogram<'route'>;
  readonly texts: Counter<'model'>;
  readonly inFlight: Gauge;
  readonly errors: Counter<'code'>;
  readonly swaps: Counter<'model' | 'from'>;
  readonly swapSeconds: Histogram;
  /** Told at every look at the ref that succeeded, whether it moved or not. */
  readonly lookedAt: Gauge;
}

/** @param state what is true at the moment of a scrape */
export async function createMetrics(state: () => { slots: readonly SlotState[]; follow: FollowState; ready: boolean }): Promise<ServeMetrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void =>
    void new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect(this);
      },
    });
  gauge('plumb_serve_ready', '1 when /readyz answers 200', [], (metric) => metric.set(state().ready ? 1 : 0));
  gauge('plumb_model_info', 'the model that answers', ['model', 'stage', 'digest'], (metric) => {
    for (const { answering } of state().slots) {
      if (answering !== null) metric.set({ model: answering.name, stage: answering.stage, digest: answering.digest }, 1);
    }
  });
  gauge('plumb_model_since_seconds', 'Unix time at which the answering model took over here', ['model'], (metric) => {
    for (const slot of state().slots) if (slot.since !== null) metric.set({ model: slot.name }, slot.since.getTime() / 1000);
  });
  gauge('plumb_model_degraded', '1 when what answers is not what the pointer wants', ['model', 'code'], (metric) => {
    for (const slot of state().slots) if (slot.trouble !== null) metric.set({ model: slot.name, code: slot.trouble.code }, 1);
  });
  gauge('plumb_follow_trouble', '1 when the followed ref cannot be read', [], (metric) => metric.set(state().follow.trouble === null ? 0 : 1));
  gauge('plumb_log_trouble', '1 when the log of decisions is not believed, and what is served stays as it is', [], (metric) =>
    metric.set(state().follow.log?.trouble ? 1 : 0),
  );
  gauge('plumb_log_records', 'records of the log of decisions that are believed', [], (metric) => metric.set(state().follow.log?.records ?? 0));
  gauge('plumb_origin_trouble', '1 when origin cannot be asked', [], (metric) => metric.set(state().follow.origin ? 1 : 0));
  return {
    registry,
    requests: new Counter({ name: 'plumb_requests_total', help: 'requests answered', labelNames: ['route', 'model', 'status'], registers }),
    seconds: new Histogram({
      name: 'plumb_request_seconds',
      help: 'from the head of a request to the end of its answer',
      labelNames: ['route'],
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    texts: new Counter({ name: 'plumb_texts_total', help: 'texts predicted', labelNames: ['model'], registers }),
    inFlight: new Gauge({ name: 'plumb_predictions_in_flight', help: 'prediction requests that run or wait', registers }),
    errors: new Counter({ name: 'plumb_errors_total', help: 'errors by code, of requests and of following', labelNames: ['code'], registers }),
    swaps: new Counter({ name: 'plumb_swaps_total', help: 'models swapped; from = cold or warm', labelNames: ['model', 'from'], registers }),
    swapSeconds: new Histogram({
      name: 'plumb_swap_seconds',
      help: 'follow lag: from noticing that the ref moved to the new model answering',
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
      registers,
    }),
    lookedAt: new Gauge({ name: 'plumb_followed_at_seconds', help: 'Unix time at which the ref was last looked at with success', registers }),
  };
}
