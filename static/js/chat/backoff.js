/** How long to wait before the next try to connect: doubling, bounded, and spread so that pages do not come in step. */

const FIRST_MS = 500;
const MOST_MS = 30_000;

export class Backoff {
  constructor(random = Math.random) {
    this.random = random;
    this.tries = 0;
  }

  /** @returns {number} milliseconds; the first is the shortest */
  next() {
    const bound = Math.min(MOST_MS, FIRST_MS * 2 ** this.tries++);
    return bound / 2 + (this.random() * bound) / 2;
  }

  reset() {
    this.tries = 0;
  }
}
