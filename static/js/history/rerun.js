/** A re-run's page: what the server works on is asked for until it is done. */

import { follow } from "../voices/following.js";

for (const element of document.querySelectorAll("[data-follows]")) void follow(element);
