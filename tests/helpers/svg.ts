/**
 * Reads charts back: a small, strict reader of the XML that they are made of.
 * @module
 */
import assert from "node:assert/strict";

/** An element with what is in it. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** The text directly in it. */
  text: string;
}

const TOKEN = /<\/([\w-]+)>|<([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>|([^<]+)/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

function unescaped(text: string): string {
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  return text.replace(/&(\w*;?)/g, (_all, name: string) => {
    const letter = ENTITIES[name.slice(0, -1)];
    assert.ok(name.endsWith(";") && letter !== undefined, `no entity: &${name}`);
    return letter;
  });
}

/** The root of an SVG file; fails unless the file is well-formed, and every number in it is finite. */
export function readSvg(file: Uint8Array): Element {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(file);
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  assert.ok(text.startsWith(head));
  const top: Element = { name: "", attributes: {}, children: [], text: "" }, open = [top];
  TOKEN.lastIndex = head.length;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex, found = TOKEN.exec(text);
    assert.ok(found, `not well-formed at: ${text.slice(at, at + 80)}`);
    const [, closing, name, written, isEmpty, content] = found;
    if (closing !== undefined) assert.equal(open.pop()?.name, closing);
    else if (content !== undefined) open.at(-1)!.text += unescaped(content);
    else {
      const pairs = [...written.matchAll(/ ([\w-]+)="([^"]*)"/g)].map((
        [, key, value],
      ) => [key, unescaped(value)]);
      assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, `an attribute twice: ${written}`);
      const element: Element = { name, attributes: Object.fromEntries(pairs), children: [], text: "" };
      for (const [key, value] of pairs) {
        if (!/^(data-|class|aria)/.test(key)) assert.doesNotMatch(value, /NaN|Infinity|undefined/, key);
      }
      open.at(-1)!.children.push(element);
      if (!isEmpty) open.push(element);
    }
  }
  assert.equal(open.length, 1, `${open.at(-1)!.name} has no end`);
  assert.deepEqual([top.children.map(({ name }) => name), top.text.trim()], [["svg"], ""]);
  return top.children[0];
}

/** All elements within one that fit, in order. */
export function find(root: Element, isWanted: (element: Element) => boolean): Element[] {
  return root.children.flatMap((child) => [...(isWanted(child) ? [child] : []), ...find(child, isWanted)]);
}

/** All elements of a class. */
export function ofClass(root: Element, name: string): Element[] {
  return find(root, ({ attributes }) => attributes.class === name);
}

/** The texts that can be read, in order. */
export function textsOf(root: Element): string[] {
  return find(root, ({ name }) => name === "text").map(({ text }) => text);
}

/** Where a path goes, as stretches of points; `h0` after a point is a dot. */
export function pointsOf(path: string): [number, number][][] {
  assert.match(path, /^(?:[ML]-?[\d.]+,-?[\d.]+(?:h0)?)*$/);
  return path.split("M").slice(1).map((stretch) =>
    stretch.replaceAll("h0", "").split("L").map((point) => {
      assert.match(point, /^-?\d+(\.\d{1,2})?,-?\d+(\.\d{1,2})?$/, "two decimals");
      const [x, y] = point.split(",").map(Number);
      return [x, y];
    })
  );
}

/** The line from tick labels to values: what a coordinate of an axis stands for. */
export function scaleOf(
  ticks: readonly { readonly at: number; readonly value: number }[],
): (at: number) => number {
  const [first, last] = [ticks[0], ticks.at(-1)!];
  assert.ok(ticks.length > 1 && first.at !== last.at, "two ticks at least");
  return (at) => first.value + (at - first.at) / (last.at - first.at) * (last.value - first.value);
}

/** What the labels of an upright axis (at the end) or of one from left to right (in the middle) say, and where. */
export function ticksOf(axes: Element, side: "x" | "y"): { at: number; value: number; text: string }[] {
  return axes.children.filter(({ name, attributes }) =>
    name === "text" && attributes["text-anchor"] === (side === "y" ? "end" : "middle")
  ).map(({ attributes, text }) => ({
    at: side === "x" ? Number(attributes.x) : Number(attributes.y) - 0.35 * 13,
    value: Number(text.replaceAll(",", "").replace("−", "-")),
    text,
  })).filter(({ value, text }) => text !== "" && Number.isFinite(value));
}
