/** Shows a notice, or none; its buttons tell the page what was chosen. Events: `action` {detail: name}. */

import { ACTIONS } from "./notices.js";

export class NoticeView extends EventTarget {
  name = "";

  constructor(byId, announce) {
    super();
    this.byId = byId;
    this.announce = announce;
  }

  /** @param {ReturnType<typeof import("./notices.js").noticeOf>} notice */
  draw(notice) {
    const { byId } = this;
    byId("notice").hidden = notice === null;
    if (notice === null) {
      this.name = "";
      return;
    }
    byId("notice-title").textContent = notice.title;
    byId("notice-advice").textContent = notice.advice;
    this.drawProgress(notice.progress);
    if (notice.name === this.name) return;
    this.name = notice.name;
    byId("notice").dataset.notice = notice.name;
    byId("notice-actions").replaceChildren(...notice.actions.map((action) => this.button(action)));
    this.announce(`${notice.title}. ${notice.advice}`);
  }

  drawProgress(progress) {
    const bar = this.byId("notice-progress");
    bar.hidden = progress === undefined;
    if (typeof progress === "number") bar.value = progress;
    else bar.removeAttribute("value");
  }

  button(action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = ACTIONS[action];
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("action", { detail: action })));
    return button;
  }
}
