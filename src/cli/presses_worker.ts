/**
 * Worker that counts the presses of Ctrl-C while the main thread computes.
 * @module
 */
import { listenForPresses } from "./signals.ts";

declare const self: {
  onmessage: ((event: MessageEvent<Int32Array<SharedArrayBuffer>>) => void) | null;
  postMessage(message: "ready" | "pressed"): void;
};

self.onmessage = ({ data }) => {
  listenForPresses((exitCode) => {
    Atomics.store(data, 1, exitCode);
    Atomics.add(data, 0, 1);
    self.postMessage("pressed");
  });
  self.postMessage("ready");
};
