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
  #lanes = []; // the last comment of each
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
    this.#lanes = [];
  }

  #drain() {
    while (this.#waiting.length && this.#freeLane() >= 0) {
      this.#fly(this.#waiting.shift(), this.#freeLane());
    }
    if (!this.#waiting.length || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#drain();
    }, 100);
  }

  #freeLane() {
    const lanes = Math.max(1, Math.floor(this.#layer.clientHeight / LANE_HEIGHT));
    for (let lane = 0; lane < lanes; lane++) {
      if (this.#isFree(lane)) return lane;
    }
    return -1;
  }

  /** A slow machine shows a comment later than it was told to, so its own time counts, not the clock's. */
  #isFree(lane) {
    if (!(lane in this.#lanes)) return true;
    const { animation, laneFor } = this.#lanes[lane];
    return animation.playState === "finished" || animation.currentTime >= laneFor;
  }

  #fly({ text, color }, lane) {
    const element = document.createElement("span");
    element.className = `flying ${color}`;
    element.textContent = text;
    element.style.top = `${lane * LANE_HEIGHT}px`;
    this.#layer.append(element);
    const { places, duration, laneFor } = prefersStillness() ? this.#standing(element) : this.#flight(element);
    const frames = places.map((left) => ({ transform: `translateX(${left}px)` }));
    const animation = element.animate(frames, { duration });
    animation.onfinish = () => element.remove();
    this.#lanes[lane] = { animation, laneFor };
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
