/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A worker that visits a dashboard while the test's own thread is blocked: told an address, how often, and whom to wake.
self.onmessage = async ({ data }: MessageEvent<{ url: string; visits: number; done: Int32Array }>) => {
  const { url, visits, done } = data;
  for (let k = 0; k < visits; k++) {
    for (const path of ["", "data.json"]) await (await fetch(url + path)).text();
  }
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
  self.postMessage("done");
};
