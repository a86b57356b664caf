// What the reader's system says of movement.

/** Whether things should stay where they are: people may get dizzy, or cannot read what moves. */
export function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
