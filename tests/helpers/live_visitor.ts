/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A worker that visits a dashboard while the test's own thread is blocked: told an address and how often, it answers
// with the milliseconds of each visit.
self.onmessage = async ({ data: { url, visits } }: MessageEvent<{ url: string; visits: number }>) => {
  const times: number[] = [];
  for (let k = 0; k < visits; k++) {
    const before = performance.now();
    for (const path of ["", "data.json"]) await (await fetch(url + path)).text();
    times.push(performance.now() - before);
  }
  self.postMessage(times);
};
