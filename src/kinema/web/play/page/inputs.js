// Turns keys, game pads and touch into the action that is held: the one pressed last of those still held.

const DIRECTIONS = { left: ["left"], right: ["right"], up: ["up", "upwards", "forward", "away"], down: ["down", "downwards", "back", "backward", "closer"] };
const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const PAD_DIRECTIONS = { 12: "up", 13: "down", 14: "left", 15: "right" };
const PAD_START = 9, STICK = 0.5;

// The direction that a name contains, such as "left" in "arm left"; undefined if it contains none or several.
export function directionOf(name) {
  const words = name.toLowerCase().split(/[^a-z]+/);
  const found = Object.keys(DIRECTIONS).filter((direction) => DIRECTIONS[direction].some((word) => words.includes(word)));
  return found.length === 1 ? found[0] : undefined;
}

// Direction -> action, for the names that contain one direction.
export function actionsByDirection(names) {
  const directions = {};
  names.forEach((name, action) => { const direction = directionOf(name); if (direction && !(direction in directions)) directions[direction] = action; });
  return directions;
}

export class Inputs {
  #held = [];  // [source, action], in the order pressed
  #directions = {};
  #count = 0;
  #padButtons = new Set();

  // `hold(action or null)` is called at each change, `reset()` for R and a pad's start button.
  constructor(hold, reset) {
    this.hold = hold;
    this.reset = reset;
    addEventListener("keydown", (event) => this.#keyDown(event));
    addEventListener("keyup", (event) => this.release(`key ${event.code}`));
    addEventListener("blur", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.releaseAll(); });
    const poll = () => { this.#pollPads(); requestAnimationFrame(poll); };
    requestAnimationFrame(poll);
  }

  setNames(names) {
    this.#count = names.length;
    this.#directions = actionsByDirection(names);
  }

  get action() { return this.#held.length ? this.#held[this.#held.length - 1][1] : null; }

  press(source, action) {
    if (action === undefined || this.#held.some(([other]) => other === source)) return;
    this.#change(() => this.#held.push([source, action]), true);
  }

  release(source) {
    this.#change(() => { this.#held = this.#held.filter(([other]) => other !== source); });
  }

  releaseAll() { this.#change(() => { this.#held = []; }); }

  #change(edit, always = false) {
    const before = this.action;
    edit();
    if (always || this.action !== before) this.hold(this.action);
  }

  #keyDown(event) {
    if (event.target.matches("input[type=text]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "KeyR" && !event.repeat) return this.reset();
    const action = this.#actionOf(event);
    if (action === undefined) return;
    event.preventDefault();
    if (!event.repeat) this.press(`key ${event.code}`, action);
  }

  #actionOf(event) {
    if (event.code in ARROWS) return this.#directions[ARROWS[event.code]];
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    return digit && Number(digit[1]) <= this.#count ? Number(digit[1]) - 1 : undefined;
  }

  #pollPads() {
    const now = new Map();
    for (const pad of navigator.getGamepads?.() ?? []) {
      if (!pad) continue;
      pad.buttons.forEach((button, number) => {
        if (!button.pressed) return;
        const action = number in PAD_DIRECTIONS ? this.#directions[PAD_DIRECTIONS[number]] : number < 8 && number < this.#count ? number : undefined;
        now.set(`pad ${pad.index} ${number}`, number === PAD_START ? "reset" : action);
      });
      const [x = 0, y = 0] = pad.axes;
      if (x < -STICK) now.set(`pad ${pad.index} x-`, this.#directions.left);
      if (x > STICK) now.set(`pad ${pad.index} x+`, this.#directions.right);
      if (y < -STICK) now.set(`pad ${pad.index} y-`, this.#directions.up);
      if (y > STICK) now.set(`pad ${pad.index} y+`, this.#directions.down);
    }
    for (const source of this.#padButtons) if (!now.has(source)) this.release(source);
    for (const [source, action] of now) {
      if (this.#padButtons.has(source)) continue;
      if (action === "reset") this.reset();
      else this.press(source, action);
    }
    this.#padButtons = new Set(now.keys());
  }
}
