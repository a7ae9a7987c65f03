// The counterpart of kinema/web/play/messages.py: JSON both ways, frames and files as binary with a small header.

const FRAME = 1, VIDEO = 2, HEADER = 24;
const TYPES = ["image/jpeg", "image/png"];

export class Wire {
  // `on` has: message(values), frame(header, blob), video(blob), gone(code, reason).
  constructor(on) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/play`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      if (typeof data === "string") on.message(JSON.parse(data));
      else this.#binary(data, on);
    };
    this.socket.onclose = ({ code, reason }) => on.gone(code, reason);
  }

  get open() { return this.socket.readyState === WebSocket.OPEN; }

  say(what, values = {}) {
    if (this.open) this.socket.send(JSON.stringify({ do: what, ...values }));
  }

  sendFile(data) {
    if (this.open) this.socket.send(data);
  }

  #binary(data, on) {
    const view = new DataView(data);
    if (view.getUint8(0) === VIDEO) return on.video(new Blob([new Uint8Array(data, 1)], { type: "video/mp4" }));
    if (view.getUint8(0) !== FRAME) return;
    const header = {
      action: view.getInt16(2, true), serial: view.getUint32(4, true), step: view.getUint32(8, true),
      key: view.getUint32(12, true), computeMs: view.getFloat32(16, true), waitMs: view.getFloat32(20, true),
    };
    on.frame(header, new Blob([new Uint8Array(data, HEADER)], { type: TYPES[view.getUint8(1)] }));
  }
}
