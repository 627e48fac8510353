import type { PlumbError } from '../base/errors.ts';
import type { Predictor } from '../train/predictor.ts';
import type { NamedModel } from './pointers.ts';

/** An opened model and how many requests are in it. */
export class Loaded {
  /** as it was named last */
  model: NamedModel;
  readonly predictor: Predictor;
  #users = 0;
  #retired = false;
  #forbidden: PlumbError | null = null;
  #closing: Promise<void> | null = null;
  readonly #idle = Promise.withResolvers<void>();

  constructor(model: NamedModel, predictor: Predictor) {
    this.model = model;
    this.predictor = predictor;
  }

  /** @throws PlumbError MODEL_REVOKED where that was learned while the work was done: its answer is not given */
  async use<T>(work: (predictor: Predictor) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      const answer = await work(this.predictor);
      if (this.#forbidden !== null) throw this.#forbidden;
      return answer;
    } finally {
      this.#users -= 1;
      if (this.#retired && this.#users === 0) this.#idle.resolve();
    }
  }

  /** Closes the model when the last request in it has ended. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#users === 0) this.#idle.resolve();
    this.#closing ??= this.#idle.promise.then(() => this.predictor.close());
    await this.#closing;
  }

  /** The same, and what is asked of it now gets no answer. */
  async forbid(error: PlumbError): Promise<void> {
    this.#forbidden = error;
    await this.retire();
  }
}
