/**
 * Rotatable 3-D scatter plot, drawn by three.js.
 * @module
 */
import type * as Three from "npm:@types/three@0.185.1";
import type { ChartBoard } from "./charts.ts";
import type { Points } from "./flat_points.ts";
import { make } from "./dom.ts";

/** Each point is a disc whose size and opacity decrease with distance, as a depth cue. */
const VERTEX_SHADER = `
  attribute vec3 shade;
  uniform float diameter;
  varying vec3 vShade;
  varying float vNear;
  void main() {
    vec4 place = modelViewMatrix * vec4(position, 1.0);
    vShade = shade;
    vNear = clamp((5.6 + place.z) / 2.2, 0.0, 1.0);
    gl_Position = projectionMatrix * place;
    gl_PointSize = diameter * 4.5 / -place.z;
  }`;
const FRAGMENT_SHADER = `
  varying vec3 vShade;
  varying float vNear;
  uniform vec3 background;
  void main() {
    if (length(gl_PointCoord - 0.5) > 0.5) discard;
    gl_FragColor = vec4(mix(background, vShade, 0.6 + 0.4 * vNear), 1.0);
  }`;

/** Distance of the camera from the center of the box, whose longest edge is 2. */
const DISTANCE = 4.5;
/** Rotation per arrow key press, and per pixel of dragging, in radians. */
const KEY_TURN = 0.1, DRAG_TURN = 0.008;

/**
 * Draws codes with three axes.
 *
 * @param frame parent of the canvas
 * @param onMove called when points have moved on the screen
 * @throws Error if the browser does not support WebGL
 */
export function turningPoints(
  three: typeof Three,
  board: ChartBoard,
  frame: HTMLElement,
  onMove: () => void,
): Points {
  const canvas = make("canvas", { class: "turning", role: "img", "aria-label": "scatter plot in space" });
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  frame.prepend(canvas);
  const scene = new three.Scene(),
    box = new three.Group(),
    camera = new three.PerspectiveCamera(40, 1, 0.1, 20);
  scene.add(box);
  camera.position.z = DISTANCE;
  box.rotation.set(0.35, -0.6, 0);
  const uniforms = { diameter: { value: 6 }, background: { value: new three.Color() } };
  const material = new three.ShaderMaterial({
    vertexShader: VERTEX_SHADER,
    fragmentShader: FRAGMENT_SHADER,
    uniforms,
  });
  const cloud = new three.Points(new three.BufferGeometry(), material);
  cloud.frustumCulled = false;
  const edges = new three.LineSegments(
    new three.BufferGeometry(),
    new three.LineBasicMaterial({ color: 0x888888 }),
  );
  box.add(cloud, edges);
  const names = [0, 1, 2].map(() => make("span", { class: "axis" }));
  frame.append(...names);
  /** Positions of all points, including hidden ones. */
  let places = new Float32Array();
  let corner = new three.Vector3();

  /** Projects a position in the box to CSS pixels. */
  const project = (place: Three.Vector3): [number, number, number] => {
    const seen = place.applyMatrix4(box.matrixWorld).project(camera);
    return [(seen.x + 1) / 2 * frame.clientWidth, (1 - seen.y) / 2 * frame.clientHeight, seen.z];
  };

  const draw = () => {
    scene.updateMatrixWorld();
    camera.updateMatrixWorld();
    renderer.render(scene, camera);
    const reach = corner.clone().negate();
    for (const [axis, name] of names.entries()) {
      const end = corner.clone().setComponent(axis, reach.getComponent(axis) + 0.12);
      const [x, y] = project(end), half = name.offsetWidth / 2; // keeps the label inside the frame
      const inside = Math.max(half, Math.min(frame.clientWidth - half, x));
      name.style.left = `${100 * inside / frame.clientWidth}%`; // percentages stay correct in print
      name.style.top = `${100 * y / frame.clientHeight}%`;
    }
  };
  canvas.addEventListener("draw", draw); // for printing
  let isWaiting = false;
  const redraw = () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
      onMove();
    });
  };

  new ResizeObserver(() => {
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    if (width === 0 || height === 0) return;
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    focus();
    uniforms.diameter.value = renderer.getPixelRatio() * (width < 500 ? 4.5 : 6);
    redraw();
  }).observe(frame);

  let closeness = 1;
  /** Adjusts the camera so that the box fits into the frame in every rotation. */
  const focus = () => {
    const radius = corner.length() || 1;
    const fit = Math.tan(camera.fov / 2 * Math.PI / 180) * Math.sqrt(DISTANCE ** 2 - radius ** 2) / radius;
    camera.zoom = 0.94 * fit * Math.min(1, camera.aspect) * closeness;
    camera.updateProjectionMatrix();
  };
  const approach = (factor: number) => {
    closeness = Math.min(8, Math.max(0.5, closeness * factor));
    focus();
    redraw();
  };
  const turn = (right: number, down: number) => {
    const about = (x: number, y: number, angle: number) =>
      new three.Quaternion().setFromAxisAngle(new three.Vector3(x, y, 0), angle);
    box.quaternion.premultiply(about(0, 1, right)).premultiply(about(1, 0, down));
    redraw();
  };
  let [x, y] = [0, 0];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [x, y] = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    turn((event.clientX - x) * DRAG_TURN, (event.clientY - y) * DRAG_TURN);
    [x, y] = [event.clientX, event.clientY];
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // without Ctrl the wheel scrolls the page
    event.preventDefault();
    approach(Math.exp(-event.deltaY * 0.002));
  }, { passive: false });

  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => turn(-KEY_TURN, 0),
    ArrowRight: () => turn(KEY_TURN, 0),
    ArrowUp: () => turn(0, -KEY_TURN),
    ArrowDown: () => turn(0, KEY_TURN),
    "+": () => approach(1.15),
    "-": () => approach(1 / 1.15),
  };
  return {
    project: (point) => project(new three.Vector3(...places.subarray(3 * point, 3 * point + 3))),
    update: ({ axes, points, labels }, isShown) => {
      const ranges = [0, 1, 2].map((axis) => {
        const along = points.filter((value, k) => k % 3 === axis && value !== null).map(Number);
        return [Math.min(...along), Math.max(...along)];
      });
      const longest = Math.max(...ranges.map(([low, high]) => high - low)) || 1; // one scale for all axes
      const centered = (value: number | null, axis: number) =>
        2 * (Number(value) - (ranges[axis][0] + ranges[axis][1]) / 2) / longest;
      places = Float32Array.from(points, (value, k) => centered(value, k % 3));
      const visible = Array.from({ length: points.length / 3 }, (_, point) => point).filter(isShown);
      const shades = visible.flatMap((point) => {
        const color = parseInt(board.theme.classColor(labels?.[point] ?? 0).slice(1), 16);
        return [color >> 16, color >> 8 & 255, color & 255].map((part) => part / 255);
      });
      const seen = visible.flatMap((point) => [...places.subarray(3 * point, 3 * point + 3)]);
      cloud.geometry.setAttribute("position", new three.Float32BufferAttribute(seen, 3));
      cloud.geometry.setAttribute("shade", new three.Float32BufferAttribute(shades, 3));
      corner = new three.Vector3(...ranges.map(([low, high]) => (low - high) / longest));
      focus();
      edges.geometry.setAttribute(
        "position",
        new three.Float32BufferAttribute(boxEdges(corner.toArray()), 3),
      );
      const { surface, line } = board.theme.colors;
      uniforms.background.value.setStyle(surface, three.LinearSRGBColorSpace); // as the shader does not convert
      edges.material.color.setStyle(line);
      names.forEach((name, axis) => name.textContent = axes[axis]);
      redraw();
    },
    press: (key) => {
      const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
      act?.();
      return act !== undefined;
    },
  };
}

/**
 * Returns the twelve edges of a box centered at the origin.
 *
 * @param corner the corner with the smallest coordinates
 */
function boxEdges(corner: readonly number[]): number[] {
  const edges = [];
  for (let a = 0; a < 8; a++) {
    for (const bit of [1, 2, 4]) {
      if (a & bit) continue;
      for (const b of [a, a | bit]) {
        edges.push(...corner.map((value, axis) => b >> axis & 1 ? -value : value));
      }
    }
  }
  return edges;
}
