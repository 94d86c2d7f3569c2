/** The pages of voices: what records, counts down, or follows the server's work. */

import { countDown } from "./countdown.js";
import { follow } from "./following.js";
import { RecordForm } from "./record_form.js";

for (const form of document.querySelectorAll("form[data-longest-s]")) new RecordForm(form);
for (const element of document.querySelectorAll("[data-ends-in-s]")) countDown(element);
for (const element of document.querySelectorAll("[data-follows]")) void follow(element);
