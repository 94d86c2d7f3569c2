/** Where the time of a turn went: each step from the moment it could begin, plotted (static/vendor) and as figures. */

import { filled, gettext } from "../../chat/words.js";
import { colour, onTheme } from "../wave.js";

const LIBRARY = new URL("../../../vendor/chart/chart.umd.min.js", import.meta.url);
const STEPS = [
  ["endpoint_ms", gettext("End of turn found"), []],
  ["transcript_ms", gettext("Words understood"), []],
  ["first_token_ms", gettext("First word written"), ["transcript_ms"]],
  ["first_sentence_ms", gettext("First sentence written"), ["first_token_ms"]],
  ["first_audio_ms", gettext("First sound sent"), ["first_sentence_ms", "endpoint_ms"]],
];

/** @returns {Promise<?Function>} null where it was not installed: the figures stand alone */
async function library() {
  try {
    await import(LIBRARY);
    return globalThis.Chart ?? null;
  } catch {
    return null;
  }
}

export class Waterfall {
  /** @param {HTMLElement} place @param {Record<string, Record<string, number>>} waterfalls steps by turn */
  constructor(place, waterfalls) {
    this.place = place;
    this.waterfalls = waterfalls;
    onTheme(() => this.plot());
  }

  show(turn) {
    const steps = this.waterfalls[turn];
    this.place.hidden = steps === undefined;
    if (steps === undefined) return;
    this.rows = rowsOf(steps);
    document.getElementById("waterfall-title").textContent = filled(gettext("How turn %(number)s was answered"), { number: turn });
    document.getElementById("waterfall-rows").replaceChildren(...this.rows.map(tableRow));
    this.plot();
  }

  async plot() {
    if (!this.rows) return;
    const Chart = await library();
    this.place.querySelector(".waterfall-plot").hidden = Chart === null;
    if (Chart === null) return;
    this.chart?.destroy();
    this.chart = new Chart(document.getElementById("waterfall-plot"), options(this.rows));
  }
}

/** Steps overlap: the silence is still being waited out while the transcript is made. */
function rowsOf(steps) {
  return STEPS.filter(([key]) => steps[key] !== undefined).map(([key, name, after]) => {
    const end = steps[key];
    const begin = Math.max(0, ...after.map((other) => steps[other] ?? 0));
    return { name, begin: Math.min(begin, end), end, last: key === "first_audio_ms" };
  });
}

function tableRow({ name, end }) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const cell = document.createElement("td");
  cell.textContent = filled(gettext("%(figure)s ms"), { figure: Math.round(end) });
  row.append(head, cell);
  return row;
}

function options(rows) {
  const [ink, soft, grid] = [colour("--ink"), colour("--ink-soft"), colour("--line")];
  const [bar, last] = [colour("--wave"), colour("--accent")];
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
  return {
    type: "bar",
    data: {
      labels: rows.map(({ name }) => name),
      datasets: [
        {
          data: rows.map(({ begin, end }) => [begin, Math.max(end, begin + 1)]),
          backgroundColor: rows.map((row) => (row.last ? last : bar)),
          borderRadius: 3,
          borderSkipped: false,
          barPercentage: 0.7,
        },
      ],
    },
    options: {
      indexAxis: "y",
      animation: false,
      maintainAspectRatio: false,
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: ({ raw }) => `${Math.round(raw[1])} ms` } } },
      scales: {
        x: { min: Math.min(0, ...rows.map(({ begin }) => begin)), ticks: { color: soft, font }, grid: { color: grid } },
        y: { ticks: { color: ink, font }, grid: { display: false } },
      },
    },
  };
}
