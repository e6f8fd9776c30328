/** Resolves a turn after a worker that is started from now on posts its first message; after 10 seconds without one. */
export function whenWorkerSpeaks(): Promise<void> {
  const { Worker } = globalThis;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 10_000);
    globalThis.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        this.addEventListener("message", () => {
          clearTimeout(timer);
          setTimeout(resolve, 20);
        }, { once: true });
      }
    };
  });
}
