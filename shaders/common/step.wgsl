// Values that change every step: 32 bytes, written before the step is submitted (src/step/step.ts).

struct Step {
  rows: u32,          // rows of this batch, at most B
  first: u32,         // index of the batch's first row in the epoch's order
  count: u32,         // number of the step, from 1
  learning_rate: f32, // η
  correction_1: f32,  // for the optimizer: Adam's 1/(1-β1^t)
  correction_2: f32,  // Adam's 1/√(1-β2^t)
  draw: u32,          // index of the noise
}
