// Comments that fly from right to left in lanes. All have one speed, so none runs into another; when
// more come than lanes can take, they wait, and when too many wait, the oldest are dropped: with
// thousands of writers nobody can read all, and the page must not grow.

import { prefersStillness } from "../js/motion.js";

const CROSSING = 7_000; // milliseconds a comment needs for the width of the stage
const LANE_HEIGHT = 44; // pixels
const GAP = 36; // pixels between two comments in a lane
const STANDING = 5_000; // milliseconds a comment stays where nothing shall move
const LONGEST_QUEUE = 100;

export class CommentLayer {
  #layer;
  #laneFreeAt = [];
  #waiting = [];
  #timer = null;

  constructor(layer) {
    this.#layer = layer;
  }

  /** Let a comment fly as soon as a lane is free. Hidden pages let it go. */
  show(comment) {
    if (document.hidden || this.#layer.hidden) return;
    this.#waiting.push(comment);
    if (this.#waiting.length > LONGEST_QUEUE) this.#waiting.shift();
    this.#drain();
  }

  clear() {
    this.#waiting = [];
    this.#layer.replaceChildren();
    this.#laneFreeAt = [];
  }

  #drain() {
    const now = performance.now();
    while (this.#waiting.length && this.#freeLane(now) >= 0) {
      this.#fly(this.#waiting.shift(), this.#freeLane(now), now);
    }
    if (!this.#waiting.length || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#drain();
    }, 100);
  }

  #freeLane(now) {
    const lanes = Math.max(1, Math.floor(this.#layer.clientHeight / LANE_HEIGHT));
    for (let lane = 0; lane < lanes; lane++) {
      if ((this.#laneFreeAt[lane] ?? 0) <= now) return lane;
    }
    return -1;
  }

  #fly({ text, color }, lane, now) {
    const element = document.createElement("span");
    element.className = `flying ${color}`;
    element.textContent = text;
    element.style.top = `${lane * LANE_HEIGHT}px`;
    this.#layer.append(element);
    const { places, duration, laneFor } = prefersStillness() ? this.#standing(element) : this.#flight(element);
    this.#laneFreeAt[lane] = now + laneFor;
    const frames = places.map((left) => ({ transform: `translateX(${left}px)` }));
    element.animate(frames, { duration }).onfinish = () => element.remove();
  }

  /** Where a comment is, from its beginning to its end, and for how long it needs its lane. */
  #flight({ offsetWidth }) {
    const width = this.#layer.clientWidth;
    const speed = width / CROSSING;
    const laneFor = (offsetWidth + GAP) / speed;
    return { places: [width, -offsetWidth], duration: (width + offsetWidth) / speed, laneFor };
  }

  #standing({ offsetWidth }) {
    const middle = Math.max(0, (this.#layer.clientWidth - offsetWidth) / 2);
    return { places: [middle, middle], duration: STANDING, laneFor: STANDING };
  }
}
