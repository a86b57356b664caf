// Plays the show on a canvas. What is shown depends on the clock alone: all viewers see the same.

import { drawScene } from "./scene.js";

const FRAME_TIME = 1000 / 30;

export class Player {
  playing = false;
  #canvas;
  #lastFrame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  start() {
    this.playing = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  toggle() {
    if (this.playing) this.playing = false;
    else this.start();
  }

  #frame(now) {
    if (!this.playing) return;
    if (now - this.#lastFrame >= FRAME_TIME - 2) {
      this.#lastFrame = now;
      this.#draw();
    }
    requestAnimationFrame((next) => this.#frame(next));
  }

  #draw() {
    drawScene(this.#canvas.getContext("2d"), Date.now() / 1000);
  }

  #fit() {
    const density = Math.min(2, devicePixelRatio);
    this.#canvas.width = Math.round(this.#canvas.clientWidth * density);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * density);
    this.#draw();
  }
}
