// What changes from step to step: the 32 bytes that a step writes before it is submitted (src/graph/step.ts).

struct Step {
  rows: u32,          // of this batch, at most B
  first: u32,         // the batch's place in the epoch's order
  count: u32,         // the step's number, from 1
  learning_rate: f32, // η
  correction_1: f32,  // the optimizer's own: Adam's 1/(1-β1^t)
  correction_2: f32,  // Adam's 1/√(1-β2^t)
  draw: u32,          // which noise
}
