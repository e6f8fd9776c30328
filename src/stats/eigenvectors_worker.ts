/**
 * Worker that decomposes a symmetric matrix, while the main thread hears signals.
 * @module
 */
import { type Eigenvectors, type EigenvectorsRequest, findEigenvectors } from "./find_eigenvectors.ts";

declare const self: {
  onmessage: ((event: MessageEvent<EigenvectorsRequest>) => void) | null;
  postMessage(message: Eigenvectors): void;
};

self.onmessage = ({ data }) => self.postMessage(findEigenvectors(data));
