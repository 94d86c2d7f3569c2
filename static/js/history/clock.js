/** Times as people read them. */

/**
 * @param {number} ms
 * @param {number} [places] of a second
 * @returns {string} 1:05, 1:02:03, or with two places 1:05.20
 */
export function clock(ms, places = 0) {
  const unit = 10 ** places;
  const all = Math.max(0, Math.floor((ms * unit) / 1000));
  const whole = Math.floor(all / unit);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  const rest = places > 0 ? `.${String(all % unit).padStart(places, "0")}` : "";
  return (hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`) + rest;
}
