/** The replay page: a deck that plays the conversation as it was heard, and a transcript that follows it. */

import { Deck } from "./deck.js";
import { Follower } from "./follower.js";
import { listenToKeys } from "./keys.js";
import { Waterfall } from "./waterfall.js";

const { urls, waterfalls } = JSON.parse(document.getElementById("replay-data").textContent);
const deck = new Deck(urls);
const follower = new Follower(document.getElementById("turns"), deck);
const waterfall = new Waterfall(document.getElementById("waterfall"), waterfalls);

follower.addEventListener("turn", ({ detail }) => waterfall.show(detail.turn));
listenToKeys(deck, follower);
deck.load();
