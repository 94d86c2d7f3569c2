/** The message box: Enter sends, Shift+Enter begins a line, an input method's Enter only ends its composition. */

export class Compose extends EventTarget {
  constructor(form, field) {
    super();
    this.field = field;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    field.addEventListener("input", () => this.fit());
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
  }

  send() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.fit();
    this.dispatchEvent(new CustomEvent("message", { detail: text }));
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
