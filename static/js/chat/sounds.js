/** The sound of each line, kept in this page for hearing it again; the oldest goes when there is too much. */

const MOST_SAMPLES = 24_000 * 60 * 20; // 20 minutes, 58 MB

export class Sounds {
  constructor(most = MOST_SAMPLES) {
    this.most = most;
    this.total = 0;
    /** @type {Map<string, Int16Array[]>} in the order of arrival */
    this.lines = new Map();
  }

  /** @param {string} line @param {Int16Array} pcm the next piece of its sound */
  add(line, pcm) {
    if (pcm.length === 0) return;
    if (!this.lines.has(line)) this.lines.set(line, []);
    this.lines.get(line).push(pcm);
    this.total += pcm.length;
    for (const oldest of this.lines.keys()) {
      if (this.total <= this.most || oldest === line) break;
      this.drop(oldest);
    }
  }

  /** Keeps only the first samples: the rest was never heard. */
  cut(line, samples) {
    const kept = [];
    for (const piece of this.of(line)) {
      if (samples <= 0) break;
      kept.push(piece.subarray(0, samples));
      samples -= piece.length;
    }
    this.drop(line);
    for (const piece of kept) this.add(line, piece);
  }

  drop(line) {
    for (const piece of this.of(line)) this.total -= piece.length;
    this.lines.delete(line);
  }

  /** @returns {Int16Array[]} */
  of(line) {
    return this.lines.get(line) ?? [];
  }

  has(line) {
    return this.lines.has(line);
  }

  clear() {
    this.lines.clear();
    this.total = 0;
  }
}
