// The page: draws the frames of the server, reports which action is held, and saves recordings.

import { Inputs, directionOf, actionsByDirection } from "./inputs.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const canvas = $("canvas"), context = canvas.getContext("2d");
const ARROW_SIGNS = { left: "←", right: "→", up: "↑", down: "↓" };
const FULL = 4001, IDLE = 4002, NO_TEXT = 1007, TOO_LARGE = 1009;

let wire, welcome, names = [], noop = null;
let key = 0, drawn = 0, sharing = false;
const pressedAt = new Map();  // number of a key press -> time in ms
const drawnAt = [];           // times at which the last frames were drawn

const inputs = new Inputs((action) => {
  key += 1;
  if (action !== null) pressedAt.set(key, performance.now());
  wire?.say("hold", { action, key });
  showHeld(action);
}, () => reset());

function connect() {
  curtain("Connecting …");
  drawn = 0;
  wire = new Wire({ message: hear, frame: draw, video: keepVideo, gone });
}

async function gone(code, reason) {
  inputs.releaseAll();
  progress();
  const why = code === FULL || code === IDLE ? reason
    : code === TOO_LARGE ? "The file is larger than the server accepts."
    : code === NO_TEXT ? "The message was not valid text."
    : welcome ? "The connection to the server was lost." : "No connection to the server.";
  curtain(why[0].toUpperCase() + why.slice(1), true);
  if (code !== 1006) return;
  // A refused WebSocket gives no reason; the answer to an HTTP request does.
  const answer = await fetch("status", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) curtain("The server needs its token: open the address that it printed.", true);
}

function hear(values) {
  switch (values.say) {
    case "welcome": return begin(values);
    case "names": return setNames(values.names, values.noop);
    case "state": return showState(values);
    case "recording": return keepRecording(values.text);
    case "exporting": return progress(values.done, values.total);
    case "problem": progress(); return toast(values.message, true);
  }
}

function begin(values) {
  welcome = values;
  [canvas.height, canvas.width] = values.size;
  $("stage").style.setProperty("--ratio", canvas.height / canvas.width);
  $("model").textContent = values.model;
  document.title = `${values.model} – kinema play`;
  $("naming").hidden = !values.may_rename;
  showStarts(values.starts);
  setNames(values.names, values.noop);
  sendSettings();
  fit();
}

// Frames

async function draw(header, blob) {
  const picture = await createImageBitmap(blob);
  wire.say("seen", { serial: header.serial });
  if (header.serial > drawn) {
    drawn = header.serial;
    context.drawImage(picture, 0, 0);
    curtain();
    showFigures(header);
  }
  picture.close();
}

function showFigures({ action, step, key: obeyed, computeMs, waitMs }) {
  const now = performance.now();
  const pressed = pressedAt.get(obeyed);
  if (pressed !== undefined && action >= 0) {
    $("latency").textContent = `${Math.round(now - pressed)} ms`;
    for (const old of pressedAt.keys()) if (old <= obeyed) pressedAt.delete(old);
  }
  drawnAt.push(now);
  while (drawnAt.length > 1 && now - drawnAt[0] > 2000) drawnAt.shift();
  const seconds = (now - drawnAt[0]) / 1000;
  $("rate").textContent = drawnAt.length > 2 ? ((drawnAt.length - 1) / seconds).toFixed(1) : "–";
  $("compute").textContent = `${Math.round(computeMs)} ms` + (waitMs > 20 ? ` +${Math.round(waitMs)}` : "");
  $("step").textContent = step;
  canvas.dataset.step = step;
  canvas.dataset.serial = drawn;
  $("recorded").textContent = step ? `${step} steps since the last reset are recorded.` : "Everything since the last reset is recorded.";
  $("save").disabled = $("video").disabled = $("share").disabled = !step;
  document.querySelectorAll("#actions button").forEach((button, index) => button.classList.toggle("shown", index === action));
}

function fit() {
  const box = $("stage").getBoundingClientRect();
  const scale = Math.min((box.width - 4) / canvas.width, (box.height - 4) / canvas.height);
  canvas.style.width = `${Math.max(1, Math.floor(canvas.width * scale))}px`;
  canvas.style.height = `${Math.max(1, Math.floor(canvas.height * scale))}px`;
}
new ResizeObserver(fit).observe($("stage"));

function curtain(text, again = false) {
  $("curtain").hidden = text === undefined;
  if (text !== undefined) $("curtain-text").textContent = text;
  $("again").hidden = !again;
}
$("again").onclick = connect;

// Actions

function setNames(given, stay) {
  [names, noop] = [given, stay];
  inputs.setNames(names);
  const directions = actionsByDirection(names);
  const pad = $("actions");
  pad.replaceChildren(...names.map(actionButton));
  pad.classList.toggle("compass", "left" in directions && "right" in directions);
  pad.classList.toggle("flat", !("up" in directions) && !("down" in directions));
  const canStay = noop !== null && noop !== undefined;
  const stays = document.querySelector("input[name=idle][value=stay]");
  if (stays.disabled && canStay && !localStorage.getItem("idle")) { stays.checked = true; }
  stays.disabled = !canStay;
  if (stays.checked && !canStay) document.querySelector("input[name=idle][value=wait]").checked = true;
  stays.parentElement.title = canStay ? "" : "Name an action “stay” to use this";
  sendSettings();
  fillForm();
}

function actionButton(name, action) {
  const button = document.createElement("button");
  const direction = directionOf(name), numbered = name === String(action + 1);
  const label = document.createElement("span"), hint = document.createElement("kbd");
  label.textContent = numbered ? `action ${name}` : name;
  hint.textContent = direction && actionsByDirection(names)[direction] === action ? `${ARROW_SIGNS[direction]} ${action + 1}` : action < 9 ? action + 1 : "";
  if (hint.textContent) button.append(hint);
  button.append(label);
  if (direction && actionsByDirection(names)[direction] === action) button.dataset.direction = direction;
  button.dataset.action = action;
  button.classList.toggle("stays", action === noop);
  button.onpointerdown = (event) => {
    event.preventDefault();
    button.setPointerCapture?.(event.pointerId);
    inputs.press(`touch ${event.pointerId}`, action);
  };
  button.onpointerup = button.onpointercancel = (event) => inputs.release(`touch ${event.pointerId}`);
  button.onkeydown = (event) => { if (["Enter", "Space"].includes(event.code)) { event.preventDefault(); inputs.press("focus", action); } };
  button.onkeyup = () => inputs.release("focus");
  button.oncontextmenu = (event) => event.preventDefault();
  return button;
}

function showHeld(action) {
  document.querySelectorAll("#actions button").forEach((button, index) => button.classList.toggle("held", index === action));
}

function fillForm() {
  $("names").replaceChildren(...names.map((name, action) => {
    const row = document.createElement("label");
    const number = document.createElement("kbd"), text = document.createElement("input");
    const stays = document.createElement("span"), radio = document.createElement("input");
    number.textContent = action + 1;
    Object.assign(text, { type: "text", value: name, maxLength: 24, required: true });
    Object.assign(radio, { type: "radio", name: "noop", value: action, checked: action === noop });
    stays.className = "stays";
    stays.append(radio, "stays");
    row.append(number, text, stays);
    return row;
  }));
}

function submitNames() {
  const stays = document.querySelector("#names input[name=noop]:checked");
  const given = [...document.querySelectorAll("#names input[type=text]")].map((input) => input.value.trim());
  wire.say("rename", { names: given, noop: stays ? Number(stays.value) : null });
}
$("edit").onclick = () => {
  const closing = !$("names").hidden;
  if (closing) submitNames();
  $("names").hidden = closing;
  $("edit").textContent = closing ? "Edit" : "Store";
};
$("names").onsubmit = (event) => event.preventDefault();
$("names").onkeydown = (event) => { if (event.key === "Enter") $("edit").click(); };

// Start and settings

function showStarts(starts) {
  $("starts").replaceChildren(...starts.map(({ name, picture }) => {
    const button = document.createElement("button"), image = document.createElement("img");
    image.src = `data:image/jpeg;base64,${picture}`;
    image.alt = button.title = name;
    button.dataset.start = name;
    button.append(image);
    button.onclick = () => reset(name);
    return button;
  }));
}

function reset(start = null) {
  const variety = Number($("variety").value);
  const seed = variety > 0 ? Math.floor(Math.random() * 2 ** 32) : 0;
  inputs.releaseAll();
  drawnAt.length = 0;
  wire?.say("reset", { start, seed, variety });
  canvas.focus({ preventScroll: true });
}
$("reset").onclick = () => reset();

function showState({ start, replaying, fps }) {
  document.querySelectorAll("#starts button").forEach((button) => button.classList.toggle("chosen", button.dataset.start === start));
  $("badge").hidden = !replaying;
  $("badge").textContent = "replay";
  if (Number($("fps").value) !== fps && replaying) { $("fps").value = fps; showSliders(); }
}

function sendSettings() {
  wire?.say("settings", {
    fps: Number($("fps").value),
    idle: document.querySelector("input[name=idle]:checked").value,
    format: $("exact").checked ? "png" : "jpeg",
  });
}

function showSliders() {
  $("fps-shown").textContent = `${$("fps").value} / s`;
  const variety = Number($("variety").value);
  $("variety-shown").textContent = variety ? variety.toFixed(1) : "off";
}
$("fps").oninput = () => { showSliders(); sendSettings(); };
$("variety").oninput = showSliders;
$("variety").onchange = () => toast("Variety takes effect at the next reset.");
$("exact").onchange = sendSettings;
document.querySelectorAll("input[name=idle]").forEach((input) => { input.onchange = () => { localStorage.setItem("idle", input.value); sendSettings(); }; });
document.querySelectorAll("input[name=pixels]").forEach((input) => { input.onchange = () => canvas.classList.toggle("sharp", input.value === "sharp"); });
canvas.classList.add("sharp");

$("picture").onclick = () => $("picture-file").click();
$("picture-file").onchange = async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  if (file.size > welcome.upload_bytes) return toast(`The picture is too large: at most ${Math.floor(welcome.upload_bytes / 1e6)} MB.`, true);
  wire.sendFile(await file.arrayBuffer());
};

// Sessions

$("save").onclick = () => { sharing = false; wire.say("save"); };
$("share").onclick = () => { sharing = true; wire.say("save"); };
$("share").hidden = !navigator.canShare?.({ files: [new File(["{}"], "a.json", { type: "application/json" })] });
$("video").onclick = () => { progress(0, 1); wire.say("export"); };
$("open").onclick = () => $("session-file").click();
$("session-file").onchange = async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  if (file.size > welcome.upload_bytes / 2) return toast("That file is too large to be a session.", true);
  wire.say("replay", { recording: await file.text() });
};

async function keepRecording(text) {
  const blob = new Blob([text], { type: "application/json" });
  const file = new File([blob], `${welcome.model}-session.json`, { type: blob.type });
  if (!sharing) return download(file, file.name);
  try { await navigator.share({ files: [file], title: "A game of kinema" }); } catch { /* the person closed the dialog */ }
}

function keepVideo(blob) {
  progress();
  download(blob, `${welcome.model}-session.mp4`);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function progress(done, total) {
  $("progress").hidden = total === undefined;
  if (total !== undefined) Object.assign($("progress"), { value: done, max: total });
}

let toastTimer;
function toast(text, problem = false) {
  const box = $("toast");
  box.textContent = text;
  box.hidden = false;
  box.classList.toggle("problem", problem);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, problem ? 8000 : 3500);
}

showSliders();
connect();
