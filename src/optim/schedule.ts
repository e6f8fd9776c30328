/**
 * Learning-rate schedules: pure functions from a step to the share of the learning rate that it takes.
 * @module
 */
import { InputError } from "../errors.ts";

/**
 * The share of the learning rate at a step, in [0, 1].
 *
 * @param step how many steps have been made, from 0
 * @param steps how many there will be, at least 1
 */
export type Schedule = (step: number, steps: number) => number;

/** The whole learning rate at every step. */
export function constant(): number {
  return 1;
}

/**
 * From 1 down to `floor` along half a cosine: floor + (1 - floor)·(1 + cos(π·step/steps))/2 (Loshchilov and Hutter,
 * SGDR, 2017, eq. 5, without restarts). The first step takes the whole rate, the one after the last the floor.
 *
 * @param floor share of the learning rate that is left at the end, in [0, 1]
 * @throws RangeError for another floor
 */
export function cosine(floor: number = 0): Schedule {
  if (!(floor >= 0 && floor <= 1)) {
    throw new RangeError(`Cannot make a cosine schedule: floor must be in [0, 1], received ${floor}`);
  }
  return (step, steps) => {
    const passed = Math.min(1, step / steps);
    return floor + (1 - floor) * (1 + Math.cos(Math.PI * passed)) / 2;
  };
}

/**
 * Rises in equal steps over the first `warmUpSteps` steps, 1/w, 2/w, …, 1, and then follows another schedule over
 * the steps that are left (Goyal et al. 2017, section 2.2).
 *
 * @param warmUpSteps w, an integer of at least 0; 0 is no warm-up
 * @param then the schedule after it
 * @throws RangeError for another number
 */
export function warmUp(warmUpSteps: number, then: Schedule): Schedule {
  if (!Number.isSafeInteger(warmUpSteps) || warmUpSteps < 0) {
    throw new RangeError(`Cannot warm up: steps must be an integer of at least 0, received ${warmUpSteps}`);
  }
  return (step, steps) =>
    step < warmUpSteps
      ? (step + 1) / warmUpSteps
      : then(step - warmUpSteps, Math.max(1, steps - warmUpSteps));
}

/** The names that {@link parseSchedule} knows. */
export const SCHEDULE_NAMES = ["constant", "cosine"] as const;

/** What a schedule is put together from, as command lines say it. */
export interface ScheduleOptions {
  /** Steps over which the rate rises first; 0 if absent. */
  readonly warmUp?: number | undefined;
  /** Share of the rate that a cosine ends at; 0 if absent. */
  readonly floor?: number | undefined;
  /** Steps in all, to see that the warm-up is not longer. */
  readonly steps?: number | undefined;
}

/**
 * The schedule of that name, behind a warm-up if there is one.
 *
 * ```ts
 * import { parseSchedule } from "./schedule.ts";
 *
 * const schedule = parseSchedule("cosine", { warmUp: 10, steps: 110 });
 * console.log([0, 9, 10, 60].map((step) => schedule(step, 110).toFixed(2)).join(" ")); // 0.10 1.00 1.00 0.50
 * ```
 *
 * @throws InputError for a name that does not exist, or a figure out of its range
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
      `${action}: expected a warm-up of at most ${steps} steps, as there are no more, but received ${warmUpSteps}; ` +
        "train longer or warm up for fewer steps",
    );
  }
  const after = name === "cosine" ? cosine(floor) : constant;
  return warmUpSteps === 0 ? after : warmUp(warmUpSteps, after);
}
