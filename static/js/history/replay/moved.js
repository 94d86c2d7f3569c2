/** The same moment on two lines of time of one conversation, with pauses and without. */

/**
 * @param {number} ms a moment on the line `from`
 * @returns {number} the same on the line `to`
 */
export function moved(ms, from, to) {
  const pairs = [[0, 0]];
  from.utterances.forEach((old, index) => {
    const now = to.utterances[index];
    pairs.push([old.start_ms, now.start_ms], [old.end_ms, now.end_ms]);
  });
  pairs.sort(([a, x], [b, y]) => a - b || x - y);
  const next = pairs.findIndex(([old]) => old > ms);
  const [old, now] = pairs[(next < 0 ? pairs.length : next) - 1];
  const end = next < 0 ? to.duration_ms : pairs[next][1];
  return Math.min(now + (ms - old), Math.max(end, now));
}
