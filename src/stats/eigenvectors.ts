/**
 * Eigenvectors of a symmetric matrix, large ones in a worker, so that signals are heard meanwhile.
 * @module
 */
import { type Eigenvectors, type EigenvectorsRequest, findEigenvectors } from "./find_eigenvectors.ts";

/** Rows of a matrix that is decomposed in a twentieth of a second, faster than a worker starts. */
const SMALL = 200;

/** Returns the eigenvectors of the largest eigenvalues, as {@link findEigenvectors} does. */
export async function leadingEigenvectors(request: EigenvectorsRequest): Promise<Eigenvectors> {
  if (request.size <= SMALL) return findEigenvectors(request);
  const worker = new Worker(new URL("./eigenvectors_worker.ts", import.meta.url), {
    type: "module",
    name: "eigenvectors",
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Eigenvectors>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`Cannot compute eigenvectors: ${event.message}`));
      };
      worker.postMessage(request, [request.matrix.buffer]);
    });
  } finally {
    worker.terminate();
  }
}
