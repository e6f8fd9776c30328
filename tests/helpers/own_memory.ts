/**
 * Bytes that this thread's JavaScript holds, ArrayBuffers included. Resident memory is no measure in a test: tests of
 * other files run in the same process.
 */
export function ownMemory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
