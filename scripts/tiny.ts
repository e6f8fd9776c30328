// A whole autoencoder, 784-128-3-128-784, with no machinery around it. Run: deno run --allow-read scripts/tiny.ts
import { adam, batches, compile, dense, DeviceImages, gatherBatch, Graph, loadDataset } from "../mod.ts";
import { type Activation, openGpu, Parameters, permutation, squaredError, type Value } from "../mod.ts";

const { train, width } = await loadDataset("fashion-mnist-mini", { cacheDir: ".cache" });
using gpu = await openGpu();
using images = new DeviceImages(gpu, "train", train.images, width);
using parameters = new Parameters(0); //                                      weights, drawn from seed 0
const graph = new Graph(64); //                                               for batches of up to 64 images
const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
  dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear" });

const x = gatherBatch(graph, "pixels", images); //                            [64, 784]
const code = layer("code", layer("encoder", x, 128, "tanh"), 3, "identity"); //         → [64, 128] → [64, 3]
const y = layer("pixels again", layer("decoder", code, 128, "tanh"), width, "sigmoid"); // → [64, 128] → [64, 784]
const loss = squaredError(graph, y, x, { label: "loss", reduction: "mean" });
const [losses, trainable, optimizer] = [[loss], parameters.all, adam({ learningRate: 5e-3 })];
using step = await compile(gpu, graph, parameters, { label: "tiny", losses, trainable, optimizer });

for (let epoch = 1; epoch <= 5; epoch++) {
  images.setOrder(permutation(images.count, 0, epoch)); //                    every image once, in a new order
  for (const batch of batches(images.count, 64)) step.run(batch); //          queued on the GPU, not waited for
  const { mean } = await step.readLosses(); //                                one wait for an epoch
  console.log(`epoch ${epoch}  loss ${mean.loss.toFixed(4)}`);
}
