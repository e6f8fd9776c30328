/**
 * Entry point of the dashboard: the report's modules, updated during training, below a bar with progress and buttons.
 * @module
 */
import { loadLibraries } from "../../report/page/client/libraries.ts";
import { mount } from "../../report/page/client/mount.ts";
import { SECTIONS } from "../../report/page/client/sections.ts";
import type { PageData } from "../../report/page/page_types.ts";
import type { LiveState, PartName } from "../events.ts";
import { Connection } from "./connection.ts";

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${type.name} "${id}"`);
  return found;
}

const done = element("done", HTMLProgressElement);
const figures = element("figures", HTMLParagraphElement);
const phase = element("phase", HTMLParagraphElement);
const pause = element("pause", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const question = element("question", HTMLDialogElement);

const PHASES: Readonly<Record<LiveState["phase"], string>> = {
  running: "training",
  pausing: "pausing at the next report…",
  paused: "paused",
  stopping: "stopping: evaluating and saving…",
  ended: "training has ended",
};

/** Formats a duration as `0:42`, `12:34` or `1:02:03`. */
function duration(seconds: number) {
  const total = Math.max(0, Math.round(seconds)), hours = Math.floor(total / 3600);
  const two = (value: number) => `${value}`.padStart(2, "0");
  const minutes = Math.floor(total / 60) % 60, rest = two(total % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function progressText(
  { epoch, epochs, step, steps, imagesPerSecond, secondsLeft }: NonNullable<LiveState["progress"]>,
  hasEnded: boolean,
): string {
  const whole = (value: number) => Math.round(value).toLocaleString("en-GB");
  return [
    `epoch ${whole(epoch)} of ${whole(epochs)}`,
    `step ${whole(step)} of ${whole(steps)}`,
    `${whole(imagesPerSecond)} images/s`,
    ...(secondsLeft === undefined || hasEnded ? [] : [`${duration(secondsLeft)} left`]),
  ].join("\u00a0· ");
}

function showState(state: LiveState | undefined) {
  phase.classList.toggle("lost", state === undefined);
  pause.disabled = stop.disabled = !state || state.phase === "stopping" || state.phase === "ended";
  if (!state) {
    phase.textContent = "connection lost, reconnecting…";
    return;
  }
  const text = PHASES[state.phase];
  if (phase.textContent !== text) phase.textContent = text; // screen readers announce every assignment
  const isPaused = state.phase === "pausing" || state.phase === "paused", hasEnded = state.phase === "ended";
  pause.textContent = isPaused ? "Resume" : "Pause";
  pause.hidden = stop.hidden = hasEnded;
  if (hasEnded) question.close();
  if (!state.progress) return;
  const share = state.progress.step / state.progress.steps;
  done.value = share;
  figures.textContent = progressText(state.progress, hasEnded);
  const how = hasEnded ? "ended" : isPaused ? "paused" : `${Math.floor(100 * share)} %`;
  document.title = `${how} – Bottleneck`;
}

let report: ReturnType<typeof mount> | undefined;

async function showPage(page: PageData) {
  if (report) return report.update(page);
  const libraries = await loadLibraries({
    charts: [{ url: "/library/chart.umd.min.js" }, { url: "/library/chartjs-plugin-zoom.min.js" }],
    three: () => Promise.resolve({ url: "/library/three.js" }),
  });
  report = mount(element("report", HTMLDivElement), page, libraries, () => connection.draw());
}

/** Returns true if a visible section shows the part. */
function isInSight(name: PartName) {
  const shown = name === "images" ? "codes" : name; // the images belong to the codes
  return SECTIONS.some(({ id, shows }) => shows === shown && report?.isInSight(id));
}

const connection = new Connection({ onState: showState, onPage: showPage, isInSight });

pause.addEventListener("click", () => {
  const action = pause.textContent === "Resume" ? "resume" : "pause";
  pause.disabled = true; // until the server answers
  void connection.control(action);
});
stop.addEventListener("click", () => question.showModal());
element("question-no", HTMLButtonElement).addEventListener("click", () => question.close());
element("question-stop", HTMLButtonElement).addEventListener("click", () => {
  question.close();
  pause.disabled = stop.disabled = true;
  void connection.control("stop");
});

connection.start();
