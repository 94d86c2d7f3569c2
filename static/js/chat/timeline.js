/**
 * Which sentence of an answer is heard now: the text of each stretch and where in the answer's sound it begins.
 *
 * The server says it per sentence (`avatar.sentence`). Without that, a stretch of transcript is taken to begin where
 * the sound ended that had arrived before it.
 */
export class Timeline {
  /** @type {{text: string, startMs: number}[]} */
  sentences = [];
  exact = false;

  /** @param {string} text a piece of transcript @param {number} arrivedMs the answer's sound received so far */
  addDelta(text, arrivedMs) {
    if (this.exact) return;
    const last = this.sentences.at(-1);
    if (last && last.startMs >= arrivedMs) last.text += text;
    else this.sentences.push({ text, startMs: last ? arrivedMs : 0 });
  }

  /**
   * One that is said again (its voice was taken back, or broke off) begins anew there, and those after it are still to
   * come.
   * @param {string} text a whole sentence @param {number} startMs @param {number} [index] its number in the answer
   */
  addSentence(text, startMs, index = this.exact ? this.sentences.length : 0) {
    if (!this.exact) this.sentences = [];
    this.exact = true;
    for (const later of this.sentences.slice(index)) later.startMs = Infinity;
    this.sentences[Math.min(index, this.sentences.length)] = { text, startMs };
  }

  /** The complete text, when the pieces do not add up to it. */
  settle(text) {
    if (squeezed(this.text) === squeezed(text)) return;
    this.exact = false;
    this.sentences = text ? [{ text, startMs: 0 }] : [];
  }

  get text() {
    return this.sentences.map((sentence) => sentence.text).join("");
  }

  /** @param {number} ms played @returns {number} index of the sentence heard then, -1 before the first */
  at(ms) {
    return this.sentences.findLastIndex((sentence) => sentence.startMs <= ms);
  }

  /**
   * The stretches to show, the sentence that was cut split where it was cut.
   * @param {number|null} cutMs @param {number} soundMs the length of the sound received
   * @returns {{text: string, heard: boolean, sentence: number}[]}
   */
  parts(cutMs, soundMs) {
    const cut = cutMs === null ? Infinity : this.at(cutMs);
    return this.sentences.flatMap(({ text, startMs }, sentence) => {
      if (sentence !== cut) return [{ text, heard: sentence < cut, sentence }];
      const endMs = Math.min(this.sentences[sentence + 1]?.startMs ?? soundMs, Math.max(soundMs, startMs));
      const at = wordBoundary(text, Math.min(1, (cutMs - startMs) / Math.max(1, endMs - startMs)));
      const halves = [
        { text: text.slice(0, at), heard: true, sentence },
        { text: text.slice(at), heard: false, sentence },
      ];
      return halves.filter((half) => half.text);
    });
  }
}

const squeezed = (text) => text.replace(/\s+/g, "");

/** The end of the word that lies at that share of the text; Chinese is cut between characters. */
function wordBoundary(text, share) {
  const at = Math.round(text.length * share);
  const rest = text.slice(at).search(/[\s\u3000-\u9fff\uff00-\uffef]/);
  return rest < 0 ? text.length : at + rest;
}
