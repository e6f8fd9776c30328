/**
 * Learning-rate schedules: pure functions from a step to the factor of its learning rate.
 * @module
 */
import { InputError } from "../errors.ts";

/**
 * Returns the factor of the learning rate at a step, in [0, 1].
 *
 * @param step number of completed steps, from 0
 * @param steps total number of steps, at least 1
 */
export type Schedule = (step: number, steps: number) => number;

/** Constant schedule: the factor is 1 at every step. */
export function constant(): number {
  return 1;
}

/**
 * Cosine decay from 1 to `floor`: floor + (1 - floor)·(1 + cos(π·step/steps))/2 (Loshchilov and Hutter, SGDR,
 * 2017, eq. 5, without restarts). The first step has factor 1, the one after the last `floor`.
 *
 * @param floor final factor, in [0, 1]
 * @throws RangeError if it is not
 */
export function cosine(floor: number = 0): Schedule {
  if (!(floor >= 0 && floor <= 1)) {
    throw new RangeError(`Cannot make a cosine schedule: expected a floor in [0, 1] but received ${floor}`);
  }
  return (step, steps) => {
    const passed = Math.min(1, step / steps);
    return floor + (1 - floor) * (1 + Math.cos(Math.PI * passed)) / 2;
  };
}

/**
 * Linear warm-up over the first `warmUpSteps` steps, 1/w, 2/w, …, 1, followed by another schedule over the
 * remaining steps (Goyal et al. 2017, section 2.2).
 *
 * @param warmUpSteps w, an integer of at least 0; 0 disables the warm-up
 * @param then the schedule after the warm-up
 * @throws RangeError if `warmUpSteps` is not such an integer
 */
export function warmUp(warmUpSteps: number, then: Schedule): Schedule {
  if (!Number.isSafeInteger(warmUpSteps) || warmUpSteps < 0) {
    throw new RangeError(
      `Cannot warm up: expected an integer of at least 0 but received ${warmUpSteps} steps`,
    );
  }
  return (step, steps) =>
    step < warmUpSteps
      ? (step + 1) / warmUpSteps
      : then(step - warmUpSteps, Math.max(1, steps - warmUpSteps));
}

/** Schedule names accepted by {@link parseSchedule}. */
export const SCHEDULE_NAMES = ["constant", "cosine"] as const;

/** Options of {@link parseSchedule}. */
export interface ScheduleOptions {
  /** Number of warm-up steps; 0 if absent. */
  readonly warmUp?: number | undefined;
  /** Final factor of a cosine; 0 if absent. */
  readonly floor?: number | undefined;
  /** Total number of steps, which limits the warm-up; unlimited if absent. */
  readonly steps?: number | undefined;
}

/**
 * Creates the schedule of a name, with a warm-up before it if requested.
 *
 * ```ts
 * import { parseSchedule } from "./schedule.ts";
 *
 * const schedule = parseSchedule("cosine", { warmUp: 10, steps: 110 });
 * console.log([0, 9, 10, 60].map((step) => schedule(step, 110).toFixed(2)).join(" ")); // 0.10 1.00 1.00 0.50
 * ```
 *
 * @throws InputError if the name is unknown or a number is out of range
 */
export function parseSchedule(name: string, options: ScheduleOptions = {}): Schedule {
  const { warmUp: warmUpSteps = 0, floor = 0, steps = Infinity } = options;
  const action = "Cannot make a learning-rate schedule";
  if (!SCHEDULE_NAMES.some((known) => known === name)) {
    throw new InputError(`${action}: expected one of ${SCHEDULE_NAMES.join(", ")} but received "${name}"`);
  }
  if (!(floor >= 0 && floor <= 1)) {
    throw new InputError(`${action}: expected a floor in [0, 1] but received ${floor}`);
  }
  if (!Number.isSafeInteger(warmUpSteps) || warmUpSteps < 0) {
    throw new InputError(
      `${action}: expected a whole number of warm-up steps, at least 0, but received ${warmUpSteps}`,
    );
  }
  if (warmUpSteps > steps) {
    throw new InputError(
      `${action}: expected a warm-up of at most ${steps} steps, the whole training, but received ${warmUpSteps}; ` +
        "train longer or warm up for fewer steps",
    );
  }
  const after = name === "cosine" ? cosine(floor) : constant;
  return warmUpSteps === 0 ? after : warmUp(warmUpSteps, after);
}
