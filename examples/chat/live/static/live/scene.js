// The show: fireworks over a harbour at night. Each picture is a pure function of the time.

const HORIZON = 0.72; // of the height
const LAUNCH_EVERY = 0.65; // seconds
const RISE = 1.1;
const BURST = 2.2;
const SPARKS = 100;

const mirror = document.createElement("canvas");

/** A number in [0, 1) that is always the same for the same two numbers. */
function chance(seed, index) {
  const value = Math.sin(seed * 127.1 + index * 311.7) * 43758.5453;
  return value - Math.floor(value);
}

export function drawScene(context, time) {
  const { width, height } = context.canvas;
  if (!width || !height) return;
  const horizon = height * HORIZON;
  drawSky(context, width, horizon, time);
  drawHills(context, width, horizon, horizon * 0.42, 1, "#3a3370");
  drawFireworks(context, width, horizon, time);
  drawHills(context, width, horizon, horizon * 0.24, 4, "#242152");
  drawTown(context, width, horizon);
  drawWater(context, width, height, horizon, time);
}

function drawSky(context, width, horizon, time) {
  const sky = context.createLinearGradient(0, 0, 0, horizon);
  sky.addColorStop(0, "#070b1f");
  sky.addColorStop(0.6, "#1a2150");
  sky.addColorStop(1, "#56407f");
  context.fillStyle = sky;
  context.fillRect(0, 0, width, horizon);
  for (let star = 0; star < 110; star++) {
    const light = 0.35 + 0.35 * Math.sin(time * (0.5 + chance(star, 4) * 1.5) + star);
    context.fillStyle = `rgb(255 255 255 / ${light})`;
    const size = (0.6 + chance(star, 3)) * (width / 900);
    context.fillRect(chance(star, 1) * width, chance(star, 2) ** 1.6 * horizon, size, size);
  }
  drawMoon(context, width * 0.86, horizon * 0.24, width * 0.022);
}

function drawMoon(context, x, y, radius) {
  drawGlow(context, x, y, radius * 5, "rgb(255 244 214", 0.35);
  context.fillStyle = "#fff4d6";
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** A ridge of hills, the sum of three waves. */
function drawHills(context, width, horizon, height, phase, color) {
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(0, horizon);
  for (let step = 0; step <= 80; step++) {
    const at = (step / 80) * 9 + phase;
    const ridge = 0.55 + 0.22 * Math.sin(at) + 0.15 * Math.sin(at * 2.3) + 0.06 * Math.sin(at * 5.1);
    context.lineTo((step / 80) * width, horizon - height * ridge);
  }
  context.lineTo(width, horizon);
  context.fill();
}

function drawFireworks(context, width, horizon, time) {
  context.save();
  context.globalCompositeOperation = "lighter";
  const newest = Math.floor(time / LAUNCH_EVERY);
  for (let rocket = newest; (newest - rocket) * LAUNCH_EVERY < RISE + BURST; rocket--) {
    const age = time - rocket * LAUNCH_EVERY;
    const seed = rocket % 10_000;
    const x = (0.1 + 0.8 * chance(seed, 1)) * width;
    const y = (0.2 + 0.35 * chance(seed, 2)) * horizon;
    const hue = Math.floor(chance(seed, 3) * 360);
    if (age < RISE) drawRocket(context, x, y, horizon, age / RISE);
    else drawBurst(context, x, y, width * (0.1 + 0.09 * chance(seed, 4)), hue, seed, (age - RISE) / BURST);
  }
  context.restore();
}

function drawRocket(context, x, y, horizon, progress) {
  const head = horizon - (horizon - y) * (1 - (1 - progress) ** 2);
  const trail = context.createLinearGradient(0, head, 0, head + horizon * 0.1);
  trail.addColorStop(0, "rgb(255 226 170 / 0.9)");
  trail.addColorStop(1, "rgb(255 226 170 / 0)");
  context.fillStyle = trail;
  context.fillRect(x - 1, head, 2, horizon * 0.1);
}

function drawBurst(context, x, y, radius, hue, seed, progress) {
  const reach = 1 - (1 - progress) ** 3;
  const light = (1 - progress) ** 1.3;
  drawGlow(context, x, y, radius, `hsl(${hue} 90% 70%`, 0.5 * (1 - progress) ** 3);
  context.lineCap = "round";
  for (let spark = 0; spark < SPARKS; spark++) {
    const angle = chance(seed + spark, 5) * 2 * Math.PI;
    const far = radius * reach * Math.sqrt(0.04 + 0.96 * chance(seed + spark, 6));
    const twinkle = 0.5 + 0.5 * chance(seed + spark, Math.floor(progress * 24));
    const color = `hsl(${hue + 45 * chance(spark, 7)} 95% ${60 + 35 * light}%`;
    const at = (part) => [
      x + Math.cos(angle) * far * part,
      y + Math.sin(angle) * far * part + radius * 0.4 * (progress * part) ** 2,
    ];
    drawLine(context, at(0.55 + 0.35 * progress), at(1), radius * 0.012, `${color} / ${0.4 * light})`);
    drawLine(context, at(0.97), at(1), radius * 0.026, `${color} / ${light * twinkle})`);
  }
}

function drawLine(context, from, to, width, color) {
  context.lineWidth = Math.max(1, width);
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

/** Soft light around a point; `color` is the open beginning of a colour, the alpha comes here. */
function drawGlow(context, x, y, radius, color, alpha) {
  const glow = context.createRadialGradient(x, y, 0, x, y, radius);
  glow.addColorStop(0, `${color} / ${alpha})`);
  glow.addColorStop(1, `${color} / 0)`);
  context.fillStyle = glow;
  context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
}

function drawTown(context, width, horizon) {
  const unit = width / 60;
  for (let house = 0; house < 60; house++) {
    const tall = horizon * (0.04 + 0.15 * chance(house, 11) ** 3);
    const left = Math.floor(house * unit);
    context.fillStyle = "#0b0d20";
    context.fillRect(left, horizon - tall, Math.ceil(unit * (1 + chance(house, 12))), tall);
    context.fillStyle = "rgb(255 205 120 / 0.75)";
    for (let lamp = 0; lamp < 5; lamp++) {
      const up = chance(house, 20 + lamp) * tall * 0.85;
      const right = chance(house, 30 + lamp) * unit * 0.8;
      if (chance(house, 40 + lamp) > 0.45) context.fillRect(left + right, horizon - up, unit * 0.1, unit * 0.14);
    }
  }
}

/** The water shows what is above it upside down, in strips that sway. */
function drawWater(context, width, height, horizon, time) {
  const strip = Math.max(2, Math.round(height / 220));
  const depth = height - horizon;
  const above = copyAbove(context.canvas, width, horizon);
  context.fillStyle = "#0a0e26";
  context.fillRect(0, horizon, width, depth);
  context.globalAlpha = 0.7;
  for (let y = 0; y < depth; y += strip) {
    const sway = Math.sin(y * 0.09 + time * 2) * (1 + (y / depth) * 5) * (width / 1000);
    const source = (1 - (strip / horizon) - 0.8 * (y / depth)) * above.height;
    const rows = (strip / horizon) * above.height;
    context.drawImage(above, 0, source, above.width, rows, sway, horizon + y, width, strip);
  }
  context.globalAlpha = 1;
  const shade = context.createLinearGradient(0, horizon, 0, height);
  shade.addColorStop(0, "rgb(8 11 32 / 0)");
  shade.addColorStop(1, "rgb(8 11 32 / 0.7)");
  context.fillStyle = shade;
  context.fillRect(0, horizon, width, depth);
}

/** The picture above the horizon at half the size: reading the canvas while drawing on it is slow. */
function copyAbove(canvas, width, horizon) {
  mirror.width = Math.ceil(width / 2);
  mirror.height = Math.ceil(horizon / 2);
  mirror.getContext("2d").drawImage(canvas, 0, 0, width, horizon, 0, 0, mirror.width, mirror.height);
  return mirror;
}
