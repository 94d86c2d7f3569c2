// What comes out of the page's loudspeaker, measured: every node that is connected to a destination is tapped too.
globalThis.heard = [];
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
{
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const tap = new AnalyserNode(this.context, { fftSize: 1024 });
      const samples = new Float32Array(tap.fftSize);
      connect.call(this, tap);
      let last = performance.now();
      setInterval(() => {
        tap.getFloatTimeDomainData(samples);
        const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
        const at = performance.now();
        heard.push({ at, rms, ms: at - last });
        last = at;
      }, 20);
    }
    return connect.call(this, target, ...rest);
  };
}
// Every state that the page has been in: some last a moment only.
globalThis.states = [];
addEventListener("DOMContentLoaded", () => {
  const status = document.getElementById("status");
  if (status === null) return;
  new MutationObserver(() => states.push(status.dataset.state)).observe(status, { attributeFilter: ["data-state"] });
});
