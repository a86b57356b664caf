// The live page: the show, the comments that fly over it, and the form to write one.

import { Composer } from "../js/composer.js";
import { Connection, socketAddress } from "../js/connection.js";
import { showState } from "../js/status.js";
import { prefersStillness } from "../js/motion.js";
import { CommentLayer } from "./comments.js";
import { Player } from "./player.js";

const page = document.querySelector("#live");
const layer = page.querySelector(".comments");
const form = page.querySelector(".composer");
const player = new Player(page.querySelector("canvas"));
const comments = new CommentLayer(layer);
const connection = new Connection(() => socketAddress("ws/live/"));
const composer = new Composer(form, (text) =>
  connection.send({ text, color: new FormData(form).get("color") }),
);

const handlers = {
  comment: (message) => comments.show(message),
  error: (message) => composer.showError(message.text),
};

const play = page.querySelector("#play");
const showPlaying = () => (play.textContent = player.playing ? "Pause" : "Play");

play.addEventListener("click", () => {
  player.toggle();
  showPlaying();
});

page.querySelector("#show-comments").addEventListener("change", ({ currentTarget }) => {
  layer.hidden = !currentTarget.checked;
  comments.clear();
});

connection.addEventListener("message", ({ detail }) => handlers[detail.message.type]?.(detail.message));
showState(connection, page.querySelector(".status"));
composer.follow(connection);
if (!prefersStillness()) player.start();
showPlaying();
connection.open();
